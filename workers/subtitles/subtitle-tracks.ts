// The subtitle tracks of one thread's films as text: each is read once, however many segments are asked for, and kept for a while. Who asks waits no longer than a bound.

import { readFile } from 'node:fs/promises';
import { LRUCache } from 'lru-cache';
import type { KeyframeMap, Rational } from '#domain/media.ts';
import type { RenditionKey, SubtitleRendition } from '#domain/rendition.ts';
import { sourceOffsetMs } from '#domain/subtitles/clock.ts';
import type { Cue } from './cue.ts';
import { parseApart } from './parsing.ts';
import { cuesWithin, moved, type Stretch, writeVtt } from './segments.ts';
import { SharedReading } from './sources/shared-reading.ts';
import type { SourceFilm, SubtitleSources } from './sources/sources.ts';

/** Longer than a small film takes, shorter than players wait. */
const MAX_WAIT_MS = 15_000;
const MAX_HELD_BYTES = 64 * 1024 ** 2;
/** Times and the object itself. */
const CUE_BYTES = 120;

export type WantedText = {
  readonly film: SourceFilm;
  readonly keyframes: KeyframeMap;
  /** Of the film, for times that count frames. */
  readonly frameRate: Rational;
  readonly rendition: SubtitleRendition;
  readonly key: RenditionKey;
};

export type SubtitleTracksOptions = { readonly sources: Pick<SubtitleSources, 'source'>; readonly maxWaitMs?: number };

export class SubtitleTracks {
  readonly #sources: Pick<SubtitleSources, 'source'>;
  readonly #cues = new LRUCache<RenditionKey, readonly Cue[]>({
    maxSize: MAX_HELD_BYTES,
    sizeCalculation: cues => cues.reduce((sum, { text }) => sum + CUE_BYTES + text.length * 2, CUE_BYTES),
  });
  readonly #reading: SharedReading<readonly Cue[]>;

  constructor({ sources, maxWaitMs = MAX_WAIT_MS }: SubtitleTracksOptions) {
    this.#sources = sources;
    // Its source is read on for a while where nobody waits.
    this.#reading = new SharedReading({ maxWaitMs, graceMs: 0 });
  }

  /** A segment, or without `stretch` the whole track. @throws SUBTITLES_PENDING while the film is being read, which goes on. */
  async vtt(wanted: WantedText, stretch: Stretch | null, signal: AbortSignal): Promise<Buffer> {
    const cues = await this.cues(wanted, signal);
    return writeVtt(stretch === null ? cues : cuesWithin(cues, stretch));
  }

  /** On the film's clock. @throws as `vtt` does */
  async cues(wanted: WantedText, signal: AbortSignal): Promise<readonly Cue[]> {
    return this.#cues.get(wanted.key) ?? (await this.#reading.get(wanted.key, over => this.#load(wanted, over), signal));
  }

  /** Ends what is being read. */
  close(): void {
    this.#reading.close();
  }

  async #load({ film, keyframes, frameRate, rendition, key }: WantedText, signal: AbortSignal): Promise<readonly Cue[]> {
    const source = await readFile(await this.#sources.source(film, rendition, signal));
    const parsed = await parseApart(source, frameRate, signal);
    const cues = moved(parsed, sourceOffsetMs(keyframes, { isExternal: rendition.sidecar !== null }));
    this.#cues.set(key, cues);
    return cues;
  }
}
