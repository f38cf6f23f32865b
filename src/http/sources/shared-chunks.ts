// A few read buffers for all connections, lent in the order of requests: every reader gets one in turn, and a reader that waits for its socket holds none.

const CHUNK_BYTES = 1024 * 1024;
/** As many as the reads that run at once. */
const MAX_CHUNKS = 4;

export class SharedChunks {
  readonly #free: Buffer[] = [];
  readonly #waiting: ((chunk: Buffer) => void)[] = [];
  #made = 0;

  /** To be given back soon: others wait for it. */
  async take(): Promise<Buffer> {
    const free = this.#free.pop();
    if (free) return free;
    if (this.#made < MAX_CHUNKS) {
      this.#made++;
      return Buffer.allocUnsafeSlow(CHUNK_BYTES);
    }
    return new Promise(resolve => this.#waiting.push(resolve));
  }

  give(chunk: Buffer): void {
    const next = this.#waiting.shift();
    if (next) next(chunk);
    else this.#free.push(chunk);
  }
}
