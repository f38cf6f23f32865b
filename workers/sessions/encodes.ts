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

  /** True when another session's encode of it has begun and brought nothing yet: its init segment comes first of all. */
  isBegunByOther(sessionId: SessionId, key: RenditionKey): boolean {
    return this.#ofOthers(sessionId, key).some(isAboutToBringInit);
  }

  /** True when another session's encode is about to reach it: a chance to wait for, never a reason to move its lead. */
  isCoveredByOther(sessionId: SessionId, key: RenditionKey, index: number): boolean {
    return this.#ofOthers(sessionId, key).some(position => isAboutToReach(reachForOthers(position), index));
  }

  /** Those whose next segment lies from `fromIndex` up to before `untilIndex`. */
  nextWithin(key: RenditionKey, { fromIndex, untilIndex }: { fromIndex: number; untilIndex: number }): Registered[] {
    return [...(this.#running.get(key)?.values() ?? [])].filter(({ run }) => {
      const { nextIndex } = positionOf(run);
      return nextIndex >= fromIndex && nextIndex < untilIndex;
    });
  }

  /** True while an encode of a picture that may go on has less than that ready beyond what its viewer asked for last. */
  isAnyPictureBehind(aheadMs: number): boolean {
    for (const runs of this.#running.values()) {
      for (const { run } of runs.values()) {
        if (run.job.rendition.kind === 'video-encode' && readyMs(positionOf(run), run.job.grid) < aheadMs) return true;
      }
    }
    return false;
  }

  /** What is being encoded. */
  keys(): RenditionKey[] {
    return [...this.#running.keys()];
  }

  /** Those that encode something. */
  sessions(): Set<SessionId> {
    return new Set([...this.#running.values()].flatMap(runs => [...runs.values()].map(({ sessionId }) => sessionId)));
  }

  #ofOthers(sessionId: SessionId, key: RenditionKey): EncodePosition[] {
    const others = [...(this.#running.get(key)?.values() ?? [])].filter(registered => registered.sessionId !== sessionId);
    return others.map(({ run }) => positionOf(run));
  }
}

/** Beyond what the viewer asked for last; what has come to its end, or to the end of what its viewer wants, is ready for good. */
function readyMs(position: EncodePosition, grid: Grid): number {
  if (isComplete(position) || isAtLimit(position)) return Number.POSITIVE_INFINITY;
  return ((boundaryAt(grid, position.nextIndex) - boundaryAt(grid, position.viewerIndex + 1)) / grid.timescale) * 1000;
}
