// Pins in the cache the segments that each open session is about to request: computed now and then, never within a request.
import { segmentIndexAt, segmentStartS } from '#domain/plan.ts';
import type { SegmentName } from '#domain/rendition.ts';
import type { TrackLayout } from '#src/playback/offer/layout.ts';
import type { Segments } from '#src/playback/segments/segments.ts';
import type { PinnedRange } from '#storage/segments/pins.ts';
import type { LiveSession } from './live-session.ts';

/** Several looks' worth: a viewer moves on by 5 s from one look to the next. */
const AHEAD_MS = 20_000;
/** A stretch of very short segments pins no more than this. */
const MAX_SEGMENTS = 32;

/** The facts that the pins of a session were computed from. */
type Basis = Pick<LiveSession, 'positionMs' | 'video' | 'audio'> & {
  readonly videoSent: SegmentName | null;
  readonly audioSent: SegmentName | null;
};

export class PinnedAhead {
  readonly #segments: Pick<Segments, 'pin'>;
  readonly #known = new WeakMap<LiveSession, Basis>();

  constructor(segments: Pick<Segments, 'pin'>) {
    this.#segments = segments;
  }

  /** Costs a comparison while the session has not moved. */
  follow(session: LiveSession): void {
    const { record, positionMs, video, audio, lastSent } = session;
    const known = this.#known.get(session);
    const basis = { positionMs, video, audio, videoSent: lastSent.video, audioSent: lastSent.audio };
    if (record.offer.delivery === 'direct' || (known && isSame(known, basis))) return;
    this.#known.set(session, basis);
    this.#segments.pin(record.id, [...rangesAhead(video, positionMs, lastSent.video), ...rangesAhead(audio, positionMs, lastSent.audio)]);
  }

  drop(session: LiveSession): void {
    this.#known.delete(session);
    this.#segments.pin(session.record.id, []);
  }
}

const isSame = (a: Basis, b: Basis): boolean =>
  a.positionMs === b.positionMs && a.video === b.video && a.audio === b.audio && a.videoSent === b.videoSent && a.audioSent === b.audioSent;

/** From the viewer's position, as far as it is known, and from the segment last sent: a plain player reports no position. */
function rangesAhead(track: TrackLayout | null, positionMs: number, lastSent: SegmentName | null): PinnedRange[] {
  if (!track) return [];
  const atPosition = aheadOf(track, segmentIndexAt(track.grid, positionMs));
  if (lastSent === null || lastSent === 'init' || lastSent + 1 >= track.segmentCount) return [atPosition];
  return [atPosition, aheadOf(track, lastSent + 1)];
}

function aheadOf({ key, grid }: TrackLayout, from: number): PinnedRange {
  const last = segmentIndexAt(grid, segmentStartS(grid, from) * 1000 + AHEAD_MS);
  return { key, from, to: Math.min(last + 1, from + MAX_SEGMENTS) };
}
