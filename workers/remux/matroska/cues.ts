// Where the keyframes of one track lie, as its file's Cues say: columns of numbers, for a film may have millions.
import { upperBound } from '#domain/plan.ts';
import type { FileBudget } from '#workers/remux/file-budget.ts';
import { heldByteLength } from '#workers/remux/sample-table.ts';

/** Where a keyframe lies: its cluster in the file, and its block from the first byte of the cluster's payload; null when the file does not say. */
export type Cue = { readonly timestamp: number; readonly clusterPosition: number; readonly relativePosition: number | null };

const FIRST_ROWS = 64;
/** Muxers write them in order; few enough to sort in one go when one has not. */
const MAX_UNSORTED = 50_000;
const UNKNOWN = -1;

export class CueTable {
  #length = 0;
  #timestamps = new Float64Array(FIRST_ROWS);
  #clusterPositions = new Float64Array(FIRST_ROWS);
  #relativePositions = new Float64Array(FIRST_ROWS);
  #isAscending = true;

  static of(cues: Iterable<Cue>): CueTable {
    const table = new CueTable();
    for (const cue of cues) table.add(cue);
    return table;
  }

  get length(): number {
    return this.#length;
  }

  get heldByteLength(): number {
    return heldByteLength([this.#timestamps, this.#clusterPositions, this.#relativePositions]);
  }

  /** Ascending; valid until a cue is added. */
  get timestamps(): Float64Array {
    return this.#timestamps.subarray(0, this.#length);
  }

  add({ timestamp, clusterPosition, relativePosition }: Cue): void {
    if (this.#length === this.#timestamps.length) this.#grow();
    const at = this.#length++;
    this.#timestamps[at] = timestamp;
    this.#clusterPositions[at] = clusterPosition;
    this.#relativePositions[at] = relativePosition ?? UNKNOWN;
    if (at > 0 && timestamp <= (this.#timestamps[at - 1] ?? timestamp)) this.#isAscending = false;
  }

  /** From the end when negative. */
  at(index: number): Cue | undefined {
    const row = index < 0 ? this.#length + index : index;
    const timestamp = this.#timestamps[row];
    if (timestamp === undefined || row >= this.#length) return undefined;
    const relative = this.#relativePositions[row] ?? UNKNOWN;
    return {
      timestamp,
      clusterPosition: this.#clusterPositions[row] ?? 0,
      relativePosition: relative === UNKNOWN ? null : relative,
    };
  }

  lastUpTo(timestamp: number): Cue | undefined {
    const behind = upperBound(this.timestamps, timestamp);
    return behind === 0 ? undefined : this.at(behind - 1);
  }

  /** By ascending time; of several for one time the first in the file. Null when it is too long to be put in order. */
  sorted(): CueTable | null {
    if (this.#isAscending) return this;
    if (this.#length > MAX_UNSORTED) return null;
    const all = Array.from({ length: this.#length }, (_, row) => this.at(row)).filter(cue => cue !== undefined);
    all.sort((a, b) => a.timestamp - b.timestamp);
    return CueTable.of(all.filter((cue, index) => cue.timestamp !== all[index - 1]?.timestamp));
  }

  /** Whether the clusters follow each other as the times do, none of them before `first`. */
  async isInFileOrder(first: number, budget: FileBudget): Promise<boolean> {
    let before = first;
    for await (const { from, to } of budget.stretches(this.#length)) {
      for (let row = from; row < to; row++) {
        const position = this.#clusterPositions[row] ?? 0;
        if (position < before) return false;
        before = position;
      }
    }
    return true;
  }

  #grow(): void {
    const larger = (column: Float64Array): Float64Array<ArrayBuffer> => {
      const grown = new Float64Array(column.length * 2);
      grown.set(column);
      return grown;
    };
    this.#timestamps = larger(this.#timestamps);
    this.#clusterPositions = larger(this.#clusterPositions);
    this.#relativePositions = larger(this.#relativePositions);
  }
}
