// Which running encode is about to reach a segment, over all sessions of this thread: one thread owns a media, so a plain Map needs no lock.
import { positionOf, type Run } from '#actors/run.ts';
import { type EncodePosition, isAboutToBringInit, isAboutToReach, isAtLimit, isComplete, reachForOthers } from '#domain/encode-position.ts';
import type { SessionId } from '#domain/ids.ts';
import { boundaryAt, type Grid } from '#domain/plan.ts';
import type { RenditionKey } from '#domain/rendition.ts';

type Registered = { readonly sessionId: SessionId; readonly run: Run };

export class Encodes {
  readonly #running = new Map<RenditionKey, Map<string, Registered>>();

  add(sessionId: SessionId, run: Run): void {
    const runs = this.#running.get(run.job.key) ?? new Map<string, Registered>();
    runs.set(`${sessionId}/${run.actorId}`, { sessionId, run });
    this.#running.set(run.job.key, runs);
  }

  remove(sessionId: SessionId, run: Run): void {
    const runs = this.#running.get(run.job.key);
    runs?.delete(`${sessionId}/${run.actorId}`);
    if (runs?.size === 0) this.#running.delete(run.job.key);
  }

  /** True when another session's encode of the rendition has brought nothing yet: the init segment comes first. */
  isBegunByOther(sessionId: SessionId, key: RenditionKey): boolean {
    return this.#ofOthers(sessionId, key).some(isAboutToBringInit);
  }

  /** True when another session's encode is about to bring the segment. Waiting for it never moves that encode's lead. */
  isCoveredByOther(sessionId: SessionId, key: RenditionKey, index: number): boolean {
    return this.#ofOthers(sessionId, key).some(position => isAboutToReach(reachForOthers(position), index));
  }

  /** The encodes whose next segment lies from `fromIndex` up to before `untilIndex`. */
  nextWithin(key: RenditionKey, { fromIndex, untilIndex }: { fromIndex: number; untilIndex: number }): Registered[] {
    return [...(this.#running.get(key)?.values() ?? [])].filter(({ run }) => {
      const { nextIndex } = positionOf(run);
      return nextIndex >= fromIndex && nextIndex < untilIndex;
    });
  }

  /** True while the encode of a picture that somebody watches is less than `aheadMs` ahead of its viewer, and neither held nor complete. */
  isAnyPictureBehind(aheadMs: number): boolean {
    for (const runs of this.#running.values()) {
      for (const { run } of runs.values()) {
        if (run.job.rendition.kind === 'video-encode' && !run.isAhead && readyMs(positionOf(run), run.job.grid) < aheadMs) return true;
      }
    }
    return false;
  }

  /** The renditions that are being encoded. */
  keys(): RenditionKey[] {
    return [...this.#running.keys()];
  }

  /** The sessions that have an encode. */
  sessions(): Set<SessionId> {
    return new Set([...this.#running.values()].flatMap(runs => [...runs.values()].map(({ sessionId }) => sessionId)));
  }

  #ofOthers(sessionId: SessionId, key: RenditionKey): EncodePosition[] {
    const others = [...(this.#running.get(key)?.values() ?? [])].filter(registered => registered.sessionId !== sessionId);
    return others.map(({ run }) => positionOf(run));
  }
}

/** How much is ready beyond the segment that the viewer asked for last; infinite for an encode at its end or its limit. */
function readyMs(position: EncodePosition, grid: Grid): number {
  if (isComplete(position) || isAtLimit(position)) return Number.POSITIVE_INFINITY;
  return ((boundaryAt(grid, position.nextIndex) - boundaryAt(grid, position.viewerIndex + 1)) / grid.timescale) * 1000;
}
