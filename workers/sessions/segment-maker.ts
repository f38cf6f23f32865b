// How a wanted segment is made: remuxed here, or by an encode of its session.
import { LRUCache } from 'lru-cache';
import type { EncodeJob } from '#actors/effects.ts';
import { segmentAddress } from '#domain/addresses.ts';
import { FerriteError } from '#domain/errors.ts';
import { boundaryAt, type Grid, gridOf, type Plan, segmentCount, segmentIndexAt } from '#domain/plan.ts';
import type { LocatedSegment, Measurement, Requests, SharedMedia } from '#domain/protocol.ts';
import {
  isEncode,
  type MediaRendition,
  type Rendition,
  type RenditionKey,
  renditionKey,
  type SegmentName,
  type SubtitleRendition,
  type VideoIframes,
} from '#domain/rendition.ts';
import type { SessionRecord } from '#domain/session.ts';
import { iframePts } from '#domain/trick-play/iframes.ts';
import { movieFragmentOf } from '#workers/bmff/boxes.ts';
import type { RemuxCache } from '#workers/remux/remux-cache.ts';
import { factorOf, spanOf } from '#workers/remux/segment-span.ts';
import type { SubtitleTracks } from '#workers/subtitles/subtitle-tracks.ts';
import type { EncodeRequests } from './encode-requests.ts';
import { renditionOf, rungLabel } from './rendition-of.ts';

export type PlannedMedia = SharedMedia & { readonly plan: Plan };
type Viewed = PlannedMedia & { readonly record: SessionRecord };
type Wanted<R extends Rendition = MediaRendition> = {
  readonly rendition: R;
  readonly grid: Grid;
  readonly key: RenditionKey;
  readonly name: SegmentName;
};

const JUST_PUBLISHED_MS = 2_000;
/** One run covers at most this much, so that its boundaries fit in what an encoder is fed (MAX_CHAPTERS). */
const MAX_RUN_SEGMENTS = 250;

type Options = {
  readonly remux: RemuxCache;
  readonly requests: EncodeRequests;
  readonly subtitles: SubtitleTracks;
  /** Of a copy, or of subtitles. */
  readonly publish: (segment: { key: RenditionKey; name: SegmentName; isExtracted?: boolean; bytes: Buffer }) => void;
  readonly measure: (measurement: Measurement) => void;
};

export class SegmentMaker {
  readonly #options: Options;
  /** Segments published a moment ago: a request that crossed one on its way must not have it made again. */
  readonly #published = new LRUCache<string, true>({ max: 1_000, ttl: JUST_PUBLISHED_MS });

  constructor(options: Options) {
    this.#options = options;
  }

  /** Resolves when the segment has been published. */
  async make(viewed: Viewed, input: Requests['segment.prepare']['input'], signal: AbortSignal): Promise<void> {
    const { media, keyframes, plan, record } = viewed;
    const { name } = input;
    const rendition = renditionOf(record.offer, input.track);
    const grid = gridOf(plan, rendition);
    if (name !== 'init' && name >= segmentCount(grid)) throw new FerriteError('SEGMENT_NOT_FOUND', 'the playlist has no such segment');
    const key = renditionKey(media.version, plan.targetMs, rendition);
    if (rendition.kind === 'subtitle') return this.#writeText(viewed, { rendition, grid, key, name }, signal);
    if (rendition.kind === 'video-iframes') return this.#writeIframe(viewed, { rendition, grid, key, name });
    if (!isEncode(rendition) && keyframes.copyMethod !== 'ffmpeg') return this.#remux(viewed, { rendition, grid, key, name });
    // An entry answers one request. A second request means that the main thread has lost the segment, which is then made anew.
    if (this.#published.delete(segmentAddress(key, name))) return;
    await this.#options.requests.wait(
      {
        sessionId: record.id,
        name,
        job: jobOf(viewed, { rendition, grid, key, name }, input),
        isHint: input.isHint,
        isAhead: input.isAhead,
        mayEncode: input.mayEncode,
        mayRunBeside: input.mayRunBeside,
      },
      signal,
    );
  }

