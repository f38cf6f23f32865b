// Where a seek lands, and the hints that have its segment made before it is asked for: at once, but no more often than a person can look.
import { videoDirectory } from '#domain/addresses.ts';
import { FerriteError } from '#domain/errors.ts';
import { segmentIndexAt, segmentStartS } from '#domain/plan.ts';
import type { Offer, SeekMode } from '#domain/session.ts';
import type { SessionLayout, TrackLayout } from '#src/playback/offer/layout.ts';
import type { WantedSegments } from '#src/playback/segments/wanted-segments.ts';
import type { LiveSession } from './live-session.ts';

/** Where the viewer will be, and the segment of the picture that shows it. */
export type Landing = { readonly positionMs: number; readonly segment: number };

/** The least time between two hints of a session that have something made; of those in between, the last one counts. */
const HINT_INTERVAL_MS = 100;

type Pause = { readonly timer: NodeJS.Timeout; readonly forget: () => void; nextMs: number | null };

type SegmentHint = { readonly layout: TrackLayout; readonly name: number; readonly positionMs: number };

export class Seeking {
  readonly #wanted: Pick<WantedSegments, 'prefetch'>;
  /** Sessions that sent a hint a moment ago. */
  readonly #pauses = new Map<LiveSession, Pause>();

  constructor(wanted: Pick<WantedSegments, 'prefetch'>) {
    this.#wanted = wanted;
  }

  /** Moves the viewer there. Its encode starts before the segment is asked for; a direct play needs nothing made. */
  seek(session: LiveSession, positionMs: number, mode: SeekMode): Landing {
    const { layout, record } = session;
    const landing = landingOf(session.video ?? trackOf(layout, 'video'), positionMs, modeFor(record.offer, mode));
    session.positionMs = landing.positionMs;
    session.loadedUntilMs = null;
    if (record.offer.delivery !== 'direct') this.#hint(session, landing.positionMs);
    return landing;
  }

  /** What costs an encode begins with the session, not with the player's first request. */
  warm(session: LiveSession): void {
    if (session.record.offer.delivery !== 'direct') this.#prefetchAt(session, session.record.startPositionMs);
  }

  /** The viewer is about to switch: the rung's encode starts at the viewer's position. @throws SEGMENT_NOT_FOUND */
  selectRung(session: LiveSession, rungId: string): void {
    const rung = session.layout.tracks.get(videoDirectory(rungId));
    if (!rung) throw new FerriteError('SEGMENT_NOT_FOUND', 'the session has no such rung');
    this.#wanted.prefetch(session.record, hintAt(rung, session.positionMs));
  }

  close(): void {
    for (const session of [...this.#pauses.keys()]) this.#endPause(session);
  }

  #hint(session: LiveSession, positionMs: number): void {
    const pause = this.#pauses.get(session);
    if (pause) {
      pause.nextMs = positionMs;
      return;
    }
    this.#prefetchAt(session, positionMs);
    const timer = setTimeout(() => {
      const nextMs = this.#endPause(session);
      if (nextMs !== null) this.#hint(session, nextMs);
    }, HINT_INTERVAL_MS);
    this.#pauses.set(session, { timer, forget: session.whenEnded(() => this.#endPause(session)), nextMs: null });
  }

  /** The hint that came within the interval, if any. */
  #endPause(session: LiveSession): number | null {
    const pause = this.#pauses.get(session);
    if (!pause) return null;
    this.#pauses.delete(session);
    clearTimeout(pause.timer);
    pause.forget();
    return pause.nextMs;
  }

  #prefetchAt(session: LiveSession, positionMs: number): void {
    for (const track of [session.video ?? trackOf(session.layout, 'video'), session.audio ?? trackOf(session.layout, 'audio')]) {
      if (track) this.#wanted.prefetch(session.record, hintAt(track, positionMs));
    }
  }
}

const hintAt = (layout: TrackLayout, positionMs: number): SegmentHint => ({
  layout,
  name: segmentIndexAt(layout.grid, positionMs),
  positionMs,
});

/** Where playback begins that is to begin at `positionMs`. */
export const startOf = (layout: SessionLayout, offer: Offer, seek: { positionMs: number; mode: SeekMode }): number =>
  landingOf(trackOf(layout, 'video'), seek.positionMs, modeFor(offer, seek.mode)).positionMs;

/** The grid of an encode tells nothing about the keyframes of the file itself. */
const modeFor = ({ delivery, video: [first] }: Offer, mode: SeekMode): SeekMode =>
  delivery === 'direct' && first?.kind !== 'video-copy' ? 'precise' : mode;

/**
 * A keyframe seek lands on the start of the segment, which every delivery can show without decoding what nobody sees: on a source
 * keyframe where the picture is copied or played directly.
 */
function landingOf(track: TrackLayout | null, positionMs: number, mode: SeekMode): Landing {
  if (!track) return { positionMs, segment: 0 };
  const segment = segmentIndexAt(track.grid, positionMs);
  return { positionMs: mode === 'keyframe' ? millisecondOf(segmentStartS(track.grid, segment)) : positionMs, segment };
}

/** The track a player starts with: the first of its kind. */
function trackOf(layout: SessionLayout, kind: 'video' | 'audio'): TrackLayout | null {
  for (const track of layout.tracks.values()) if (track.track.kind === kind) return track;
  return null;
}

/** The first whole millisecond of a segment: the one before belongs to the segment before. */
const millisecondOf = (seconds: number): number => Math.ceil(seconds * 1000 - 1e-6);
