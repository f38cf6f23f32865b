// A sample table under construction whose length nobody knows yet: columns that double when they are full.

import { durationAt, numberAt, positionsOfOnes, type SampleTable } from '#workers/remux/sample-table.ts';
import type { RawSamples } from './sample-table.ts';

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
  #dts = new Float64Array(1024);
  #compositionOffsets = new Int32Array(1024);
  #byteLengths = new Uint32Array(1024);
  #fileOffsets = new Float64Array(1024);
  #isSync = new Uint8Array(1024);
  #lastDuration = 0;
  #isSteady = true;
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
    this.#isSync[at] = isSync ? 1 : 0;
    this.#lastDuration = duration;
    this.#greatestNegativeOffset = Math.max(this.#greatestNegativeOffset, -compositionOffset);
  }

  addTable(table: SampleTable): void {
    const sync = table.syncSamples && new Set(table.syncSamples);
    for (let sample = 0; sample < table.count; sample++) {
      this.add({
        dts: numberAt(table.dts, sample),
        compositionOffset: table.compositionOffsets === null ? 0 : numberAt(table.compositionOffsets, sample),
        byteLength: numberAt(table.byteLengths, sample),
        fileOffset: numberAt(table.fileOffsets, sample),
        duration: durationAt(table, sample),
        isSync: sync === null || sync.has(sample),
      });
    }
  }

  /** Null when the samples' times run backwards or jump. */
  finish(): RawSamples | null {
    if (!this.#isSteady) return null;
    const count = this.#count;
    const offsets = this.#compositionOffsets.slice(0, count);
    const flags = this.#isSync.subarray(0, count);
    const table = {
      count,
      dts: this.#dts.slice(0, count),
      compositionOffsets: offsets.some(offset => offset !== 0) ? offsets : null,
      byteLengths: this.#byteLengths.slice(0, count),
      fileOffsets: this.#fileOffsets.slice(0, count),
      syncSamples: flags.includes(0) ? positionsOfOnes(flags) : null,
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
