// Where a segment's bytes are soonest, for a viewer: memory, disk, the film itself, or the host that makes them. What goes out moves the viewer's encodes along.
import type { FerriteError } from '#domain/errors.ts';
import type { LocatedSegment } from '#domain/protocol.ts';
import type { SegmentName } from '#domain/rendition.ts';
import type { SessionRecord } from '#domain/session.ts';
import type { SessionLayout, TrackLayout } from '#src/playback/offer/layout.ts';
import { isChunk, type WantedSegment, wantedSegmentAt } from '#src/playback/offer/wanted-segment.ts';
import type { MediaHosts } from '#src/threads/media-hosts.ts';
import type { Segments } from './segments.ts';
import type { WantedSegments } from './wanted-segments.ts';

/** What is known of whoever watches, and what is noted of them. */
export interface Viewer {
  readonly record: SessionRecord;
  readonly layout: SessionLayout;
  readonly positionMs: number;
  readonly status: { readonly encodes: readonly unknown[] } | null;
  /** The rung and track last asked for. */
  video: TrackLayout | null;
  audio: TrackLayout | null;
  readonly lastSent: Record<'video' | 'audio', SegmentName | null>;
  whenEnded(listener: (error: FerriteError) => void): () => void;
}

/** Opens finished files for whoever sends them. */
export interface FileOpener<File> {
  /** False: not now, have the bytes in another way. */
  readonly mayOpen: boolean;
  /** Null when there is no such file of that size. */
  open(path: string, byteLength: number): File | null;
}

export type Found<File> =
  | { readonly from: 'memory'; readonly bytes: Buffer }
  /** Open: whoever is given it closes it. */
  | { readonly from: 'disk'; readonly file: File; readonly byteLength: number }
  /** A copy as it lies in its film. No promise where another viewer asked for it lately. */
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

  constructor(options: FinderOptions<File>) {
    this.#options = options;
  }

  /** What a path of the viewer's session names, when it lies in memory: no promise, and nothing is noted when it does not. */
  inMemory(viewer: Viewer, path: string): { readonly wanted: WantedSegment; readonly bytes: Buffer } | null {
    const wanted = wantedSegmentAt(viewer.layout, path);
    if (wanted === null) return null;
    const bytes = this.#hot(viewer, wanted);
    if (bytes === undefined) return null;
    this.#follow(viewer, wanted);
    return { wanted, bytes };
  }

  /** From the first place that has it. What has to be waited for ends with the viewer's session, and with `signal`. */
  find(viewer: Viewer, wanted: WantedSegment, signal: AbortSignal): Found<File> {
    this.#follow(viewer, wanted);
    const bytes = this.#hot(viewer, wanted);
    if (bytes !== undefined) return { from: 'memory', bytes };
    if (wanted.track.isLocated && wanted.name !== 'init')
      return { from: 'film', located: this.#locate(viewer, wanted.track, wanted.name, signal) };
    return this.#onDisk(wanted) ?? { from: 'host', bytes: whileOpen(viewer, signal, both => this.#make(viewer, wanted, both)) };
  }

  #hot({ record }: Viewer, wanted: WantedSegment): Buffer | undefined {
    const { segments } = this.#options;
    if (!isChunk(wanted)) return segments.hot(wanted.track, wanted.name);
    return segments.hotChunk(wanted.track, { index: wanted.name, chunk: wanted.chunk }, record.id);
  }

  /** Without a promise, and without taking memory from what is hot; null where it has to be had in another way. */
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

  #make({ record, positionMs }: Viewer, wanted: WantedSegment, signal: AbortSignal): Promise<Buffer> {
    const { track: layout } = wanted;
    return isChunk(wanted)
      ? this.#options.wanted.chunk(record, { layout, name: wanted.name, positionMs }, wanted.chunk, signal)
      : this.#options.wanted.get(record, { layout, name: wanted.name, positionMs }, signal);
  }

  /** Notes what is being watched; an encode that waits for its viewer hears that it has come nearer. */
  #follow(viewer: Viewer, { track, name }: WantedSegment): void {
    const { kind } = track.track;
    const hasChanged = viewer[kind] !== track;
    viewer[kind] = track;
    if (name === 'init') return;
    // The same one again is no news, and without an encode nobody is there to hear it. One that is no longer watched must hear of it.
    const isNews = track.isEncoded && viewer.lastSent[kind] !== name && viewer.status?.encodes.length !== 0;
    viewer.lastSent[kind] = name;
    if (!hasChanged && !isNews) return;
    const { id, mediaId } = viewer.record;
    this.#options.hosts.notify(mediaId, { kind: 'sent', sessionId: id, track: track.track, index: name });
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
