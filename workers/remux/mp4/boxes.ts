// The boxes an MP4 file is made of at its top level, read without reading the media between them.
import { FerriteError } from '#domain/errors.ts';
import type { UnchangedFile } from '#workers/remux/unchanged-file.ts';

export type FileBox = { readonly type: string; readonly start: number; readonly headerByteLength: number; readonly end: number };

// A fragmented film of one-frame fragments has some hundred thousand; a file that claims more is built to keep us busy.
const MAX_BOXES = 2_000_000;
// The index of a day of film is below 100 MB.
const MAX_BOX_BYTES = 256 * 1024 * 1024;
// A `moof` and the header of its `mdat` mostly fit: one read per fragment.
const WINDOW_BYTES = 16 * 1024;

export const corrupt = (detail: string): FerriteError => new FerriteError('MEDIA_UNREADABLE', `the MP4 file is damaged: ${detail}`);

/** Reads a file forward, through a window that serves small reads that lie close together. */
export class BoxReader {
  readonly #file: UnchangedFile;
  #window: Buffer = Buffer.alloc(0);
  #windowStart = 0;

  constructor(file: UnchangedFile) {
    this.#file = file;
  }

  /** In file order, up to what is no box. The last may claim to end after the end of the file: a file that was cut off. */
  async *boxes(): AsyncGenerator<FileBox> {
    let at = 0;
    for (let count = 0; at + 8 <= this.#file.byteLength; count++) {
      if (count === MAX_BOXES) throw corrupt('it has too many boxes');
      const box = parseHeader(await this.#read(at, 16), at, this.#file.byteLength);
      if (!box) return;
      yield box;
      at = box.end;
    }
  }

  /** The bytes inside the box. */
  async payload(box: FileBox): Promise<Buffer> {
    const start = box.start + box.headerByteLength;
    if (box.end > this.#file.byteLength) throw corrupt(`its ${box.type} box is cut off`);
    if (box.end - start > MAX_BOX_BYTES) throw corrupt(`its ${box.type} box is larger than any index`);
    return this.#read(start, box.end - start);
  }

  async #read(position: number, byteLength: number): Promise<Buffer> {
    const from = position - this.#windowStart;
    if (from >= 0 && from + byteLength <= this.#window.byteLength) return this.#window.subarray(from, from + byteLength);
    this.#window = await this.#file.read(position, Math.max(byteLength, WINDOW_BYTES));
    this.#windowStart = position;
    return this.#window.subarray(0, byteLength);
  }
}

function parseHeader(bytes: Buffer, start: number, fileByteLength: number): FileBox | null {
  const type = bytes.toString('latin1', 4, 8);
  const size = bytes.readUInt32BE(0);
  if (size === 0) return { type, start, headerByteLength: 8, end: fileByteLength };
  if (size !== 1) return size < 8 ? null : { type, start, headerByteLength: 8, end: start + size };
  const largeSize = bytes.byteLength < 16 ? 0 : Number(bytes.readBigUInt64BE(8));
  if (largeSize < 16) return null;
  return { type, start, headerByteLength: 16, end: start + largeSize };
}
