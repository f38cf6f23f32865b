// A file of a reply, opened with its first read: one buffer a connection.
import { type FileHandle, open } from 'node:fs/promises';
import { FerriteError } from '#domain/errors.ts';
import type { BodySource } from '#http/contract/body-source.ts';

const CHUNK_BYTES = 256 * 1024;

export class FileSource implements BodySource {
  readonly byteLength: number;
  readonly isLasting = true;
  readonly #path: string;
  #handle: FileHandle | null = null;
  #buffer: Buffer | null = null;
  #isReading = false;
  #isClosed = false;

  constructor({ path, byteLength }: { readonly path: string; readonly byteLength: number }) {
    this.#path = path;
    this.byteLength = byteLength;
  }

  async read(offset: number, end: number): Promise<Uint8Array> {
    this.#isReading = true;
    try {
      return await this.#read(offset, end);
    } finally {
      this.#isReading = false;
      if (this.#isClosed) await this.#release();
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    // A descriptor is never closed under a read.
    if (!this.#isReading) this.#release().catch(() => undefined);
  }

  async #read(offset: number, end: number): Promise<Uint8Array> {
    this.#handle ??= await open(this.#path).catch(cause => {
      throw new FerriteError('NOT_FOUND', 'the file is gone or can not be read', { cause });
    });
    this.#buffer ??= Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, end - offset));
    const { bytesRead } = await this.#handle.read(this.#buffer, 0, Math.min(this.#buffer.byteLength, end - offset), offset).catch(cause => {
      throw new FerriteError('NOT_FOUND', 'the file can not be read', { cause });
    });
    if (bytesRead === 0) throw new FerriteError('MEDIA_CHANGED', 'the file is shorter than it was');
    return this.#buffer.subarray(0, bytesRead);
  }

  async #release(): Promise<void> {
    const handle = this.#handle;
    this.#handle = null;
    await handle?.close();
  }
}
