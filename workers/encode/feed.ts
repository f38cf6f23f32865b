// What an encoder that reads its stdin is fed for one job: the track as fragmented MP4 from where decoding has to begin, moved in
// time so that the first wanted frame stands where fedStart says.
import type { EncodeJob } from '#actors/effects.ts';
import { FerriteError } from '#domain/errors.ts';
import { boundaryAt } from '#domain/plan.ts';
import { type EncodeRendition, isEncode } from '#domain/rendition.ts';
import { findBox, writeMovieFragment } from '#workers/bmff/boxes.ts';
import { FragmentReader, type FragmentSample } from '#workers/bmff/fragments.ts';
import type { RemuxCache } from '#workers/remux/remux-cache.ts';
import type { RemuxSource } from '#workers/remux/source.ts';
import { keyframeTicks } from './encoder-arguments.ts';
import { fedStart } from './fed-arguments.ts';
import { type FedClock, fedClock } from './fed-clock.ts';
import { fedHeader, MAX_CHAPTERS, timescaleOf } from './fed-header.ts';
import { type FedStretches, fedStretches, type Stretch } from './fed-stretches.ts';
import { type IsUnreferenced, unreferencedPictures } from './unreferenced-pictures.ts';

/** So that the first ones are being decoded while the next are still written. */
const SAMPLES_PER_FRAGMENT = 16;
/** Keeps decode times positive while they are still on the film's own clock. */
const REMUX_SHIFT_S = 3_600;

export class Feed {
  readonly rendition: EncodeRendition;
  readonly #job: EncodeJob;
  readonly #remux: RemuxCache;
  readonly #clock: FedClock;
  readonly #plan: FedStretches;

  /** Null where ffmpeg has to read the file by itself. */
  static of(job: EncodeJob, remux: RemuxCache): Feed | null {
    const { rendition, keyframes } = job;
    // Subtitles have the film's own times, which nothing that is fed has.
    if ('burned' in rendition && rendition.burned !== undefined) return null;
    if (keyframes.copyMethod === 'ffmpeg' || !isEncode(rendition) || keyframeTicks(job).length > MAX_CHAPTERS) return null;
    const clock = fedClock(job);
    const plan = fedStretches(job);
    return clock && plan ? new Feed({ job, rendition, remux, clock, plan }) : null;
  }

  private constructor(parts: { job: EncodeJob; rendition: EncodeRendition; remux: RemuxCache; clock: FedClock; plan: FedStretches }) {
    this.rendition = parts.rendition;
    this.#job = parts.job;
    this.#remux = parts.remux;
    this.#clock = parts.clock;
    this.#plan = parts.plan;
  }

  /** Null when the track can not be fed after all. Throws MEDIA_CHANGED. */
  async header(): Promise<Buffer | null> {
    const { timescale, factor } = this.#clock;
    try {
      const header = await this.#use(async source => source.initSegment(this.rendition.streamIndex, 1));
      return timescaleOf(header) === timescale ? fedHeader(header, timescale * factor, this.#boundariesS()) : null;
    } catch (error) {
      if (error instanceof FerriteError && error.code === 'MEDIA_UNSUPPORTED') return null;
      throw error;
    }
  }

  /** In decode order. Throws MEDIA_CHANGED. */
  async *fragments(header: Buffer): AsyncGenerator<Buffer> {
    // Only where decoding begins are pictures decoded that are never shown.
    let isUnreferenced = this.rendition.kind === 'video-encode' ? unreferencedPictures(sampleEntryOf(header)) : null;
    let sequenceNumber = 1;
    for (const stretch of this.#plan.stretches) {
      const all = await this.#samples(stretch);
      const samples = isUnreferenced ? this.#needed(all, isUnreferenced) : all;
      isUnreferenced = null;
      for (let at = 0; at < samples.length; at += SAMPLES_PER_FRAGMENT) {
        yield this.#fragment(sequenceNumber++, samples.slice(at, at + SAMPLES_PER_FRAGMENT));
      }
    }
  }

  #use<T>(work: (source: RemuxSource) => Promise<T>): Promise<T> {
    const { media, keyframes } = this.#job;
    return this.#remux.use({ ...media, version: keyframes.version }, work);
  }

  #boundariesS(): number[] {
    const { grid, firstIndex } = this.#job;
    const first = boundaryAt(grid, firstIndex);
    const start = fedStart(this.rendition);
    return keyframeTicks(this.#job).map(ticks => start.num / start.den + (ticks - first) / grid.timescale);
  }

  /** On the film's own clock; none in a hole of the sound. */
  async #samples({ fromPts, toPts }: Stretch): Promise<FragmentSample[]> {
    const shiftTicks = REMUX_SHIFT_S * this.#clock.timescale;
    const span = { index: 0, fromPts, toPts, originPts: -shiftTicks, factor: 1, anchor: 'decode' } as const;
    const samples: FragmentSample[] = [];
    const onSample = (sample: FragmentSample): void => {
      samples.push({ ...sample, decodeTime: sample.decodeTime - shiftTicks });
    };
    try {
      const bytes = await this.#use(source => source.segment(this.rendition.streamIndex, span));
      new FragmentReader({ onHeader: () => undefined, onSample }).push(bytes);
    } catch (error) {
      if (!(error instanceof FerriteError && error.code === 'SEGMENT_NOT_FOUND')) throw error;
    }
    return samples;
  }

  /** Leaves out the pictures before the first one shown that no other picture refers to. */
  #needed(samples: readonly FragmentSample[], isUnreferenced: IsUnreferenced): FragmentSample[] {
    const early = samples.map(ptsOf).filter(pts => pts < this.#plan.shownFromPts);
    const shownFirst = early.reduce((latest, pts) => Math.max(latest, pts), Number.NEGATIVE_INFINITY);
    return samples.filter(sample => ptsOf(sample) >= shownFirst || !isUnreferenced(sample.bytes));
  }

  #fragment(sequenceNumber: number, samples: readonly FragmentSample[]): Buffer {
    const { timescale, factor, wantedTicks } = this.#clock;
    const rows = samples.map((sample, index) => ({
      byteLength: sample.bytes.byteLength,
      duration: ((samples[index + 1]?.decodeTime ?? sample.decodeTime + sample.duration) - sample.decodeTime) * factor,
      compositionOffset: sample.compositionOffset * factor,
      isSync: sample.isSync,
    }));
    const start = fedStart(this.rendition);
    const startTicks = Math.round((start.num * timescale * factor) / start.den);
    const decodeTime = (samples[0]?.decodeTime ?? 0) * factor - wantedTicks + startTicks;
    const { bytes, dataStart } = writeMovieFragment(sequenceNumber, decodeTime, rows);
    let at = dataStart;
    for (const sample of samples) at += sample.bytes.copy(bytes, at);
    return bytes;
  }
}

const ptsOf = ({ decodeTime, compositionOffset }: FragmentSample): number => decodeTime + compositionOffset;

/** The `stsd` entry of a header's only track. */
function sampleEntryOf(header: Buffer): Buffer {
  const description = findBox(header, ['moov', 'trak', 'mdia', 'minf', 'stbl', 'stsd']);
  if (!description) throw new FerriteError('INTERNAL', 'a remuxed header has no track');
  return header.subarray(description.start + 8, description.end);
}
