// Programs in the background, of all clients: they stand still while one of the clients holds them.

/** A process group is named by the pid of its first process. */
export class Background {
  readonly #signal: (group: number, signal: 'SIGSTOP' | 'SIGCONT') => void;
  readonly #groups = new Set<number>();
  readonly #holders = new Set<object>();

  constructor(signal: (group: number, signal: 'SIGSTOP' | 'SIGCONT') => void) {
    this.#signal = signal;
  }

  add(group: number): void {
    this.#groups.add(group);
    if (this.#holders.size > 0) this.#signal(group, 'SIGSTOP');
  }

  remove(group: number): void {
    this.#groups.delete(group);
  }

  hold(holder: object): void {
    if (this.#holders.size === 0) this.#signalAll('SIGSTOP');
    this.#holders.add(holder);
  }

  release(holder: object): void {
    if (this.#holders.delete(holder) && this.#holders.size === 0) this.#signalAll('SIGCONT');
  }

  #signalAll(signal: 'SIGSTOP' | 'SIGCONT'): void {
    for (const group of this.#groups) this.#signal(group, signal);
  }
}
