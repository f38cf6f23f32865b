// Who may use the server. Single writer: the main thread.
import { FerriteError } from '#domain/errors.ts';
import type { GroupId, UserId } from '#domain/ids.ts';
import type { User } from '#domain/media.ts';
import type { Environment, Transaction } from '#storage/environment.ts';
import type { Family } from '#storage/migrations.ts';
import type { Table } from '#storage/table.ts';
import { type Page, type PageRequest, parseCursor, takePage } from './page.ts';

const BY_NAME = 'users.by-name';
const BY_IDENTITY = 'users.by-identity';
const REMOVED_IDENTITIES = 'users.removed-identities';

export const USERS: Family = {
  name: 'users',
  encoding: 'msgpack',
  format: 1,
  upgrades: [],
  indexes: [BY_NAME, BY_IDENTITY, REMOVED_IDENTITIES],
};

/** A user as another issuer knows them. Compared exactly: an issuer's subjects are case-sensitive. */
export type ExternalIdentity = { readonly issuer: string; readonly subject: string };

/** Two spellings of one name are one name. Folding may lengthen it: one character becomes up to 18. */
export const foldUsername = (username: string): string => username.normalize('NFKC').toLowerCase();

/** Bytes of a folded name: well within a key of the store (1978 bytes). */
export const MAX_FOLDED_BYTES = 512;
export const isFoldable = (username: string): boolean => Buffer.byteLength(foldUsername(username)) <= MAX_FOLDED_BYTES;

/** Most bytes of a subject, bounded for the same reason. */
export const MAX_SUBJECT_BYTES = 1_000;

export class UserRepository {
  readonly #environment: Environment;
  readonly #users: Table<UserId, User>;
  readonly #byName: Table<[scope: string, foldedName: string], UserId>;
  /** A removed user's stays: the subject does not come back by itself. */
  readonly #byIdentity: Table<[issuer: string, subject: string], UserId>;
  /** By the name that the removed user had: a user who is made under it gets the identity. */
  readonly #removedIdentities: Table<[scope: string, foldedName: string], [issuer: string, subject: string]>;

  constructor(environment: Environment) {
    this.#environment = environment;
    this.#users = environment.table(USERS.name);
    this.#byName = environment.table(BY_NAME);
    this.#byIdentity = environment.table(BY_IDENTITY);
    this.#removedIdentities = environment.table(REMOVED_IDENTITIES);
  }

  get(id: UserId): User | undefined {
    return this.#users.get(id);
  }

  findByUsername(username: string): User | undefined {
    if (!isFoldable(username)) return undefined;
    const id = this.#byName.get(nameKey(username));
    return id === undefined ? undefined : this.#users.get(id);
  }

  findByIdentity({ issuer, subject }: ExternalIdentity): User | undefined {
    const id = this.#byIdentity.get([issuer, subject]);
    return id === undefined ? undefined : this.#users.get(id);
  }

  /** Whether an administrator removed the user with that identity. */
  isRemoved({ issuer, subject }: ExternalIdentity): boolean {
    const id = this.#byIdentity.get([issuer, subject]);
    return id !== undefined && !this.#users.has(id);
  }

  hasAdministrator(): boolean {
    for (const { value } of this.#users.entries()) if (value.role === 'admin') return true;
    return false;
  }

  isEmpty(): boolean {
    return this.#users.count() === 0;
  }

  /** Whether an enabled administrator remains without this user. */
  hasOtherAdministrator(id: UserId): boolean {
    for (const { value } of this.#users.entries()) {
      if (value.id !== id && value.role === 'admin' && value.enabled) return true;
    }
    return false;
  }

  membersOf(groupId: GroupId): User[] {
    return [...this.#users.entries()].map(({ value }) => value).filter(user => user.groupId === groupId);
  }

  /** By name. */
  list({ limit, cursor }: PageRequest): Page<User> {
    return takePage(this.#inNameOrder(cursor), limit);
  }

  /** `check` runs in the same transaction: an error it throws undoes everything. */
  async create(user: User, check: () => void): Promise<void> {
    await this.#environment.write(tx => {
      check();
      this.#refuseTakenName(user);
      this.#put(tx, user);
      const identity = this.#removedIdentities.get(nameKey(user.username));
      if (identity === undefined) return;
      tx.put(this.#byIdentity, identity, user.id);
      tx.remove(this.#removedIdentities, nameKey(user.username));
    });
  }

  /** Makes the user of an external identity unless there is one, and returns the one there is. */
  async createForIdentity(identity: ExternalIdentity, user: User): Promise<User> {
    return await this.#environment.write(tx => {
      const known = this.findByIdentity(identity);
      if (known !== undefined) return known;
      this.#refuseTakenName(user);
      this.#put(tx, user);
      tx.put(this.#byIdentity, [identity.issuer, identity.subject], user.id);
      return user;
    });
  }

  /** Makes an identity one of the user's, unless it is somebody's already, and returns whose it is. */
  async linkIdentity(identity: ExternalIdentity, id: UserId): Promise<User> {
    return await this.#environment.write(tx => {
      const known = this.findByIdentity(identity);
      if (known !== undefined) return known;
      const user = this.#required(id);
      tx.put(this.#byIdentity, [identity.issuer, identity.subject], id);
      return user;
    });
  }

  /** Atomic: `change` sees the user as stored, and an error it throws undoes everything. */
  async update(id: UserId, change: (user: User) => User): Promise<User> {
    return await this.#environment.write(tx => {
      const before = this.#required(id);
      const after = change(before);
      this.#refuseTakenName(after);
      tx.remove(this.#byName, nameKey(before.username));
      this.#put(tx, after);
      return after;
    });
  }

  /** `check` runs in the same transaction: an error it throws undoes everything. */
  async remove(id: UserId, check: (user: User) => void): Promise<void> {
    await this.#environment.write(tx => {
      const user = this.#required(id);
      check(user);
      tx.remove(this.#byName, nameKey(user.username));
      for (const { key, value } of [...this.#byIdentity.entries()]) {
        if (value === id) tx.put(this.#removedIdentities, nameKey(user.username), key);
      }
      tx.remove(this.#users, id);
    });
  }

  *#inNameOrder(cursor: string | null): Generator<{ key: [string, string]; item: User }> {
    const after = cursor === null ? {} : { after: parseNameCursor(cursor) };
    for (const { key, value } of this.#byName.entriesUnder(['name'], after)) {
      const item = this.#users.get(value);
      if (item !== undefined) yield { key, item };
    }
  }

  #required(id: UserId): User {
    const user = this.#users.get(id);
    if (user === undefined) throw new FerriteError('USER_NOT_FOUND', 'no user has this id');
    return user;
  }

  #refuseTakenName(user: User): void {
    const holder = this.findByUsername(user.username);
    if (holder !== undefined && holder.id !== user.id) throw new FerriteError('CONFLICT', 'the user name is taken');
  }

  #put(tx: Transaction, user: User): void {
    tx.put(this.#users, user.id, user);
    tx.put(this.#byName, nameKey(user.username), user.id);
  }
}

const nameKey = (username: string): [scope: string, foldedName: string] => ['name', foldUsername(username)];

function parseNameCursor(cursor: string): [scope: string, foldedName: string] {
  const [, name] = parseCursor(cursor, ['name'], 2);
  return ['name', String(name)];
}
