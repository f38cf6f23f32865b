// Sends copied segments as they lie in their media files: read as the socket takes them, never held whole. Built whole in a thread
// and handed over, each would cost the garbage collector more than reading it costs.
import type { FileHandle } from 'node:fs/promises';
import type { ScannedFile } from '#domain/media.ts';
import type { LocatedSegment } from '#domain/protocol.ts';
import type { Part, StreamedBody } from '#http/contract/route.ts';
import type { Exchange } from '#http/door/exchange.ts';
import { LocatedReader } from './located-reader.ts';
import { MediaFiles } from './media-files.ts';
import { SharedChunks } from './shared-chunks.ts';

type FilmFile = ScannedFile & { readonly path: string };

export class LocatedSegments {
  readonly #files = new MediaFiles();
  readonly #chunks = new SharedChunks();

  body(file: FilmFile, segment: LocatedSegment): StreamedBody {
    return new LocatedBody(this.#files, this.#chunks, { file, segment });
  }
}

class LocatedBody implements StreamedBody {
  readonly #files: MediaFiles;
  readonly #chunks: SharedChunks;
  readonly #file: FilmFile;
  readonly #segment: LocatedSegment;

  constructor(files: MediaFiles, chunks: SharedChunks, { file, segment }: { file: FilmFile; segment: LocatedSegment }) {
    this.#files = files;
    this.#chunks = chunks;
    this.#file = file;
    this.#segment = segment;
  }

  get byteLength(): number {
    return this.#segment.byteLength;
  }

  send(exchange: Exchange, part: Part, writeHead: () => void): Promise<void> {
    return this.#files.use(this.#file, handle => this.#pump(exchange, handle, part, writeHead));
  }

  /** Nothing is open before it is sent. */
  close(): void {}

  async #pump(exchange: Exchange, handle: FileHandle, part: Part, writeHead: () => void): Promise<void> {
    const reader = new LocatedReader(this.#segment);
    const socket = new SocketRoom(exchange);
    let writeOnce: (() => void) | null = writeHead;
    reader.seek(part.start);
    while (!exchange.isGone) {
      const isTaken = await this.#sendChunk({ exchange, handle, reader, part, writeHead: writeOnce });
      writeOnce = null;
      if (isTaken) continue;
      await socket.room();
      if (!exchange.isGone) reader.seek(part.start + exchange.res.getWriteOffset());
    }
  }

  /** Gives the chunk back before the wait for the socket: bytes that the socket did not take are read again. True when it took all. */
  async #sendChunk({ exchange, handle, reader, part, writeHead }: Sending): Promise<boolean> {
    const chunk = await this.#chunks.take();
    try {
      if (exchange.isGone) return true;
      const filled = await reader.read(handle, chunk, part.end);
      let isTaken = true;
      exchange.write(() => {
        writeHead?.();
        isTaken = exchange.offer(chunk.subarray(0, filled), part.end - part.start, part.status);
      });
      return isTaken;
    } catch (error) {
      if (writeHead !== null) throw error;
      exchange.door.log.warn({ err: error }, 'a segment could not be read to its end');
      // The length has been promised: only a closed connection tells the client that the rest will not come.
      exchange.close();
      return true;
    } finally {
      this.#chunks.give(chunk);
    }
  }
}

type Sending = {
  readonly exchange: Exchange;
  readonly handle: FileHandle;
  readonly reader: LocatedReader;
  readonly part: Part;
  readonly writeHead: (() => void) | null;
};

/** The socket's word that it has room again, or the client's going away. */
class SocketRoom {
  readonly #exchange: Exchange;
  #onRoom: (() => void) | null = null;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
    exchange.onGone = () => this.#tell();
    // The socket reports room also while the next chunk is still being read: no promise waits for it then.
    exchange.res.onWritable(() => {
      this.#tell();
      return true;
    });
  }

  /** To be called in the turn in which the socket took less than it was offered. */
  room(): Promise<void> {
    if (this.#exchange.isGone) return Promise.resolve();
    return new Promise(resolve => {
      this.#onRoom = resolve;
    });
  }

  #tell(): void {
    this.#onRoom?.();
    this.#onRoom = null;
  }
}
