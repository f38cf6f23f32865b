// What each session alone has caused to be kept in memory, so that one that reads fast can not push out what the others need.
import type { SessionId } from '#domain/ids.ts';
import type { KeptSegment } from './kept-segment.ts';
import { UseOrder } from './use-order.ts';

export class SessionWindows {
  readonly #windowBytes: number;
  readonly #bySession = new Map<SessionId, UseOrder<KeptSegment>>();

  constructor(windowBytes: number) {
    this.#windowBytes = windowBytes;
  }

  add(segment: KeptSegment): void {
    if (segment.owner === null) return;
    const window = this.#bySession.get(segment.owner) ?? new UseOrder<KeptSegment>();
    this.#bySession.set(segment.owner, window);
    segment.windowPlace = window.add(segment);
  }

  /** It has left the memory, or belongs to everybody now. */
  release(segment: KeptSegment): void {
    const { owner, windowPlace } = segment;
    if (windowPlace === null || owner === null) return;
    const window = windowPlace.order;
    window.remove(windowPlace);
    if (window.isEmpty) this.#bySession.delete(owner);
    segment.windowPlace = null;
  }

  /** What a session with more than its window gives up first; undefined while it has less. */
  surplusOf(owner: SessionId | null, mayGo: (segment: KeptSegment) => boolean): KeptSegment | undefined {
    const window = owner === null ? undefined : this.#bySession.get(owner);
    if (!window || window.byteLength <= this.#windowBytes) return undefined;
    for (let place = window.oldestPlace; place; place = place.newer) if (mayGo(place.item)) return place.item;
    return undefined;
  }
}
