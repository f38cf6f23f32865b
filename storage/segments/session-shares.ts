// The cache share of each session: the segments in memory that only this session has used. A session that reads fast evicts its own share, not what others need.
import type { SessionId } from '#domain/ids.ts';
import type { KeptSegment } from './kept-segment.ts';
import { UseOrder } from './use-order.ts';

export class SessionShares {
  readonly #shareBytes: number;
  readonly #bySession = new Map<SessionId, UseOrder<KeptSegment>>();

  constructor(shareBytes: number) {
    this.#shareBytes = shareBytes;
  }

  add(segment: KeptSegment): void {
    if (segment.owner === null) return;
    const share = this.#bySession.get(segment.owner) ?? new UseOrder<KeptSegment>();
    this.#bySession.set(segment.owner, share);
    segment.shareEntry = share.add(segment);
  }

  /** The segment has left the memory, or a second use made it common to all sessions. */
  release(segment: KeptSegment): void {
    const { owner, shareEntry } = segment;
    if (shareEntry === null || owner === null) return;
    const share = shareEntry.order;
    share.remove(shareEntry);
    if (share.isEmpty) this.#bySession.delete(owner);
    segment.shareEntry = null;
  }

  /** The segment that a session beyond its share loses first; undefined while the session is within its share. */
  surplusOf(owner: SessionId | null, mayGo: (segment: KeptSegment) => boolean): KeptSegment | undefined {
    const share = owner === null ? undefined : this.#bySession.get(owner);
    if (!share || share.byteLength <= this.#shareBytes) return undefined;
    for (let entry = share.oldestEntry; entry; entry = entry.newer) if (mayGo(entry.item)) return entry.item;
    return undefined;
  }
}
