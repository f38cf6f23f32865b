// An open media file whose bytes have to stay what they were when it was opened: everything read from it is checked against that.
import { type FileHandle, open } from 'node:fs/promises';
import { FerriteError } from '#domain/errors.ts';

export class UnchangedFile {
  readonly #handle: FileHandle;
  readonly #mtimeMs: number;
  readonly byteLength: number;

  private constructor(handle: FileHandle, byteLength: number, mtimeMs: number) {
    this.#handle = handle;
    this.#mtimeMs = mtimeMs;
    this.byteLength = byteLength;
  }

  static async open(path: string): Promise<UnchangedFile> {
    const handle = await open(path, 'r').catch((cause: unknown) => {
      throw new FerriteError('MEDIA_UNREADABLE', 'the file can not be opened', { cause });
    });
    try {
      const { size, mtimeMs } = await handle.stat();
      return new UnchangedFile(handle, size, mtimeMs);
    } catch (cause) {
      await handle.close();
      throw new FerriteError('MEDIA_UNREADABLE', 'the file can not be read', { cause });
    }
  }

  /** Throws MEDIA_CHANGED when the file was written to since it was opened. */
  async verify(): Promise<void> {
    const { size, mtimeMs } = await this.#handle.stat().catch(failRead);
    if (size !== this.byteLength || mtimeMs !== this.#mtimeMs) throw changed();
  }

  /** Fills `into` from `position`; the range must lie inside the file. */
  async readInto(into: Buffer, position: number): Promise<Buffer> {
    let done = 0;
    while (done < into.byteLength) {
      const { bytesRead } = await this.#handle.read(into, done, into.byteLength - done, position + done).catch(failRead);
      if (bytesRead === 0) throw changed();
      done += bytesRead;
    }
    return into;
  }

  /** Fills the buffers one after the other from `position`, in one read where the kernel lets it; the range must lie inside the file. */
  async readScattered(buffers: readonly Buffer[], position: number): Promise<void> {
    const byteLength = buffers.reduce((sum, buffer) => sum + buffer.byteLength, 0);
    const { bytesRead } = await this.#handle.readv(buffers, position).catch(failRead);
    if (bytesRead === byteLength) return;
    let at = 0;
    for (const buffer of buffers) {
      const missing = Math.min(Math.max(at + buffer.byteLength - bytesRead, 0), buffer.byteLength);
      at += buffer.byteLength;
      await this.readInto(buffer.subarray(buffer.byteLength - missing), position + at - missing);
    }
  }

  /** At most `byteLength` bytes: fewer where the file ends. */
  read(position: number, byteLength: number): Promise<Buffer> {
    const length = Math.max(0, Math.min(byteLength, this.byteLength - position));
    return this.readInto(Buffer.allocUnsafeSlow(length), position);
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

const changed = (): FerriteError => new FerriteError('MEDIA_CHANGED', 'the file changed since it was opened');

function failRead(cause: unknown): never {
  throw new FerriteError('MEDIA_UNREADABLE', 'the file can not be read', { cause });
}
