// What was begun and waits for its answer, such as a challenge: under a name that nobody can guess, for a while, and answered once.
import { randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { addressGroup } from '#domain/ip-address.ts';

/** About half a kilobyte each. */
const MAX_PENDING = 10_000;
/** Of one address: a household, or a storm that then pushes out nobody else's. */
const MAX_PER_ADDRESS = 50;

type Entry<T> = { readonly value: T; readonly expiresAtMs: number; readonly address: string };

export class Pending<T> {
  readonly #ttlMs: number;
  readonly #now: () => number;
  readonly #entries = new LRUCache<string, Entry<T>>({ max: MAX_PENDING, dispose: ({ address }, name) => this.#forget(address, name) });
  readonly #byAddress = new Map<string, Set<string>>();

  constructor(ttlMs: number, now: () => number) {
    this.#ttlMs = ttlMs;
    this.#now = now;
  }

  /** Returns its name. */
  begin(value: T, remoteAddress: string): string {
    const address = addressGroup(remoteAddress);
    const name = randomBytes(32).toString('base64url');
    const theirs = this.#byAddress.get(address) ?? new Set();
    const [oldest] = theirs;
    if (theirs.size >= MAX_PER_ADDRESS && oldest !== undefined) this.#entries.delete(oldest);
    this.#entries.set(name, { value, expiresAtMs: this.#now() + this.#ttlMs, address });
    // After the deletion, which may have dropped the set.
    this.#byAddress.set(address, (this.#byAddress.get(address) ?? new Set()).add(name));
    return name;
  }

  /** The value, once and in time. */
  take(name: string): T | undefined {
    const entry = this.#entries.get(name);
    this.#entries.delete(name);
    return entry !== undefined && entry.expiresAtMs > this.#now() ? entry.value : undefined;
  }

  #forget(address: string, name: string): void {
    const theirs = this.#byAddress.get(address);
    theirs?.delete(name);
    if (theirs?.size === 0) this.#byAddress.delete(address);
  }
}
