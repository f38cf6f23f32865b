// Parses a subtitle file beside the thread that serves sessions, where it is long enough to hold that up.
import { Worker } from 'node:worker_threads';
import { FerriteError } from '#domain/errors.ts';
import type { Rational } from '#domain/media.ts';
import type { Cue } from './cue.ts';
import { parseSubtitles } from './formats.ts';

/** A few milliseconds: a thread takes longer to start. */
const MAX_INLINE_BYTES = 64 * 1024;
const DEADLINE_MS = 20_000;
const MAX_HEAP_MB = 512;

/** @throws MEDIA_UNREADABLE, CANCELLED */
export async function parseApart(bytes: Buffer, frameRate: Rational, signal: AbortSignal): Promise<Cue[]> {
  if (bytes.byteLength <= MAX_INLINE_BYTES) return parseSubtitles(bytes, frameRate);
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
