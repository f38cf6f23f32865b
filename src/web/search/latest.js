// Of questions that follow each other only the last one is answered: the others are given up, and an answer that comes late is never shown.

export class Latest {
  #debounceMs;
  #signal;
  #asking = new AbortController();

  /** @param {number} debounceMs @param {AbortSignal} signal of whoever asks */
  constructor(debounceMs, signal) {
    this.#debounceMs = debounceMs;
    this.#signal = signal;
  }

  cancel() {
    this.#asking.abort();
  }

  /**
   * @template T
   * @param {(signal: AbortSignal) => Promise<T>} ask
   * @param {(answer: T) => void} answered
   * @param {(error: unknown) => void} failed
   */
  async run(ask, answered, failed) {
    this.#asking.abort();
    const asking = new AbortController();
    this.#asking = asking;
    const signal = AbortSignal.any([asking.signal, this.#signal]);
    await new Promise(resolve => setTimeout(resolve, this.#debounceMs));
    if (signal.aborted) return;
    try {
      const answer = await ask(signal);
      if (!signal.aborted) answered(answer);
    } catch (error) {
      if (!signal.aborted) failed(error);
    }
  }
}
