// Which running encode covers a segment, over all sessions of this thread: one thread owns a media, so a plain Map needs no lock.
import type { Run } from '#actors/session.ts';
import type { SessionId } from '#domain/ids.ts';
import { boundaryAt } from '#domain/plan.ts';
import type { RenditionKey } from '#domain/rendition.ts';

type Registered = { readonly sessionId: SessionId; readonly run: Run };

export class Encodes {
  readonly #running = new Map<RenditionKey, Map<string, Registered>>();

  put(sessionId: SessionId, run: Run): void {
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
    for (const { sessionId: owner, run } of this.#running.get(key)?.values() ?? []) {
      if (owner !== sessionId && run.nextIndex === run.job.firstIndex) return true;
    }
    return false;
  }

  /** Those whose next segment lies from `fromIndex` up to before `untilIndex`. */
  nextWithin(key: RenditionKey, { fromIndex, untilIndex }: { fromIndex: number; untilIndex: number }): Registered[] {
    const running = [...(this.#running.get(key)?.values() ?? [])];
    return running.filter(({ run }) => run.nextIndex >= fromIndex && run.nextIndex < untilIndex);
  }

  /** True while an encode of a picture has less than that ready beyond what its viewer asked for last. */
  isAnyPictureBehind(aheadMs: number): boolean {
    for (const runs of this.#running.values()) {
      for (const { run } of runs.values()) if (run.job.rendition.kind === 'video-encode' && readyMs(run) < aheadMs) return true;
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

  /**
   * True when another session's encode writes that segment next or soon, and is let by its own viewer: a chance to wait for, never a
   * reason to move its window.
   */
  isCoveredByOther(sessionId: SessionId, key: RenditionKey, index: number, reach: number): boolean {
    for (const { sessionId: owner, run } of this.#running.get(key)?.values() ?? []) {
      if (owner === sessionId) continue;
      if (index >= run.nextIndex && index <= Math.min(run.nextIndex + reach, run.limitIndex, run.job.lastIndex)) return true;
    }
    return false;
  }
}

/** Beyond what the viewer asked for last; what has come to its end is ready for good. */
function readyMs({ job: { grid, lastIndex }, nextIndex, viewerIndex }: Run): number {
  if (nextIndex > lastIndex) return Number.POSITIVE_INFINITY;
  return ((boundaryAt(grid, nextIndex) - boundaryAt(grid, viewerIndex + 1)) / grid.timescale) * 1000;
}
