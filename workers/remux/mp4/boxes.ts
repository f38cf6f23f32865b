// The boxes an MP4 file is made of at its top level, read without reading the media between them.
import { FerriteError } from '#domain/errors.ts';
import { type BoxSpan, boxes } from '#workers/bmff/boxes.ts';
import type { FileBudget } from '#workers/remux/file-budget.ts';
import type { UnchangedFile } from '#workers/remux/unchanged-file.ts';

export type FileBox = { readonly type: string; readonly start: number; readonly headerByteLength: number; readonly end: number };

// The index of ten hours at 60 pictures a second with eight tracks of sound has 85 MB.
const MAX_BOX_BYTES = 96 * 1024 * 1024;
// A `moof` and the header of its `mdat` mostly fit: one read per fragment.
const BUFFER_BYTES = 16 * 1024;
const HEADER_BYTES = 16;

export const corrupt = (detail: string): FerriteError => new FerriteError('MEDIA_UNREADABLE', `the MP4 file is damaged: ${detail}`);

/** Reads a file forward, through a read buffer that answers small reads that lie close together. */
export class BoxReader {
  readonly #file: UnchangedFile;
  readonly #budget: FileBudget;
  #buffer: Buffer = Buffer.alloc(0);
  #bufferStart = 0;
  #position = 0;

  constructor(file: UnchangedFile, budget: FileBudget) {
    this.#file = file;
    this.#budget = budget;
  }

  /**
   * The next box of that type in file order, up to what is no box. The last may claim to end after the end of the file: a file
   * that was cut off.
   */
  async next(type: string): Promise<FileBox | null> {
    while (this.#position + 8 <= this.#file.byteLength) {
      this.#budget.take('elements');
      if (this.#budget.isTurnOver) await this.#budget.pause();
      const at = this.#position;
      const box = parseHeader(this.#here(at, HEADER_BYTES) ?? (await this.#read(at, HEADER_BYTES)), at, this.#file.byteLength);
      if (!box) return null;
      this.#position = box.end;
      if (box.type === type) return box;
    }
    return null;
  }

  /** The bytes inside the box. */
  async payload(box: FileBox): Promise<Buffer> {
    const start = box.start + box.headerByteLength;
    if (box.end > this.#file.byteLength) throw corrupt(`its ${box.type} box is cut off`);
    if (box.end - start > MAX_BOX_BYTES) throw corrupt(`its ${box.type} box is larger than any index`);
    return this.#here(start, box.end - start) ?? (await this.#read(start, box.end - start));
  }

  /** Null when it does not lie whole in the read buffer. */
  #here(position: number, byteLength: number): Buffer | null {
    const from = position - this.#bufferStart;
    const isHere = from >= 0 && from + byteLength <= this.#buffer.byteLength;
    return isHere ? this.#buffer.subarray(from, from + byteLength) : null;
  }

  async #read(position: number, byteLength: number): Promise<Buffer> {
    this.#buffer = await this.#file.read(position, Math.max(byteLength, BUFFER_BYTES));
    this.#bufferStart = position;
    return this.#buffer.subarray(0, byteLength);
  }
}

function parseHeader(bytes: Buffer, start: number, fileByteLength: number): FileBox | null {
  const type = bytes.toString('latin1', 4, 8);
  const size = bytes.readUInt32BE(0);
  if (size === 0) return { type, start, headerByteLength: 8, end: fileByteLength };
  if (size !== 1) return size < 8 ? null : { type, start, headerByteLength: 8, end: start + size };
  const largeSize = bytes.byteLength < HEADER_BYTES ? 0 : Number(bytes.readBigUInt64BE(8));
  if (largeSize < HEADER_BYTES) return null;
  return { type, start, headerByteLength: HEADER_BYTES, end: start + largeSize };
}

/** The children of a box by type, walked once. */
export class BoxChildren {
  readonly #spans = new Map<string, BoxSpan[]>();

  constructor(bytes: Buffer, { start, end }: Pick<BoxSpan, 'start' | 'end'>, budget: FileBudget) {
    for (const span of boxes(bytes, start, end)) {
      budget.take('descriptions');
      const known = this.#spans.get(span.type);
      if (known) known.push(span);
      else this.#spans.set(span.type, [span]);
    }
  }

  all(type: string): readonly BoxSpan[] {
    return this.#spans.get(type) ?? [];
  }

  first(type: string): BoxSpan | undefined {
    return this.#spans.get(type)?.[0];
  }
}
