// How long somebody has not been heard of. Time in which nobody could have been heard does not count: a suspended machine, or a turn of
// our own that took long, leaves one interval at most.

export type SilenceOptions = {
  readonly intervalMs: number;
  readonly limitMs: number;
  /** At every interval, such as to ask for a sign of life. */
  readonly onInterval?: () => void;
  /** Once. */
  readonly onTooLong: () => void;
};

export class Silence {
  readonly #options: SilenceOptions;
  readonly #timer: NodeJS.Timeout;
  #silentMs = 0;
  #lookedAtMs = performance.now();

  constructor(options: SilenceOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#look(), options.intervalMs);
    this.#timer.unref();
  }

  heard(): void {
    this.#silentMs = 0;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const { intervalMs, limitMs, onInterval, onTooLong } = this.#options;
    const nowMs = performance.now();
    this.#silentMs += Math.min(nowMs - this.#lookedAtMs, intervalMs);
    this.#lookedAtMs = nowMs;
    if (this.#silentMs < limitMs) {
      onInterval?.();
      return;
    }
    this.close();
    onTooLong();
  }
}
