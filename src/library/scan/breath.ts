// Long work on the thread that answers requests lets them through every few milliseconds.
import { setImmediate as turn } from 'node:timers/promises';

const WORK_MS = 4;

export class Breath {
  #sinceMs = performance.now();

  async take(): Promise<void> {
    if (performance.now() - this.#sinceMs < WORK_MS) return;
    await turn();
    this.#sinceMs = performance.now();
  }
}
