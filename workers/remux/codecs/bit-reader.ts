// Reads fields of single bits from the start of a buffer; past its end it gives zeros.
export class BitReader {
  readonly #bytes: Buffer;
  #at = 0;
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isPastEnd(): boolean {
    return this.#at > this.#bytes.byteLength * 8;
  }

  /** At most 32 bits. */
  read(bits: number): number {
    let value = 0;
    for (let count = 0; count < bits; count++, this.#at++)
      value = value * 2 + (((this.#bytes[this.#at >> 3] ?? 0) >> (7 - (this.#at & 7))) & 1);
    return value;
  }

  flag(): boolean {
    return this.read(1) === 1;
  }

  skip(bits: number): void {
    this.#at += bits;
  }
}
