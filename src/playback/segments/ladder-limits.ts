// Which rung a viewer had better not go above for now, since the machine does not keep up with it or is full: told to the player, which may follow.
import { boundaryAt, type Grid } from '#domain/plan.ts';
import type { RungId } from '#domain/rendition.ts';
import type { SessionLayout, TrackLayout } from '#src/playback/offer/layout.ts';
import { inOrder } from './rung-above.ts';

/** `encode-behind`: its encode is slower than real time; `machine-full`: sessions wait for capacity. */
export type LimitReason = 'encode-behind' | 'machine-full';
/** Null: no limit. */
export type LadderLimit = { readonly rung: RungId; readonly reason: LimitReason } | null;

export interface LimitedViewer {
  readonly layout: SessionLayout;
  readonly ladderLimit: LadderLimit;
  limitLadder(limit: LadderLimit): void;
}

/** `slow`: segments in a row, each waited for as long as it plays, or longer. */
type Watch = { track: TrackLayout; index: number; slow: number; troubleAtMs: number; limit: TrackLayout | null };

/** One may be slow for many reasons, such as the start of its encode. */
const SLOW_SEGMENTS = 2;
/** Without trouble for so long, one rung more may be tried. */
const CALM_MS = 30_000;

export class LadderLimits {
  readonly #watches = new WeakMap<LimitedViewer, Watch>();
  #fullAtMs = Number.NEGATIVE_INFINITY;

  /** A session has to wait for capacity. */
  full(nowMs: number): void {
    this.#fullAtMs = nowMs;
  }

  /** The viewer asks for a segment of a picture. */
  asked(viewer: LimitedViewer, track: TrackLayout, index: number, nowMs: number): void {
    const watch = this.#watchOf(viewer, track, index, nowMs);
    if (this.#fullAtMs > nowMs - CALM_MS && track.isEncoded) {
      watch.troubleAtMs = Math.max(watch.troubleAtMs, this.#fullAtMs);
      if (watch.limit === null) this.#limit(viewer, watch, track, 'machine-full');
    }
    if (watch.limit === null || nowMs - watch.troubleAtMs < CALM_MS) return;
    watch.troubleAtMs = nowMs;
    const rungs = inOrder(viewer.layout, track);
    const above = rungs[rungs.indexOf(watch.limit) + 1];
    this.#limit(viewer, watch, above === undefined || above === rungs.at(-1) ? null : above, viewer.ladderLimit?.reason ?? 'encode-behind');
  }

  /** It got the segment that it asked for, after so long: it had to be made. */
  waited(viewer: LimitedViewer, track: TrackLayout, { index, waitMs, nowMs }: { index: number; waitMs: number; nowMs: number }): void {
    const watch = this.#watches.get(viewer);
    if (watch?.track !== track || watch.index !== index || !track.isEncoded) return;
    watch.slow = waitMs >= durationMs(track.grid, index) ? watch.slow + 1 : 0;
    if (watch.slow < SLOW_SEGMENTS) return;
    watch.slow = 0;
    watch.troubleAtMs = nowMs;
    const rungs = inOrder(viewer.layout, track);
    // The lowest there is has no lower one.
    const below = rungs[Math.max(0, rungs.indexOf(track) - 1)];
    if (below) this.#limit(viewer, watch, below, 'encode-behind');
  }

  #watchOf(viewer: LimitedViewer, track: TrackLayout, index: number, nowMs: number): Watch {
    const known = this.#watches.get(viewer);
    if (!known) {
      const watch = { track, index, slow: 0, troubleAtMs: nowMs, limit: null };
      this.#watches.set(viewer, watch);
      return watch;
    }
    // A seek, and another rung, cost a start of an encode.
    const isNext = known.track === track && (index === known.index || index === known.index + 1);
    return Object.assign(known, { track, index, slow: isNext ? known.slow : 0 });
  }

  #limit(viewer: LimitedViewer, watch: Watch, limit: TrackLayout | null, reason: LimitReason): void {
    watch.limit = limit;
    const rung = limit === null || !('rungId' in limit.rendition) ? null : limit.rendition.rungId;
    if (rung === (viewer.ladderLimit?.rung ?? null)) return;
    viewer.limitLadder(rung === null ? null : { rung, reason });
  }
}

const durationMs = (grid: Grid, index: number): number => ((boundaryAt(grid, index + 1) - boundaryAt(grid, index)) * 1000) / grid.timescale;
