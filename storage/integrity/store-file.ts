// The store's file read page by page, apart from LMDB: LMDB maps it, and a page that is missing or damaged ends the process there.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** What is wrong with a store, in a clause that follows "the store is damaged:". */
export class Damage extends Error {
  constructor(what: string) {
    super(what);
    this.name = 'Damage';
  }
}

export class StoreFile {
  readonly byteLength: number;
  readonly #fd: number;

  constructor(path: string) {
    this.#fd = openSync(path, 'r');
    this.byteLength = fstatSync(this.#fd).size;
  }

  /** A view of the bytes in `into`, which the next read into it overwrites. Damage where the file ends before them. */
  read(position: number, into: Buffer): DataView {
    let done = 0;
    while (done < into.byteLength) {
      const count = readSync(this.#fd, into, done, into.byteLength - done, position + done);
      if (count === 0) throw new Damage(`the file ends after ${this.byteLength} bytes, within a page that is in use`);
      done += count;
    }
    return new DataView(into.buffer, into.byteOffset, into.byteLength);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** A 64-bit number that has to be a count: what does not fit is damage. */
export function count(view: DataView, offset: number): number {
  const value = view.getBigUint64(offset, true);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new Damage('a number in it is beyond all bounds');
  return Number(value);
}
