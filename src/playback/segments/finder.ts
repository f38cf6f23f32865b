// Finds a segment for a viewer where its bytes are soonest: memory, disk, the film itself, or the host that makes it. Each segment sent moves the viewer's encodes along.
import type { FerriteError } from '#domain/errors.ts';
import { boundaryAt } from '#domain/plan.ts';
import type { LocatedSegment } from '#domain/protocol.ts';
import type { SegmentName } from '#domain/rendition.ts';
import type { SessionRecord } from '#domain/session.ts';
import type { SessionLayout, TrackLayout } from '#src/playback/offer/layout.ts';
import { isChunk, type WantedSegment, wantedSegmentAt } from '#src/playback/offer/wanted-segment.ts';
import type { MediaHosts } from '#src/threads/media-hosts.ts';
import { type LadderLimit, LadderLimits } from './ladder-limits.ts';
import { RungAbove } from './rung-above.ts';
import type { Segments } from './segments.ts';
import type { WantedSegments } from './wanted-segments.ts';

/** The session that a segment is found for, and what the finder notes of its viewer. */
export interface Viewer {
  readonly record: SessionRecord;
  readonly layout: SessionLayout;
  readonly positionMs: number;
  readonly status: { readonly encodes: readonly unknown[] } | null;
  /** The rung and track last asked for. */
  video: TrackLayout | null;
  audio: TrackLayout | null;
  readonly lastSent: Record<'video' | 'audio', SegmentName | null>;
  /** The end of the picture segment last asked for; null: none was, since the start or a seek. */
  loadedUntilMs: number | null;
  readonly ladderLimit: LadderLimit;
  limitLadder(limit: LadderLimit): void;
  whenEnded(listener: (error: FerriteError) => void): () => void;
}

/** Opens finished files to be sent. */
export interface FileOpener<File> {
  /** False: not now, have the bytes in another way. */
  readonly mayOpen: boolean;
  /** Null when there is no such file of that size. */
  open(path: string, byteLength: number): File | null;
}

export type Found<File> =
  | { readonly from: 'memory'; readonly bytes: Buffer }
  /** The file is open: the caller closes it. */
  | { readonly from: 'disk'; readonly file: File; readonly byteLength: number }
  /** A copied segment as it lies in its film. No promise where it was located a moment ago. */
  | { readonly from: 'film'; readonly located: LocatedSegment | Promise<LocatedSegment> }
  | { readonly from: 'host'; readonly bytes: Promise<Buffer> };

export type FinderOptions<File> = {
  readonly segments: Segments;
  readonly wanted: WantedSegments;
  readonly hosts: Pick<MediaHosts, 'notify'>;
  readonly files: FileOpener<File>;
};

export class SegmentFinder<File> {
  readonly #options: FinderOptions<File>;
  readonly #rungAbove: RungAbove;
  readonly #limits = new LadderLimits();

  constructor(options: FinderOptions<File>) {
    this.#options = options;
    this.#rungAbove = new RungAbove(options.wanted);
    options.wanted.whenShort(() => this.#limits.full(performance.now()));
  }

  /** The segment that a path of the viewer's session names, when it lies in memory: without a promise. Null, with nothing noted, when it does not. */
  inMemory(viewer: Viewer, path: string): { readonly wanted: WantedSegment; readonly bytes: Buffer } | null {
    const wanted = wantedSegmentAt(viewer.layout, path);
    if (wanted === null) return null;
    const bytes = this.#hot(viewer, wanted);
    if (bytes === undefined) return null;
    this.follow(viewer, wanted);
    return { wanted, bytes };
  }

  /** The segment from the soonest source that has it. A wait ends with the viewer's session, and with `signal`. */
  find(viewer: Viewer, wanted: WantedSegment, signal: AbortSignal): Found<File> {
    this.follow(viewer, wanted);
    const bytes = this.#hot(viewer, wanted);
    if (bytes !== undefined) return { from: 'memory', bytes };
    if (wanted.track.isLocated && wanted.name !== 'init')
      return { from: 'film', located: this.#locate(viewer, wanted.track, wanted.name, signal) };
    return this.#onDisk(wanted) ?? { from: 'host', bytes: whileOpen(viewer, signal, both => this.#make(viewer, wanted, both)) };
  }

  /** The bytes themselves, wherever they are: for who makes something else of them, and has noted that the viewer asks for it. */
  bytes(viewer: Viewer, wanted: WantedSegment, signal: AbortSignal): Promise<Buffer> {
    const bytes = this.#hot(viewer, wanted);
    return bytes === undefined ? whileOpen(viewer, signal, both => this.#make(viewer, wanted, both)) : Promise.resolve(bytes);
  }

  #hot({ record }: Viewer, wanted: WantedSegment): Buffer | undefined {
    const { segments } = this.#options;
    if (!isChunk(wanted)) return segments.hot(wanted.track, wanted.name);
    return segments.hotChunk(wanted.track, { index: wanted.name, chunk: wanted.chunk }, record.id);
  }

  /** Without a promise, and without displacing hot segments from memory; null where the file may or can not be opened now. */
  #onDisk(wanted: WantedSegment): Found<File> | null {
    const { segments, files } = this.#options;
    if (!files.mayOpen || isChunk(wanted)) return null;
    const kept = segments.onDisk(wanted.track, wanted.name);
    if (kept === undefined) return null;
    const file = files.open(kept.path, kept.byteLength);
    if (file !== null) return { from: 'disk', file, byteLength: kept.byteLength };
    segments.dropped(wanted.track, wanted.name);
    return null;
  }

  #locate(viewer: Viewer, layout: TrackLayout, index: number, signal: AbortSignal): LocatedSegment | Promise<LocatedSegment> {
    const { id: sessionId, mediaId } = viewer.record;
    const located = this.#options.segments.locate({ mediaId, sessionId, layout, index }, signal);
    return located instanceof Promise ? whileOpen(viewer, signal, () => located) : located;
  }

