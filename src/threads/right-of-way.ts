// Who watches goes before who reads files: while a viewer waits for an answer of a session host, inspections stand still.
// Never for long: a server that is always asked for something still reads its files.
import { Emitter, type Listenable } from '#src/events.ts';

export type RightOfWayEvents = { readonly taken: readonly []; readonly given: readonly [] };

/** A program that stands still may be about to tell the process starter who it is: that waits for 5 s. */
const MAX_HELD_MS = 2_500;
const REST_MS = 500;
/** Between two requests of one start. */
const LINGER_MS = 150;

export class RightOfWay {
  readonly #events = new Emitter<RightOfWayEvents>();
  #waiting = 0;
  #state: 'given' | 'taken' | 'resting' = 'given';
  /** Ends the state, however many wait. */
  #bound: NodeJS.Timeout | undefined;
  #linger: NodeJS.Timeout | undefined;

  get events(): Listenable<RightOfWayEvents> {
    return this.#events;
  }

  /** Somebody waits until `answer` is settled. */
  during(answer: Promise<unknown>): void {
    this.#waiting++;
    clearTimeout(this.#linger);
    if (this.#state === 'given') this.#take();
    const leave = (): void => {
      this.#waiting--;
      if (this.#waiting > 0) return;
      clearTimeout(this.#linger);
      this.#linger = setTimeout(() => this.#give('given'), LINGER_MS).unref();
    };
    answer.then(leave, leave);
  }

  #take(): void {
    this.#state = 'taken';
    this.#events.emit('taken');
    this.#bound = setTimeout(() => this.#give('resting'), MAX_HELD_MS).unref();
  }

  #give(state: 'given' | 'resting'): void {
    if (this.#state !== 'taken') return;
    this.#state = state;
    this.#events.emit('given');
    clearTimeout(this.#bound);
    if (state === 'resting') this.#bound = setTimeout(() => this.#rested(), REST_MS).unref();
  }

  #rested(): void {
    this.#state = 'given';
    if (this.#waiting > 0) this.#take();
  }
}
