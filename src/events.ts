// Events of a part that others listen to: one list of names, one payload each, so that the sender need not know its listeners.

type Payloads = Readonly<Record<string, readonly unknown[]>>;

/** The listener's side of a part's events: it can listen, not send. */
export type Listenable<Events extends Payloads> = Pick<Emitter<Events>, 'on'>;

export class Emitter<Events extends Payloads> {
  readonly #listeners: { [Name in keyof Events]?: Set<(...payload: Events[Name]) => void> } = {};

  /** Returns a function that ends the subscription. */
  on<Name extends keyof Events>(name: Name, listener: (...payload: Events[Name]) => void): () => void {
    const listeners: Set<(...payload: Events[Name]) => void> = this.#listeners[name] ?? new Set();
    this.#listeners[name] = listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** In the same turn, in the order in which they began to listen. */
  emit<Name extends keyof Events>(name: Name, ...payload: Events[Name]): void {
    for (const listener of this.#listeners[name] ?? []) listener(...payload);
  }
}