  #make(viewer: Viewer, wanted: WantedSegment, signal: AbortSignal): Promise<Buffer> {
    const { record } = viewer;
    const { track: layout } = wanted;
    // A player that asks for a header goes on after the picture it asked for last.
    const positionMs = wanted.name === 'init' ? (viewer.loadedUntilMs ?? viewer.positionMs) : viewer.positionMs;
    const made = isChunk(wanted)
      ? this.#options.wanted.chunk(record, { layout, name: wanted.name, positionMs }, wanted.chunk, signal)
      : this.#options.wanted.get(record, { layout, name: wanted.name, positionMs }, signal);
    return layout.track.kind === 'video' && wanted.name !== 'init' ? this.#timed(viewer, layout, wanted.name, made) : made;
  }

  async #timed(viewer: Viewer, layout: TrackLayout, index: number, made: Promise<Buffer>): Promise<Buffer> {
    const askedAtMs = performance.now();
    const bytes = await made;
    const nowMs = performance.now();
    this.#limits.waited(viewer, layout, { index, waitMs: nowMs - askedAtMs, nowMs });
    return bytes;
  }

  /** Notes what the viewer watches, and tells the host, so that an encode held for its viewer goes on. */
  follow(viewer: Viewer, { track, name }: WantedSegment): void {
    const { kind } = track.track;
    // Text and single keyframes cost no encode, and are not what is watched.
    if (kind === 'subtitles' || kind === 'iframes') return;
    if (name === 'init') {
      // A player reads the header of a rung that it may then not watch.
      viewer[kind] ??= track;
      return;
    }
    const hasChanged = viewer[kind] !== track;
    viewer[kind] = track;
    if (kind === 'video') this.#followPicture(viewer, track, name);
    // A segment that is sent again is no news, and without an encode there is none to move. A change of track is always told: the encode of the left track must hear of it.
    const isNews = track.isEncoded && viewer.lastSent[kind] !== name && viewer.status?.encodes.length !== 0;
    viewer.lastSent[kind] = name;
    if (!hasChanged && !isNews) return;
    const { id, mediaId } = viewer.record;
    this.#options.hosts.notify(mediaId, { kind: 'sent', sessionId: id, track: track.track, index: name });
  }

  #followPicture(viewer: Viewer, track: TrackLayout, index: number): void {
    const { grid } = track;
    viewer.loadedUntilMs = Math.ceil((boundaryAt(grid, Math.min(index + 1, track.segmentCount - 1)) * 1000) / grid.timescale);
    const nowMs = performance.now();
    this.#limits.asked(viewer, track, index, nowMs);
    this.#rungAbove.follow(viewer, track, index, nowMs);
  }
}

/** Refused at once when the session ends meanwhile, as by a revocation. */
async function whileOpen<T>(viewer: Viewer, gone: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const over = new AbortController();
  const ended = Promise.withResolvers<never>();
  const release = viewer.whenEnded(error => {
    over.abort();
    ended.reject(error);
  });
  try {
    return await Promise.race([ended.promise, work(AbortSignal.any([gone, over.signal]))]);
  } finally {
    release();
  }
}
