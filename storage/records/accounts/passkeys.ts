// The public halves of passkeys, by which their owners sign in. Single writer: the main thread.
import { FerriteError } from '#domain/errors.ts';
import type { UserId } from '#domain/ids.ts';
import type { Environment } from '#storage/environment.ts';
import type { Family } from '#storage/migrations.ts';
import type { Table } from '#storage/table.ts';

const BY_USER = 'passkeys.by-user';

export const PASSKEYS: Family = { name: 'passkeys', encoding: 'msgpack', format: 1, upgrades: [], indexes: [BY_USER] };

/** More devices than anybody has; a page can not fill the store. */
const MAX_PER_USER = 30;

export type Passkey = {
  /** The credential's, as base64url: at most 1023 bytes. */
  readonly id: string;
  readonly userId: UserId;
  readonly publicKey: Uint8Array;
  /** As the authenticator told it last; 0: it does not count. */
  readonly counter: number;
  readonly transports: readonly string[];
  /** What its owner calls it. */
  readonly name: string;
  readonly createdAtMs: number;
  readonly lastUsedAtMs: number | null;
};

export class PasskeyRepository {
  readonly #environment: Environment;
  readonly #passkeys: Table<string, Passkey>;
  readonly #byUser: Table<[userId: UserId, id: string], null>;

  constructor(environment: Environment) {
    this.#environment = environment;
    this.#passkeys = environment.table(PASSKEYS.name);
    this.#byUser = environment.table(BY_USER);
  }

  get(id: string): Passkey | undefined {
    return this.#passkeys.get(id);
  }

  /** Oldest first. */
  ofUser(userId: UserId): Passkey[] {
    const found = [...this.#byUser.entriesUnder([userId])].flatMap(({ key }) => this.#passkeys.get(key[1]) ?? []);
    return found.sort((a, b) => a.createdAtMs - b.createdAtMs);
  }

  async add(passkey: Passkey): Promise<void> {
    await this.#environment.write(tx => {
      if (this.#passkeys.has(passkey.id)) throw new FerriteError('CONFLICT', 'this passkey is registered already');
      if (this.ofUser(passkey.userId).length >= MAX_PER_USER)
        throw new FerriteError('CONFLICT', `the account has ${MAX_PER_USER} passkeys, the most it may: remove one first`);
      tx.put(this.#passkeys, passkey.id, passkey);
      tx.put(this.#byUser, [passkey.userId, passkey.id], null);
    });
  }

  /** Notes a use. False where it was removed, or its counter did not grow: of two uses at once with one count, one is that of a copy. */
  async use(id: string, { counter, atMs }: { readonly counter: number; readonly atMs: number }): Promise<boolean> {
    return await this.#environment.write(tx => {
      const known = this.#passkeys.get(id);
      if (known === undefined || ((known.counter > 0 || counter > 0) && counter <= known.counter)) return false;
      tx.put(this.#passkeys, id, { ...known, counter, lastUsedAtMs: atMs });
      return true;
    });
  }

  /** The passkey that was removed; undefined where the user has none of that id. */
  async remove(userId: UserId, id: string): Promise<Passkey | undefined> {
    return await this.#environment.write(tx => {
      const known = this.#passkeys.get(id);
      if (known === undefined || known.userId !== userId) return undefined;
      tx.remove(this.#passkeys, id);
      tx.remove(this.#byUser, [userId, id]);
      return known;
    });
  }

  async removeUser(userId: UserId): Promise<void> {
    await this.#environment.write(tx => {
      for (const { key } of [...this.#byUser.entriesUnder([userId])]) {
        tx.remove(this.#passkeys, key[1]);
        tx.remove(this.#byUser, key);
      }
    });
  }
}
