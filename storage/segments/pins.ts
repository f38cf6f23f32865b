// Which segments the live sessions are about to need: a few ranges per session, counted per segment, so that two viewers of one stretch pin it once.
import type { SessionId } from '#domain/ids.ts';
import type { RenditionKey, SegmentName } from '#domain/rendition.ts';

/** Segments `from` up to but not including `to` of a rendition, and its init segment. */
export type PinnedRange = { readonly key: RenditionKey; readonly from: number; readonly to: number };

type OnChange = (key: RenditionKey, name: SegmentName, isPinned: boolean) => void;

/** More sessions than this do not pin: those heard of the longest ago lose theirs. */
const MAX_SESSIONS = 2_000;

export class SegmentPins {
  readonly #onChange: OnChange;
  /** In the order in which they last moved. */
  readonly #bySession = new Map<SessionId, readonly PinnedRange[]>();
  readonly #counts = new Map<RenditionKey, Map<SegmentName, number>>();

  constructor(onChange: OnChange) {
    this.#onChange = onChange;
  }

  has(key: RenditionKey, name: SegmentName): boolean {
    return this.#counts.get(key)?.has(name) === true;
  }

  set(sessionId: SessionId, ranges: readonly PinnedRange[]): void {
    const before = this.#bySession.get(sessionId) ?? [];
    this.#bySession.delete(sessionId);
    // New ranges are pinned before old ones are unpinned, so that a segment in both never counts as free in between.
    for (const range of ranges) this.#change(range, 1);
    for (const range of before) this.#change(range, -1);
    if (ranges.length > 0) this.#bySession.set(sessionId, ranges);
    if (this.#bySession.size <= MAX_SESSIONS) return;
    const [oldest] = this.#bySession.keys();
    if (oldest !== undefined) this.set(oldest, []);
  }

  #change({ key, from, to }: PinnedRange, by: 1 | -1): void {
    const counts = this.#counts.get(key) ?? new Map<SegmentName, number>();
    this.#counts.set(key, counts);
    this.#count(key, counts, { name: 'init', by });
    for (let name = from; name < to; name++) this.#count(key, counts, { name, by });
    if (counts.size === 0) this.#counts.delete(key);
  }

  #count(key: RenditionKey, counts: Map<SegmentName, number>, { name, by }: { name: SegmentName; by: 1 | -1 }): void {
    const before = counts.get(name) ?? 0;
    if (before + by === 0) counts.delete(name);
    else counts.set(name, before + by);
    if (before === 0 || before + by === 0) this.#onChange(key, name, before === 0);
  }
}
