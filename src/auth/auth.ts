// Setup, sign-in and sign-out, and the check of every access token. Owns the signing keys and their upkeep.
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { FerriteError } from '#domain/errors.ts';
import type { UserId } from '#domain/ids.ts';
import type { Caller, User } from '#domain/media.ts';
import type { Database } from '#storage/database.ts';
import { foldUsername } from '#storage/records/users.ts';
import { type AccessClaims, AccessTokens } from './access-tokens.ts';
import { AuditTrail } from './accounts/audit-trail.ts';
import { GroupAdministration } from './accounts/group-administration.ts';
import { LimitChanges } from './accounts/limit-changes.ts';
import { type PublicUser, toPublicUser, UserAdministration } from './accounts/user-administration.ts';
import { Viewers } from './accounts/viewers.ts';
import { type ExternalIssuer, ExternalIssuers, type ExternalSubject } from './external-issuers.ts';
import { MAX_TOKEN_LENGTH, SigningKeys, unauthenticated } from './keys.ts';
import { LoginLimiter } from './login-limiter.ts';
import { Logins, type LoginTokens } from './logins.ts';
import { Passwords } from './passwords.ts';
import { Revocations } from './revocations.ts';
import { leaveSetUpMark } from './set-up-mark.ts';
import { StreamTokens } from './stream-tokens.ts';

const UPKEEP_INTERVAL_MS = 3_600_000;

export type AuthOptions = {
  readonly database: Database;
  /** The keys lie in its folder `keys`. */
  readonly dataDir: string;
  readonly externalIssuers: readonly ExternalIssuer[];
  readonly now: () => number;
  /** Told of upkeep that failed, and of a decision that could not be stored: neither is needed at once. */
  readonly onUpkeepFailed: (error: unknown) => void;
};

export type Credentials = { readonly username: string; readonly password: string };
export type PasswordChange = { readonly currentPassword: string; readonly password: string };
export type LogoutScope = 'this-login' | 'everywhere';

export class AuthService {
  readonly users: UserAdministration;
  readonly groups: GroupAdministration;
  readonly viewers: Viewers;
  readonly audit: AuditTrail;
  readonly streamTokens: StreamTokens;
  readonly keys: SigningKeys;
  readonly #options: AuthOptions;
  readonly #passwords: Passwords;
  readonly #accessTokens: AccessTokens;
  readonly #external: ExternalIssuers;
  readonly #logins: Logins;
  readonly #revocations: Revocations;
  readonly #limitChanges = new LimitChanges();
  readonly #limiter = new LoginLimiter();
  readonly #timer: NodeJS.Timeout;
  #upkeep: Promise<void> = Promise.resolve();
  #isSetUp = false;

