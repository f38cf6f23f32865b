// A sample table under construction whose length nobody knows yet: columns that double when they are full.
import type { FileBudget } from '#workers/remux/file-budget.ts';
import { durationAt, numberAt, positionsOfOnes, type SampleTable } from '#workers/remux/sample-table.ts';
import type { RawSamples } from './sample-table.ts';

const FIRST_ROWS = 64;
// What the fields of a fragment can hold.
const MAX_STEP = 0x7fff_ffff;
const MAX_DTS = 2 ** 52;

export type NewSample = {
  readonly dts: number;
  readonly compositionOffset: number;
  readonly byteLength: number;
  readonly fileOffset: number;
  readonly duration: number;
  readonly isSync: boolean;
};

export class GrowingColumns {
  #count = 0;
  #dts = new Float64Array(FIRST_ROWS);
  #compositionOffsets = new Int32Array(FIRST_ROWS);
  #byteLengths = new Uint32Array(FIRST_ROWS);
  #fileOffsets = new Float64Array(FIRST_ROWS);
  #isSync = new Uint8Array(FIRST_ROWS);
  #lastDuration = 0;
  #isSteady = true;
  #hasOffsets = false;
  #greatestNegativeOffset = 0;

  /** DTS of a sample that would follow the last one; 0 when there is none. */
  get endDts(): number {
    return this.#count === 0 ? 0 : numberAt(this.#dts, this.#count - 1) + this.#lastDuration;
  }

  add({ dts, compositionOffset, byteLength, fileOffset, duration, isSync }: NewSample): void {
    if (this.#count === this.#dts.length) this.#grow();
    const at = this.#count++;
    const step = at === 0 ? 0 : dts - numberAt(this.#dts, at - 1);
    if (step < 0 || step > MAX_STEP || dts > MAX_DTS) this.#isSteady = false;
    this.#dts[at] = dts;
    this.#compositionOffsets[at] = compositionOffset;
    this.#byteLengths[at] = byteLength;
    this.#fileOffsets[at] = fileOffset;
    if (compositionOffset !== 0) this.#hasOffsets = true;
    this.#isSync[at] = isSync ? 1 : 0;
    this.#lastDuration = duration;
    this.#greatestNegativeOffset = Math.max(this.#greatestNegativeOffset, -compositionOffset);
  }

  async addTable(table: SampleTable, budget: FileBudget): Promise<void> {
    const { syncSamples } = table;
    let nextSync = 0;
    for await (const { from, to } of budget.stretches(table.count)) {
      for (let sample = from; sample < to; sample++) {
        const isSync = syncSamples === null || syncSamples[nextSync] === sample;
        if (isSync) nextSync++;
        this.add({
          dts: numberAt(table.dts, sample),
          compositionOffset: table.compositionOffsets === null ? 0 : numberAt(table.compositionOffsets, sample),
          byteLength: numberAt(table.byteLengths, sample),
          fileOffset: numberAt(table.fileOffsets, sample),
          duration: durationAt(table, sample),
          isSync,
        });
      }
    }
  }

  /** Null when the samples' times run backwards or jump. */
  async finish(budget: FileBudget): Promise<RawSamples | null> {
    if (!this.#isSteady) return null;
    const count = this.#count;
    const flags = this.#isSync.subarray(0, count);
    // Cut to their length, for the index is kept for as long as somebody watches.
    const table = {
      count,
      dts: this.#dts.slice(0, count),
      compositionOffsets: this.#hasOffsets ? this.#compositionOffsets.slice(0, count) : null,
      byteLengths: this.#byteLengths.slice(0, count),
      fileOffsets: this.#fileOffsets.slice(0, count),
      syncSamples: flags.includes(0) ? await positionsOfOnes(flags, budget) : null,
      lastDuration: this.#lastDuration,
    };
    return { table, dtsShift: this.#greatestNegativeOffset };
  }

  #grow(): void {
    const grow = <Column extends Float64Array | Int32Array | Uint32Array | Uint8Array>(column: Column, larger: Column): Column => {
      larger.set(column);
      return larger;
    };
    const length = this.#count * 2;
    this.#dts = grow(this.#dts, new Float64Array(length));
    this.#compositionOffsets = grow(this.#compositionOffsets, new Int32Array(length));
    this.#byteLengths = grow(this.#byteLengths, new Uint32Array(length));
    this.#fileOffsets = grow(this.#fileOffsets, new Float64Array(length));
    this.#isSync = grow(this.#isSync, new Uint8Array(length));
  }
}
