// The accounts as an administrator manages them. There is always one enabled administrator left.
import type { OwnLimits } from '#domain/access/limits.ts';
import { FerriteError } from '#domain/errors.ts';
import { type GroupId, newUserId, type UserId } from '#domain/ids.ts';
import type { User } from '#domain/media.ts';
import type { Database } from '#storage/database.ts';
import type { Page, PageRequest } from '#storage/records/page.ts';
import { checkCredentials } from '../credentials.ts';
import { NO_PASSWORD, type Passwords } from '../passwords.ts';
import type { Revocations } from '../revocations.ts';
import type { LimitChanges } from './limit-changes.ts';

/** A user as others may see it: never with a hash. */
export type PublicUser = Pick<User, 'id' | 'username' | 'role' | 'enabled' | 'createdAtMs'> & {
  readonly groupId: GroupId | null;
  /** The user's own: what is absent is that of the group. */
  readonly limits: OwnLimits;
  readonly hasPassword: boolean;
};

export const toPublicUser = ({ id, username, role, enabled, createdAtMs, groupId, limits, passwordHash }: User): PublicUser => ({
  id,
  username,
  role,
  enabled,
  createdAtMs,
  groupId: groupId ?? null,
  limits: limits ?? {},
  hasPassword: passwordHash !== NO_PASSWORD,
});

/** Without a password: a user who signs in with another issuer, or not yet. */
export type NewUser = Pick<User, 'username' | 'role' | 'enabled' | 'groupId' | 'limits'> & { readonly password?: string };
export type UserChanges = Partial<NewUser>;

export class UserAdministration {
  readonly #database: Database;
  readonly #passwords: Passwords;
  readonly #revocations: Revocations;
  readonly #limitChanges: LimitChanges;
  readonly #now: () => number;

  constructor(
    database: Database,
    services: { readonly passwords: Passwords; readonly revocations: Revocations; readonly limitChanges: LimitChanges },
    now: () => number,
  ) {
    this.#database = database;
    this.#passwords = services.passwords;
    this.#revocations = services.revocations;
    this.#limitChanges = services.limitChanges;
    this.#now = now;
  }

  list(request: PageRequest): Page<PublicUser> {
    const { items, nextCursor } = this.#database.users.list(request);
    return { items: items.map(toPublicUser), nextCursor };
  }

  get(id: UserId): PublicUser {
    const user = this.#database.users.get(id);
    if (user === undefined) throw new FerriteError('USER_NOT_FOUND', 'no user has this id');
    return toPublicUser(user);
  }

  find(username: string): PublicUser | undefined {
    const user = this.#database.users.findByUsername(username);
    return user === undefined ? undefined : toPublicUser(user);
  }

  findById(id: UserId): PublicUser | undefined {
    const user = this.#database.users.get(id);
    return user === undefined ? undefined : toPublicUser(user);
  }

  async create(user: NewUser): Promise<PublicUser> {
    return await this.#create(user, () => {});
  }

  /** SETUP_DONE once there is an administrator: of many calls at once exactly one makes the first administrator. */
  async createFirst(credentials: { readonly username: string; readonly password: string }): Promise<PublicUser> {
    const refuseSecond = (): void => {
      if (this.#database.users.hasAdministrator()) throw new FerriteError('SETUP_DONE', 'there is an administrator already');
    };
    refuseSecond();
    return await this.#create({ ...credentials, role: 'admin', enabled: true }, refuseSecond);
  }

  /** Another role or password, or a disabled account, ends everything the user holds. */
  async update(id: UserId, changes: UserChanges): Promise<PublicUser> {
    checkCredentials(changes);
    const passwordHash = changes.password === undefined ? {} : { passwordHash: await this.#passwords.hash(changes.password) };
    const { password: _plain, ...rest } = changes;
    let isRevoked = false;
    const updated = await this.#database.users.update(id, before => {
      const after = { ...before, ...rest, ...passwordHash };
      this.#requireGroup(after);
      if (isAdministrator(before) && !isAdministrator(after)) this.#refuseLastAdministrator(before);
      isRevoked = before.role !== after.role || before.enabled !== after.enabled || before.passwordHash !== after.passwordHash;
      if (!isRevoked) return after;
      // Another role is looked up with each request: for it a token of another issuer is as good as a new one.
      const isSignedOut = before.enabled !== after.enabled || before.passwordHash !== after.passwordHash;
      return isSignedOut ? this.#revoked(after) : { ...after, tokenGeneration: after.tokenGeneration + 1 };
    });
    if (isRevoked) await this.#revocations.revokeUser(id);
    else if (changes.limits !== undefined || changes.groupId !== undefined) this.#limitChanges.tell(id);
    return toPublicUser(updated);
  }

  async remove(id: UserId): Promise<void> {
    await this.#database.users.remove(id, user => {
      if (isAdministrator(user)) this.#refuseLastAdministrator(user);
    });
    await this.#revocations.revokeUser(id);
    await this.#database.progress.removeUser(id);
    await this.#database.passkeys.removeUser(id);
    await this.#database.history.removeUser(id);
  }

  /** Ends everything the user holds. */
  async signOutEverywhere(id: UserId): Promise<void> {
    await this.#database.users.update(id, user => this.#revoked(user));
    await this.#revocations.revokeUser(id);
  }

  async #create({ password, ...rest }: NewUser, check: () => void): Promise<PublicUser> {
    checkCredentials({ username: rest.username, password });
    const passwordHash = password === undefined ? NO_PASSWORD : await this.#passwords.hash(password);
    const user: User = { ...rest, id: newUserId(), passwordHash, tokenGeneration: 0, createdAtMs: this.#now() };
    await this.#database.users.create(user, () => {
      check();
      this.#requireGroup(user);
    });
    return toPublicUser(user);
  }

  /** Runs in the transaction that puts the user into the group. */
  #requireGroup({ groupId }: User): void {
    if (groupId != null && this.#database.groups.get(groupId) === undefined)
      throw new FerriteError('INVALID_REQUEST', '/groupId is not a group', { fields: [{ path: '/groupId', message: 'is not a group' }] });
  }

  #revoked(user: User): User {
    return { ...user, tokenGeneration: user.tokenGeneration + 1, revokedAtMs: this.#now() };
  }

  #refuseLastAdministrator({ id }: User): void {
    if (!this.#database.users.hasOtherAdministrator(id)) throw new FerriteError('CONFLICT', 'this is the last enabled administrator');
  }
}

const isAdministrator = ({ role, enabled }: User): boolean => role === 'admin' && enabled;
