// The subtitle tracks of one thread's films: each is read once, however many segments are asked for, and kept for a while. Who asks waits no longer than a bound.
import { LRUCache } from 'lru-cache';
import { FerriteError } from '#domain/errors.ts';
import type { SharedMedia } from '#domain/protocol.ts';
import type { RenditionKey, SubtitleRendition } from '#domain/rendition.ts';
import type { RunTool } from '#workers/programs/run-tool.ts';
import { requireUnchangedMedia } from '#workers/remux/unchanged-media.ts';
import type { Cue } from './cue.ts';
import { extractText } from './extraction.ts';
import { parseSubtitles } from './formats.ts';
import { cuesWithin, moved, type Stretch, writeVtt } from './segments.ts';
import { readSidecar } from './sidecar-file.ts';

/** Longer than a small film takes, shorter than players wait. */
const MAX_WAIT_MS = 15_000;
const MAX_HELD_BYTES = 64 * 1024 ** 2;
/** Times and the object itself. */
const CUE_BYTES = 120;
/** A track that can not be read is not tried again for every segment. */
const FAILED_MS = 30_000;
const MAX_READS = 2;
/** Films that wait to be read: each is read whole, so more than this is hours of work. */
const MAX_WAITING = 32;

export type WantedText = SharedMedia & { readonly rendition: SubtitleRendition; readonly key: RenditionKey };

export type SubtitleTracksOptions = { readonly runTool: RunTool; readonly maxWaitMs?: number };

export class SubtitleTracks {
  readonly #runTool: RunTool;
  readonly #maxWaitMs: number;
  readonly #closed = new AbortController();
  readonly #cues = new LRUCache<RenditionKey, readonly Cue[]>({
    maxSize: MAX_HELD_BYTES,
    sizeCalculation: cues => cues.reduce((sum, { text }) => sum + CUE_BYTES + text.length * 2, CUE_BYTES),
  });
  readonly #reading = new Map<RenditionKey, Promise<readonly Cue[]>>();
  readonly #failures = new LRUCache<RenditionKey, FerriteError>({ max: 1_000, ttl: FAILED_MS });
  /** Those that wait for their turn to read a film. */
  readonly #waiting: (() => void)[] = [];
  #reads = 0;

  constructor({ runTool, maxWaitMs = MAX_WAIT_MS }: SubtitleTracksOptions) {
    this.#runTool = runTool;
    this.#maxWaitMs = maxWaitMs;
  }

  /** A segment, or without `stretch` the whole track. @throws SUBTITLES_PENDING while the film is being read, which goes on. */
  async vtt(wanted: WantedText, stretch: Stretch | null, signal: AbortSignal): Promise<Buffer> {
    const cues = this.#cues.get(wanted.key) ?? (await this.#waitFor(wanted, signal));
    return writeVtt(stretch === null ? cues : cuesWithin(cues, stretch));
  }

  /** Ends what is being read. */
  close(): void {
    this.#closed.abort();
  }

  async #waitFor(wanted: WantedText, signal: AbortSignal): Promise<readonly Cue[]> {
    const failed = this.#failures.get(wanted.key);
    if (failed) throw failed;
    const over = Promise.withResolvers<never>();
    const deadline = setTimeout(() => over.reject(pending('the film is still being read for its subtitles')), this.#maxWaitMs);
    const onAbort = (): void => over.reject(new FerriteError('CANCELLED', 'nobody waits for the subtitles any more'));
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([this.#read(wanted), over.promise]);
    } finally {
      clearTimeout(deadline);
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** One reading for everybody who asks meanwhile; it outlives them. */
  #read(wanted: WantedText): Promise<readonly Cue[]> {
    const { key } = wanted;
    const running = this.#reading.get(key);
    if (running) return running;
    const reading = this.#load(wanted)
      .then(cues => {
        this.#cues.set(key, cues);
        return cues;
      })
      .catch((error: unknown) => {
        const failure =
          error instanceof FerriteError ? error : new FerriteError('MEDIA_UNREADABLE', 'the subtitles can not be read', { cause: error });
        if (!this.#closed.signal.aborted && failure.code !== 'SUBTITLES_PENDING') this.#failures.set(key, failure);
        throw failure;
      })
      .finally(() => this.#reading.delete(key));
    this.#reading.set(key, reading);
    // Who asked may have gone.
    reading.catch(() => undefined);
    return reading;
  }

  async #load({ media, keyframes, rendition }: WantedText): Promise<readonly Cue[]> {
    const { sidecar, streamIndex } = rendition;
    const frameRate = media.streams.video[0]?.frameRate ?? { num: 25, den: 1 };
    const originMs = (keyframes.video.originPts * 1000) / keyframes.video.timescale;
    // Whoever times a file of its own begins with the film's first picture; a stream has the clock of its container.
    if (sidecar !== null) return moved(parseSubtitles(await readSidecar(sidecar), frameRate), keyframes.startTimeUs / 1000 - originMs);
    if (streamIndex === null) throw new FerriteError('SEGMENT_NOT_FOUND', 'there is no such subtitle track');
    const text = await this.#inTurn(async () => {
      await requireUnchangedMedia(media);
      return extractText(media, { streamIndex, codec: rendition.codec }, { runTool: this.#runTool, signal: this.#closed.signal });
    });
    return moved(parseSubtitles(text, frameRate), -originMs);
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#reads < MAX_READS) this.#reads++;
    else if (this.#waiting.length >= MAX_WAITING) throw pending('too many films wait to be read for their subtitles');
    // Whoever ends hands its turn on.
    else await new Promise<void>(resolve => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#reads--;
    }
  }
}

const pending = (message: string): FerriteError => new FerriteError('SUBTITLES_PENDING', message);
