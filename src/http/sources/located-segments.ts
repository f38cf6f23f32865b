// Sends copied segments as they lie in their media files: read as the socket takes them, never held whole. Built whole in a thread
// and handed over, each would cost the garbage collector more than reading it costs.
import type { FileHandle } from 'node:fs/promises';
import type { ScannedFile } from '#domain/media.ts';
import type { LocatedSegment } from '#domain/protocol.ts';
import type { BodySource } from '#http/contract/body-source.ts';
import { LocatedReader } from './located-reader.ts';
import { MediaFiles } from './media-files.ts';
import { SharedChunks } from './shared-chunks.ts';

type FilmFile = ScannedFile & { readonly path: string };

export class LocatedSegments {
  readonly #files = new MediaFiles();
  readonly #chunks = new SharedChunks();

  body(file: FilmFile, segment: LocatedSegment): BodySource {
    return new LocatedBody(this.#files, this.#chunks, { file, segment });
  }
}

class LocatedBody implements BodySource {
  readonly #files: MediaFiles;
  readonly #chunks: SharedChunks;
  readonly #file: FilmFile;
  readonly #segment: LocatedSegment;
  readonly #reader: LocatedReader;
  readonly #isOver = Promise.withResolvers<void>();
  #film: Promise<FileHandle> | null = null;
  #lent: Buffer | null = null;
  #isReading = false;
  #isClosed = false;

  constructor(files: MediaFiles, chunks: SharedChunks, { file, segment }: { file: FilmFile; segment: LocatedSegment }) {
    this.#files = files;
    this.#chunks = chunks;
    this.#file = file;
    this.#segment = segment;
    this.#reader = new LocatedReader(segment);
  }

  get byteLength(): number {
    return this.#segment.byteLength;
  }

  async read(offset: number, end: number): Promise<Uint8Array> {
    this.#isReading = true;
    try {
      this.#film ??= this.#open();
      const handle = await this.#film;
      const chunk = await this.#chunks.take();
      this.#lent = chunk;
      if (this.#isClosed) return chunk.subarray(0, 0);
      this.#reader.seek(offset);
      return chunk.subarray(0, await this.#reader.read(handle, chunk, end));
    } catch (error) {
      // A film that is not what it was is not kept open for others.
      this.#isOver.reject(error);
      this.#giveBack();
      throw error;
    } finally {
      this.#isReading = false;
      if (this.#isClosed) this.#release();
    }
  }

  /** Given back before anybody waits for the socket: what it did not take is read again. */
  offered(): void {
    this.#giveBack();
  }

  close(): void {
    this.#isClosed = true;
    if (!this.#isReading) this.#release();
  }

  /** The film stays open until the body is closed. */
  #open(): Promise<FileHandle> {
    const { promise, resolve, reject } = Promise.withResolvers<FileHandle>();
    // Nobody may have it open by then: whoever reads is told.
    this.#isOver.promise.catch(() => undefined);
    this.#files
      .use(this.#file, handle => {
        resolve(handle);
        return this.#isOver.promise;
      })
      .catch(reject);
    return promise;
  }

  #release(): void {
    this.#giveBack();
    this.#isOver.resolve();
  }

  #giveBack(): void {
    if (this.#lent) this.#chunks.give(this.#lent);
    this.#lent = null;
  }
}
