// The time that this thread has computed or waited for a core: in the rest of the time on the clock it was blocked.
import { openSync, readSync } from 'node:fs';

const NS_PER_MS = 1e6;

/** Zero for ever where the system does not tell: then all time on the clock counts as blocked. */
export class ThreadTime {
  readonly #buffer = Buffer.alloc(128);
  /** Kept open for the life of the process. Opened by the thread that it is about. */
  #descriptor: number | null | undefined;

  busyMs(): number {
    if (this.#descriptor === undefined) this.#descriptor = openOwn();
    if (this.#descriptor === null) return 0;
    const count = readSync(this.#descriptor, this.#buffer, 0, this.#buffer.byteLength, 0);
    const [computing, waiting] = this.#buffer.toString('latin1', 0, count).split(' ');
    return (Number(computing ?? 0) + Number(waiting ?? 0)) / NS_PER_MS;
  }
}

function openOwn(): number | null {
  try {
    return openSync('/proc/thread-self/schedstat', 'r');
  } catch {
    return null;
  }
}
