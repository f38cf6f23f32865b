// Finds the end of one HTTP/1.1 answer in the bytes of a connection: by its length, or by its last chunk.

const HEAD_END = '\r\n\r\n';
const MAX_HEAD_BYTES = 64 * 1024;

/** `header` takes names in small letters. */
export type AnswerHead = { readonly status: number; readonly header: (name: string) => string | null };

export class AnswerReader {
  bodyBytes = 0;
  readonly #keepsBody: boolean;
  readonly #kept: Buffer[] = [];
  #headText = '';
  #head: AnswerHead | null = null;
  /** Of the body, or of the chunk that is being read, its line end included. */
  #remaining = 0;
  #isChunked = false;
  #chunkLine = '';
  #isLastChunk = false;

  constructor(keepsBody: boolean) {
    this.#keepsBody = keepsBody;
  }

  /** The head, once the whole answer was read. @throws when it is no HTTP answer. */
  push(bytes: Uint8Array): AnswerHead | null {
    const body = this.#head ? bytes : this.#readHead(bytes);
    if (!this.#head || !body) return null;
    if (this.#isChunked) return this.#readChunks(body) ? this.#head : null;
    this.#take(body.subarray(0, this.#remaining));
    this.#remaining -= Math.min(this.#remaining, body.byteLength);
    return this.#remaining === 0 ? this.#head : null;
  }

  body(): string {
    return Buffer.concat(this.#kept).toString('utf8');
  }

  /** The body; null while it is incomplete. */
  #readHead(bytes: Uint8Array): Uint8Array | null {
    const before = this.#headText.length;
    this.#headText += Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1', 0, MAX_HEAD_BYTES);
    const end = this.#headText.indexOf(HEAD_END);
    if (end === -1) {
      if (this.#headText.length > MAX_HEAD_BYTES) throw new Error('the head of an answer has no end');
      return null;
    }
    this.#head = parseHead(this.#headText.slice(0, end));
    this.#headText = '';
    this.#isChunked = this.#head.header('transfer-encoding')?.toLowerCase() === 'chunked';
    this.#remaining = this.#isChunked || this.#head.status === 204 || this.#head.status === 304 ? 0 : lengthOf(this.#head);
    return bytes.subarray(end + HEAD_END.length - before);
  }

  /** True with the last of them. */
  #readChunks(bytes: Uint8Array): boolean {
    let at = 0;
    while (at < bytes.byteLength) {
      if (this.#remaining > 0) {
        const taken = Math.min(this.#remaining, bytes.byteLength - at);
        // The line end behind a chunk is no body.
        const ofBody = Math.max(0, Math.min(taken, this.#remaining - 2));
        if (!this.#isLastChunk) this.#take(bytes.subarray(at, at + ofBody));
        this.#remaining -= taken;
        at += taken;
        if (this.#remaining === 0 && this.#isLastChunk) return true;
        continue;
      }
      this.#chunkLine += String.fromCharCode(bytes[at++] ?? 0);
      if (!this.#chunkLine.endsWith('\r\n')) continue;
      const size = Number.parseInt(this.#chunkLine, 16);
      if (Number.isNaN(size)) throw new Error('an answer has a chunk without a size');
      this.#chunkLine = '';
      this.#isLastChunk = size === 0;
      this.#remaining = size + 2;
    }
    return false;
  }

  #take(bytes: Uint8Array): void {
    this.bodyBytes += bytes.byteLength;
    // The buffer is used again for the next read.
    if (this.#keepsBody) this.#kept.push(Buffer.from(bytes));
  }
}

function parseHead(text: string): AnswerHead {
  const [, status] = text.match(/^HTTP\/1\.1 (\d{3})/) ?? [];
  if (status === undefined) throw new Error('this is no HTTP answer');
  const lowerCase = text.toLowerCase();
  return {
    status: Number(status),
    header: name => {
      const at = lowerCase.indexOf(`\r\n${name}:`);
      if (at === -1) return null;
      const end = text.indexOf('\r\n', at + 2);
      return text.slice(at + name.length + 3, end === -1 ? text.length : end).trim();
    },
  };
}

function lengthOf({ header }: AnswerHead): number {
  const length = header('content-length');
  if (length === null) throw new Error('an answer says neither its length nor that it is chunked');
  return Number(length);
}
