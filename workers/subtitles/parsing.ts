// Parses a subtitle file beside the thread that serves sessions, where it is long enough to hold that up.
import { Worker } from 'node:worker_threads';
import { FerriteError } from '#domain/errors.ts';
import type { Rational } from '#domain/media.ts';
import type { Cue } from './cue.ts';
import { parseSubtitles } from './formats.ts';
import { ReadingTurns } from './sources/reading-turns.ts';

/** A few milliseconds: a thread takes longer to start. */
const MAX_INLINE_BYTES = 64 * 1024;
const DEADLINE_MS = 20_000;
const MAX_HEAP_MB = 512;
/** Each may take all of its heap. */
const MAX_THREADS = 2;
/** Each has its bytes in memory. */
const MAX_WAITING = 16;

const turns = new ReadingTurns({
  atOnce: MAX_THREADS,
  maxWaiting: MAX_WAITING,
  refusal: () => new FerriteError('SUBTITLES_PENDING', 'too many subtitles wait to be read'),
});

/** @throws MEDIA_UNREADABLE, CANCELLED; SUBTITLES_PENDING where too many wait already */
export async function parseApart(bytes: Buffer, frameRate: Rational, signal: AbortSignal): Promise<Cue[]> {
  if (bytes.byteLength <= MAX_INLINE_BYTES) return parseSubtitles(bytes, frameRate);
  return turns.take(() => parseInThread(bytes, frameRate, signal), signal);
}

async function parseInThread(bytes: Buffer, frameRate: Rational, signal: AbortSignal): Promise<Cue[]> {
  const thread = new Worker(new URL('./parse-thread.ts', import.meta.url), {
    workerData: { bytes, frameRate },
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
  });
  const { promise, resolve, reject } = Promise.withResolvers<Cue[]>();
  const onAbort = (): void => reject(new FerriteError('CANCELLED', 'nobody waits for the subtitles any more'));
  const deadline = setTimeout(() => reject(unreadable('the subtitles took too long to read')), DEADLINE_MS);
  signal.addEventListener('abort', onAbort, { once: true });
  thread.once('message', resolve);
  thread.once('error', cause => reject(unreadable('the subtitles can not be read', cause)));
  thread.once('exit', () => reject(unreadable('the subtitles can not be read')));
  try {
    return await promise;
  } finally {
    clearTimeout(deadline);
    signal.removeEventListener('abort', onAbort);
    await thread.terminate();
  }
}

const unreadable = (message: string, cause?: unknown): FerriteError => new FerriteError('MEDIA_UNREADABLE', message, { cause });
