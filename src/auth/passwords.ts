// Passwords as argon2id hashes, few at a time: each costs 19 MiB and some 20 ms of a core, and a storm of logins must not eat the machine.
import { randomBytes } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import { FerriteError } from '#domain/errors.ts';

/** OWASP's first choice for argon2id. The algorithm is the library's default: its constant can't be imported under type stripping. */
const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Hashing runs on libuv's four threads; half of them stay free for files. */
const MAX_RUNNING = 2;
const MAX_WAITING = 64;

/** The hash of a user without a password: no password matches it. */
export const NO_PASSWORD = '';

export class Passwords {
  readonly #decoy: string;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  private constructor(decoy: string) {
    this.#decoy = decoy;
  }

  static async create(): Promise<Passwords> {
    return new Passwords(await hash(randomBytes(24).toString('base64url'), PARAMETERS));
  }

  async hash(password: string): Promise<string> {
    return await this.#inTurn(() => hash(prepare(password), PARAMETERS));
  }

  /** Takes as long for a user that does not exist (null) or has no password, so that time tells nothing. */
  async verify(password: string, encoded: string | null): Promise<boolean> {
    const isReal = encoded !== null && encoded !== NO_PASSWORD;
    const matches = await this.#inTurn(() => verify(isReal ? encoded : this.#decoy, prepare(password)));
    return matches && isReal;
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    await this.#takeTurn();
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      // The turn is handed to the first waiter: a new call can not slip in between.
      else next();
    }
  }

  async #takeTurn(): Promise<void> {
    if (this.#running < MAX_RUNNING) {
      this.#running += 1;
      return;
    }
    if (this.#waiting.length >= MAX_WAITING)
      throw new FerriteError('TOO_MANY_REQUESTS', 'too many sign-ins at once', { retryAfterMs: 2000 });
    await new Promise<void>(resolve => this.#waiting.push(resolve));
  }
}

/** Two systems may compose the same typed password in two ways: they are made one (NFKC). */
const prepare = (password: string): string => password.normalize('NFKC');