  private constructor(options: AuthOptions, keys: SigningKeys, passwords: Passwords) {
    const { database, externalIssuers, now } = options;
    this.#options = options;
    this.keys = keys;
    this.#passwords = passwords;
    this.#external = new ExternalIssuers(externalIssuers, database.users, now);
    this.#accessTokens = new AccessTokens(keys, now);
    this.#logins = new Logins(database, this.#accessTokens, now);
    this.streamTokens = new StreamTokens({
      keys,
      decisions: database.authDecisions,
      users: database.users,
      now,
      onWriteFailed: options.onUpkeepFailed,
    });
    this.#revocations = new Revocations(database.refreshTokens, this.streamTokens);
    this.users = new UserAdministration(database, { passwords, revocations: this.#revocations, limitChanges: this.#limitChanges }, now);
    this.groups = new GroupAdministration(database, this.#limitChanges, now);
    this.viewers = new Viewers(database);
    this.audit = new AuditTrail(database.audit, now, options.onUpkeepFailed);
    this.#timer = setInterval(() => this.#scheduleUpkeep(), UPKEEP_INTERVAL_MS).unref();
  }

  static async open(options: AuthOptions): Promise<AuthService> {
    const keys = await SigningKeys.open(join(options.dataDir, 'keys'), options.now);
    return new AuthService(options, keys, await Passwords.create());
  }

  /** Awaits upkeep and writes that are under way. To be called before the database is closed. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#upkeep;
    await this.streamTokens.close();
    await this.audit.close();
  }

  /** There is always an administrator once there was one. */
  isSetupRequired(): boolean {
    this.#isSetUp ||= this.#options.database.users.hasAdministrator();
    return !this.#isSetUp;
  }

  /** Makes the first administrator; SETUP_DONE once there is one. */
  async setup(credentials: Credentials): Promise<PublicUser> {
    const administrator = await this.users.createFirst(credentials);
    await leaveSetUpMark(this.#options.dataDir);
    return administrator;
  }

  /** `accessToken`: of a user who is signed in already, whom failures of others must not keep out. */
  async login({ username, password }: Credentials, remoteAddress: string, accessToken = ''): Promise<LoginTokens> {
    const user = this.#options.database.users.findByUsername(username);
    const isProven = user !== undefined && accessToken !== '' && (await this.#isOf(accessToken, user.id));
    const ended = isProven
      ? this.#limiter.beginProven(user.id, this.#options.now())
      : this.#limiter.begin(foldUsername(username), remoteAddress, this.#options.now());
    return await this.#logins.begin(await this.#checkPassword(user, password, ended));
  }

  /** For who has signed in by something else than a password; null where the account is disabled or gone. */
  async beginLogin(userId: UserId): Promise<LoginTokens | null> {
    const user = this.#options.database.users.get(userId);
    return user?.enabled === true ? await this.#logins.begin(user) : null;
  }

  async refresh(refreshToken: string): Promise<LoginTokens> {
    return await this.#logins.prolong(refreshToken);
  }

  /** A token of another issuer has no login here to end: only `everywhere` does something for it. */
  async logout(accessToken: string, scope: LogoutScope): Promise<void> {
    const { userId } = await this.authenticate(accessToken);
    if (scope === 'everywhere') await this.users.signOutEverywhere(userId);
    else if (this.#externalIssuer(accessToken) === null) await this.#logins.end(await this.#accessTokens.verify(accessToken));
  }

  /** Ends everything the user holds and begins anew. */
  async changePassword(userId: UserId, { currentPassword, password }: PasswordChange): Promise<LoginTokens> {
    const ended = this.#limiter.beginProven(userId, this.#options.now());
    const { id } = await this.#checkPassword(this.#user(userId), currentPassword, ended);
    await this.users.update(id, { password });
    return await this.#logins.begin(this.#user(id));
  }

  /** Who the access token (without "Bearer") stands for, as the user record says now. A promise only the first time a token is seen. */
  authenticate(accessToken: string): Caller | Promise<Caller> {
    const issuer = this.#externalIssuer(accessToken);
    if (issuer !== null) {
      const subject = this.#external.verify(issuer, accessToken);
      return subject instanceof Promise ? subject.then(known => this.#enabled(known)) : this.#enabled(subject);
    }
    const claims = this.#accessTokens.verify(accessToken);
    return claims instanceof Promise ? claims.then(verified => this.#entitled(verified)) : this.#entitled(claims);
  }

  me(userId: UserId): PublicUser {
    return toPublicUser(this.#user(userId));
  }

  /** Calls `listener` when everything that is open for a user, such as a session, has to end. Returns a function that ends the subscription. */
  onRevoked(listener: (userId: UserId) => void): () => void {
    return this.#revocations.onRevoked(listener);
  }

  /** Calls `listener` when a user may watch something else than before. Returns a function that ends the subscription. */
  onLimitsChanged(listener: (userId: UserId) => void): () => void {
    return this.#limitChanges.onChanged(listener);
  }

  async #checkPassword(user: User | undefined, password: string, ended: (outcome: 'right' | 'wrong') => void): Promise<User> {
    let outcome: 'right' | 'wrong' = 'wrong';
    try {
      const matches = await this.#passwords.verify(password, user?.passwordHash ?? null);
      if (user === undefined || !matches || !user.enabled)
        throw new FerriteError('INVALID_CREDENTIALS', 'the user name or the password is wrong');
      outcome = 'right';
      return user;
    } finally {
      ended(outcome);
    }
  }

  async #isOf(accessToken: string, userId: UserId): Promise<boolean> {
    try {
      return (await this.authenticate(accessToken)).userId === userId;
    } catch {
      return false;
    }
  }

  #externalIssuer(token: string): string | null {
    if (this.#external.isEmpty) return null;
    if (token.length > MAX_TOKEN_LENGTH) throw unauthenticated(null);
    const issuer = issuerClaim(token);
    return issuer !== undefined && this.#external.trusts(issuer) ? issuer : null;
  }

  #entitled(claims: AccessClaims): Caller {
    const user = this.#options.database.users.get(claims.userId);
    const stands = user?.enabled === true && user.tokenGeneration === claims.generation && this.#logins.exists(claims);
    if (!stands) throw new FerriteError('TOKEN_REVOKED', 'the access token was revoked');
    return { userId: user.id, username: user.username, role: user.role };
  }

  #enabled({ userId, issuedAtMs }: ExternalSubject): Caller {
    const user = this.#options.database.users.get(userId);
    if (user?.enabled !== true) throw new FerriteError('TOKEN_REVOKED', 'the account is disabled or was removed');
    if (user.revokedAtMs !== undefined && issuedAtMs <= user.revokedAtMs)
      throw new FerriteError('TOKEN_REVOKED', 'the token was issued before the account was signed out everywhere');
    return { userId: user.id, username: user.username, role: user.role };
  }

  #user(id: UserId): User {
    const user = this.#options.database.users.get(id);
    if (user === undefined) throw new FerriteError('USER_NOT_FOUND', 'no user has this id');
    return user;
  }

  #scheduleUpkeep(): void {
    this.#upkeep = this.#upkeep.then(() => this.upkeep()).catch(this.#options.onUpkeepFailed);
  }

  /** Rotates the signing key when it is due and removes what has expired. Runs every hour. */
  async upkeep(): Promise<void> {
    const { database, now } = this.#options;
    await this.keys.rotateIfDue();
    await database.refreshTokens.purge(now());
    await database.authDecisions.purge(now());
  }
}

/** Read from an unverified token: the issuer only tells which keys to verify with. */
function issuerClaim(token: string): string | undefined {
  try {
    return decodeJwt(token).iss;
  } catch (error) {
    throw unauthenticated(error);
  }
}
