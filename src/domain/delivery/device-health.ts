// Which hardware encoders failed lately: left alone for a while, ever longer, and then tried again by a viewer's encode.

const FIRST_REST_MS = 60_000;
const LONGEST_REST_MS = 30 * 60_000;

type Failure = { readonly times: number; readonly untilMs: number };

export class DeviceHealth {
  readonly #nowMs: () => number;
  /** By `encoderKey`: as many as the machine has. */
  readonly #failures = new Map<string, Failure>();

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  isUsable(key: string): boolean {
    return (this.#failures.get(key)?.untilMs ?? 0) <= this.#nowMs();
  }

  /** Several runs that fail together are one failure. Returns whether this was news. */
  failed(key: string): boolean {
    if (!this.isUsable(key)) return false;
    const times = (this.#failures.get(key)?.times ?? 0) + 1;
    this.#failures.set(key, { times, untilMs: this.#nowMs() + Math.min(FIRST_REST_MS * 2 ** (times - 1), LONGEST_REST_MS) });
    return true;
  }

  /** Returns whether it had failed before. A run that began before the last failure proves nothing of what came after. */
  worked(key: string): boolean {
    return this.isUsable(key) && this.#failures.delete(key);
  }
}
