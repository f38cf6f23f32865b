// Films that wait to be worked at in the background: each once, a few at a time, in the order in which they were asked for.
import { FerriteError } from '#domain/errors.ts';
import type { MediaId } from '#domain/ids.ts';
import { within } from '#domain/sharing/waiting.ts';

export type FilmTurn = {
  /** Aborted when the server shuts down. */
  readonly signal: AbortSignal;
  /** Somebody waits for it. */
  readonly isWanted: boolean;
};

const STOP_DEADLINE_MS = 5_000;

export class FilmQueue<Id extends string = MediaId> {
  readonly #parallel: number;
  readonly #work: (id: Id, turn: FilmTurn) => Promise<void>;
  /** Films that nobody waits for, each once. */
  readonly #listed = new Set<Id>();
  /** Films that somebody waits for; the latest last. */
  readonly #wanted = new Map<Id, PromiseWithResolvers<void>>();
  readonly #running = new Map<Id, Promise<void>>();
  readonly #abort = new AbortController();
  #isHeld = false;

  /** `work` never rejects: one film's failure is no other's. */
  constructor(parallel: number, work: (id: Id, turn: FilmTurn) => Promise<void>) {
    this.#parallel = parallel;
    this.#work = work;
  }

  get isStopped(): boolean {
    return this.#abort.signal.aborted;
  }

  add(id: Id): void {
    if (this.isStopped) return;
    this.#listed.add(id);
    this.#startNext();
  }

  /** Before all others, in a held queue too. Resolves when it has been worked at, or the queue is stopped. */
  async want(id: Id): Promise<void> {
    if (this.isStopped) return;
    const running = this.#running.get(id);
    if (running) return running;
    const waiting = this.#wanted.get(id) ?? Promise.withResolvers<void>();
    this.#wanted.set(id, waiting);
    this.#startNext();
    return waiting.promise;
  }

  /** Until it is released nothing is begun but what somebody waits for. */
  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    this.#startNext();
  }

  /** Resolves when none is left that has its turn now. */
  async whenIdle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }

  /** What is left is found again at the next start. */
  async stop(): Promise<void> {
    this.#abort.abort(new FerriteError('CANCELLED', 'the server is shutting down'));
    this.#listed.clear();
    for (const { resolve } of this.#wanted.values()) resolve();
    this.#wanted.clear();
    await within(STOP_DEADLINE_MS, this.whenIdle());
  }

  #startNext(): void {
    while (this.#running.size < this.#parallel) {
      const id = this.#next();
      if (id === undefined) return;
      this.#start(id);
    }
  }

  #start(id: Id): void {
    const wanted = this.#wanted.get(id);
    this.#wanted.delete(id);
    this.#listed.delete(id);
    const end = this.#work(id, { signal: this.#abort.signal, isWanted: wanted !== undefined }).finally(() => {
      this.#running.delete(id);
      wanted?.resolve();
      this.#startNext();
    });
    this.#running.set(id, end);
  }

  /** One that is asked for again while it is worked at has another turn when that is over. */
  #next(): Id | undefined {
    const isFree = (id: Id): boolean => !this.#running.has(id);
    const wanted = [...this.#wanted.keys()].findLast(isFree);
    if (wanted !== undefined || this.#isHeld) return wanted;
    for (const id of this.#listed) if (isFree(id)) return id;
    return undefined;
  }
}