  /** Where a copied segment lies in its file: only its head is built here, its bytes are not read. */
  async locate({ record, media, keyframes, plan }: Viewed, { track, index }: Requests['segment.locate']['input']): Promise<LocatedSegment> {
    const rendition = renditionOf(record.offer, track);
    if (rendition.kind === 'subtitle') throw new FerriteError('SEGMENT_NOT_FOUND', 'subtitles do not lie in the film as they are sent');
    const span = spanOf(keyframes, gridOf(plan, rendition), rendition, index);
    const startedMs = performance.now();
    const located = await this.#options.remux.use(media, source => source.locate(rendition.streamIndex, span));
    if (!located) throw new FerriteError('MEDIA_CHANGED', 'the file is not the container that its scan found');
    this.#options.measure({ name: 'remux_segment_ms', value: performance.now() - startedMs, rung: rungLabel(rendition) });
    return located;
  }

  published(key: RenditionKey, name: SegmentName): void {
    this.#published.set(segmentAddress(key, name), true);
    this.#options.requests.published(key, name);
  }

  async #writeText(
    { media, keyframes }: Viewed,
    { rendition, grid, key, name }: Wanted<SubtitleRendition>,
    signal: AbortSignal,
  ): Promise<void> {
    const timeMs = (boundary: number): number => (boundaryAt(grid, boundary) * 1000) / grid.timescale;
    const stretch = name === 'init' ? null : { fromMs: timeMs(name), toMs: timeMs(name + 1) };
    const frameRate = media.streams.video[0]?.frameRate ?? { num: 25, den: 1 };
    const bytes = await this.#options.subtitles.vtt(
      { film: { ...media, mended: keyframes.mended }, keyframes, frameRate, rendition, key },
      stretch,
      signal,
    );
    this.#options.publish({ key, name, isExtracted: rendition.streamIndex !== null, bytes });
  }

  /** `moof` and `mdat` of one keyframe, which lasts until the next one is shown. */
  async #writeIframe({ media, keyframes }: Viewed, { rendition, grid, key, name }: Wanted<VideoIframes>): Promise<void> {
    const bytes = await this.#options.remux.use(media, async source => {
      if (name === 'init') return source.initSegment(rendition.streamIndex, factorOf(keyframes, grid, rendition));
      const sample = await source.keyframe(iframePts(keyframes.video, grid, name));
      return movieFragmentOf(sample, {
        sequenceNumber: name + 1,
        decodeTime: boundaryAt(grid, name),
        duration: boundaryAt(grid, name + 1) - boundaryAt(grid, name),
      });
    });
    this.#options.publish({ key, name, bytes });
  }

  async #remux({ media, keyframes }: Viewed, { rendition, grid, key, name }: Wanted): Promise<void> {
    const startedMs = performance.now();
    const bytes = await this.#options.remux.use(media, async source =>
      name === 'init'
        ? source.initSegment(rendition.streamIndex, factorOf(keyframes, grid, rendition))
        : source.segment(rendition.streamIndex, spanOf(keyframes, grid, rendition, name)),
    );
    this.#options.publish({ key, name, bytes });
    this.#options.measure({ name: 'remux_segment_ms', value: performance.now() - startedMs, rung: rungLabel(rendition) });
  }
}

function jobOf(
  { media, keyframes }: Viewed,
  { rendition, grid, key, name }: Wanted,
  { positionMs, untilIndex }: Pick<Requests['segment.prepare']['input'], 'positionMs' | 'untilIndex'>,
): EncodeJob {
  // A request for the init segment names no position: the encode starts where the viewer is.
  const firstIndex = name === 'init' ? segmentIndexAt(grid, positionMs) : name;
  const endIndex = Math.max(untilIndex ?? Number.POSITIVE_INFINITY, firstIndex + 1);
  const lastIndex = Math.min(segmentCount(grid), firstIndex + MAX_RUN_SEGMENTS, endIndex) - 1;
  return { key, rendition, media, keyframes, grid, firstIndex, lastIndex };
}
