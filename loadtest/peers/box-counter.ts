// Counts the finished mdat boxes in a stream of fragmented MP4, without keeping it.

const HEADER_BYTES = 8;
const MDAT = 'mdat';

export class BoxCounter {
  readonly #onMediaData: (count: number) => void;
  #header = Buffer.alloc(0);
  #type = '';
  #remaining = 0;
  #count = 0;

  /** @param onMediaData called with the number of finished mdat boxes, when one more is. */
  constructor(onMediaData: (count: number) => void) {
    this.#onMediaData = onMediaData;
  }

  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.byteLength) {
      if (this.#remaining === 0) {
        const wanted = HEADER_BYTES - this.#header.byteLength;
        this.#header = Buffer.concat([this.#header, chunk.subarray(at, at + wanted)]);
        at += wanted;
        if (this.#header.byteLength < HEADER_BYTES) return;
        this.#type = this.#header.toString('latin1', 4, 8);
        this.#remaining = this.#header.readUInt32BE(0) - HEADER_BYTES;
        this.#header = Buffer.alloc(0);
      } else {
        const taken = Math.min(this.#remaining, chunk.byteLength - at);
        this.#remaining -= taken;
        at += taken;
      }
      if (this.#remaining === 0 && this.#type === MDAT) {
        this.#type = '';
        this.#onMediaData(++this.#count);
      }
    }
  }
}
