// The rung above the one that a viewer watches, a segment or two ahead of its player: one that goes up finds it made. A player takes the time of
// an encode for that of the line, and would come down again. Only while nobody else needs the machine.
import { LRUCache } from 'lru-cache';
import type { SessionId } from '#domain/ids.ts';
import { boundaryAt, type Grid } from '#domain/plan.ts';
import type { SessionRecord } from '#domain/session.ts';
import type { SessionLayout, TrackLayout } from '#src/playback/offer/layout.ts';
import type { WantedSegments } from './wanted-segments.ts';

/** A viewer as far as the rung above depends on it. */
export type Climber = { readonly record: SessionRecord; readonly layout: SessionLayout };

type Climb = {
  track: TrackLayout;
  index: number;
  askedAtMs: number;
  /** Segments in a row, each asked for when the one before had been played, or nearly. */
  calm: number;
  /** Segments that were made of the rung above since its viewer came to this one. */
  made: number;
};

/** The segments of the rung above that a player may ask for next: the one after this, or the one after that where this one is still on its way. */
const AHEAD = [1, 2];
/** A player that has just gone down does not go up at once. */
const CALM_SEGMENTS = 3;
/** A player that loads faster than it plays fills its buffer: the machine has enough to do with what it watches. */
const CALM_SHARE = 0.5;
/** A viewer who has not gone up for so long has a line, or a screen, for no more. Counted anew with each change of rung. */
const MAX_MADE = 30;
/** More than a machine encodes for at once. */
const MAX_CLIMBING = 1_000;

type Options = Pick<WantedSegments, 'prefetchAhead' | 'endAhead' | 'isKept' | 'whenShort'>;

export class RungAbove {
  readonly #wanted: Options;
  readonly #climbs = new WeakMap<Climber, Climb>();
  /** By the watched track: the rungs of a layout do not change. */
  readonly #above = new WeakMap<TrackLayout, { readonly rung: TrackLayout | null }>();
  /** Sessions for which a rung above may be being made. What is pushed out goes when the session does. */
  readonly #climbing = new LRUCache<SessionId, SessionRecord>({ max: MAX_CLIMBING });

  constructor(wanted: Options) {
    this.#wanted = wanted;
    wanted.whenShort(() => this.#giveBack());
  }

  /** To be called when a viewer asks for a segment of a picture. */
  follow(viewer: Climber, track: TrackLayout, index: number, nowMs: number): void {
    const climb = this.#climbs.get(viewer);
    // The two chunks of a segment are asked for one after the other.
    if (climb?.track === track && climb.index === index) return;
    if (climb?.track !== track || index !== climb.index + 1) {
      const isJump = climb?.track === track;
      this.#climbs.set(viewer, { track, index, askedAtMs: nowMs, calm: 0, made: isJump ? climb.made : 0 });
      return;
    }
    const isCalm = nowMs - climb.askedAtMs >= CALM_SHARE * durationMs(track.grid, climb.index);
    Object.assign(climb, { index, askedAtMs: nowMs, calm: isCalm ? climb.calm + 1 : 0 });
    if (climb.calm >= CALM_SEGMENTS && climb.made < MAX_MADE) this.#climb(viewer, climb);
  }

  #climb(viewer: Climber, climb: Climb): void {
    const { track, index } = climb;
    const above = this.#rungAbove(viewer.layout, track);
    if (above === null || !AHEAD.every(next => this.#isReady(track, index + next))) return;
    const missing = AHEAD.map(next => index + next).find(
      next => next < above.segmentCount && !this.#wanted.isKept({ layout: above, name: next }),
    );
    if (missing === undefined) return;
    if (!this.#wanted.prefetchAhead(viewer.record, { layout: above, name: missing, positionMs: 0 })) return;
    climb.made++;
    this.#climbing.set(viewer.record.id, viewer.record);
  }

  #rungAbove(layout: SessionLayout, track: TrackLayout): TrackLayout | null {
    const known = this.#above.get(track) ?? { rung: rungAbove(layout, track) };
    this.#above.set(track, known);
    return known.rung;
  }

  /** Copies are made as they are asked for, and after the end there is nothing to make. */
  #isReady(track: TrackLayout, index: number): boolean {
    return !track.isEncoded || index >= track.segmentCount || this.#wanted.isKept({ layout: track, name: index });
  }

  #giveBack(): void {
    for (const record of this.#climbing.values()) this.#wanted.endAhead(record);
    this.#climbing.clear();
  }
}

/** The next rung in the same codec on the same grid. Null where that is a copy, which costs nothing, and above the highest. */
export function rungAbove(layout: SessionLayout, track: TrackLayout): TrackLayout | null {
  const rungs = inOrder(layout, track);
  const next = rungs[rungs.indexOf(track) + 1];
  return next?.rendition.kind === 'video-encode' && next.grid === track.grid ? next : null;
}

/** The rungs in the codec of this one, the least first: players do not leave a codec. */
export function inOrder({ tracks }: SessionLayout, { rendition }: TrackLayout): readonly TrackLayout[] {
  if (!('rungId' in rendition)) return [];
  const family = rendition.codecs.slice(0, 4);
  const rungs = [...tracks.values()].flatMap(track =>
    'rungId' in track.rendition && track.rendition.codecs.startsWith(family) ? [{ track, bps: track.rendition.bandwidthBps }] : [],
  );
  return rungs.sort((a, b) => a.bps - b.bps).map(({ track }) => track);
}

const durationMs = (grid: Grid, index: number): number => ((boundaryAt(grid, index + 1) - boundaryAt(grid, index)) * 1000) / grid.timescale;
