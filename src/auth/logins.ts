// Logins: a family of refresh tokens and the access tokens made from them.
import { randomBytes } from 'node:crypto';
import { FerriteError } from '#domain/errors.ts';
import { parseUserId, type UserId } from '#domain/ids.ts';
import type { User } from '#domain/media.ts';
import type { Database } from '#storage/database.ts';
import type { FamilyKey } from '#storage/records/refresh-tokens.ts';
import { ACCESS_TOKEN_MS, type AccessTokens } from './access-tokens.ts';
import { type PublicUser, toPublicUser } from './accounts/user-administration.ts';
import { unauthenticated } from './keys.ts';

/** A login ends when it is not used for this long. */
const REFRESH_TOKEN_MS = 30 * 24 * 3_600_000;

export type LoginTokens = {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly tokenType: 'Bearer';
  readonly expiresInMs: number;
  readonly user: PublicUser;
};

/** One of the two who used the token has stolen it. */
export class TokenReused extends FerriteError {
  readonly userId: UserId;

  constructor(userId: UserId) {
    super('TOKEN_REVOKED', 'the refresh token was used before, so this login was ended');
    this.userId = userId;
  }
}

export class Logins {
  readonly #database: Database;
  readonly #accessTokens: AccessTokens;
  readonly #now: () => number;

  constructor(database: Database, accessTokens: AccessTokens, now: () => number) {
    this.#database = database;
    this.#accessTokens = accessTokens;
    this.#now = now;
  }

  /** `user` as it was when the password was checked: what was revoked since is refused by its generation. */
  async begin(user: User): Promise<LoginTokens> {
    const key: FamilyKey = { userId: user.id, familyId: randomBytes(12).toString('base64url') };
    const refreshToken = newRefreshToken(key);
    const createdAtMs = this.#now();
    await this.#database.refreshTokens.begin(key, refreshToken, {
      generation: user.tokenGeneration,
      createdAtMs,
      expiresAtMs: createdAtMs + REFRESH_TOKEN_MS,
    });
    return await this.#tokens(user, key, refreshToken);
  }

  /** Uses the refresh token up. One that was used before ends the login, for it may be stolen. */
  async prolong(refreshToken: string): Promise<LoginTokens> {
    const key = parseRefreshToken(refreshToken);
    const nowMs = this.#now();
    const replacement = newRefreshToken(key);
    const rotation = { key, token: refreshToken, replacement, nowMs, expiresAtMs: nowMs + REFRESH_TOKEN_MS };
    const result = await this.#database.refreshTokens.rotate(rotation);
    switch (result.outcome) {
      case 'rotated':
        return await this.#tokens(await this.#stillEntitled(key, result.generation), key, replacement);
      case 'expired':
        throw new FerriteError('TOKEN_EXPIRED', 'the refresh token has expired');
      case 'reused':
        throw new TokenReused(key.userId);
      case 'unknown':
        throw new FerriteError('TOKEN_REVOKED', 'this login has ended');
    }
  }

  exists(key: FamilyKey): boolean {
    return this.#database.refreshTokens.hasFamily(key);
  }

  async end(key: FamilyKey): Promise<void> {
    await this.#database.refreshTokens.revokeFamily(key);
  }

  async #stillEntitled(key: FamilyKey, generation: number): Promise<User> {
    const user = this.#database.users.get(key.userId);
    if (user?.enabled === true && user.tokenGeneration === generation) return user;
    await this.end(key);
    throw new FerriteError('TOKEN_REVOKED', 'this login was revoked');
  }

  async #tokens(user: User, { familyId }: FamilyKey, refreshToken: string): Promise<LoginTokens> {
    const accessToken = await this.#accessTokens.issue(user, familyId);
    return { accessToken, refreshToken, tokenType: 'Bearer', expiresInMs: ACCESS_TOKEN_MS, user: toPublicUser(user) };
  }
}

/** The token names its family, so that of a family only the newest digest need be kept. */
const newRefreshToken = ({ userId, familyId }: FamilyKey): string => `${userId}.${familyId}.${randomBytes(32).toString('base64url')}`;

function parseRefreshToken(token: string): FamilyKey {
  const [, userId, familyId] = /^([\w-]{6,40})\.([\w-]{16})\.[\w-]{43}$/.exec(token) ?? [];
  if (userId === undefined || familyId === undefined) throw unauthenticated(null);
  return { userId: parseUserId(userId), familyId };
}
