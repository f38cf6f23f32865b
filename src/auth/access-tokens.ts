// Access tokens: fifteen minutes of a user's rights. Verified once by signature, then known by heart until they expire.
import { randomBytes } from 'node:crypto';
import type { JWTPayload } from 'jose';
import { LRUCache } from 'lru-cache';
import { FerriteError } from '#domain/errors.ts';
import { parseUserId, type UserId } from '#domain/ids.ts';
import type { User } from '#domain/media.ts';
import { type SigningKeys, unauthenticated } from './keys.ts';

export const ACCESS_TOKEN_MS = 15 * 60_000;

/** About half a kilobyte each. */
const MAX_KNOWN = 10_000;

export type AccessClaims = {
  readonly userId: UserId;
  /** The user's token generation when the token was issued. */
  readonly generation: number;
  /** The login it belongs to: the family of its refresh tokens. */
  readonly familyId: string;
  readonly expiresAtMs: number;
};

export class AccessTokens {
  readonly #keys: SigningKeys;
  readonly #now: () => number;
  readonly #known = new LRUCache<string, AccessClaims>({ max: MAX_KNOWN });

  constructor(keys: SigningKeys, now: () => number) {
    this.#keys = keys;
    this.#now = now;
  }

  async issue(user: User, familyId: string): Promise<string> {
    const issuedAtS = Math.floor(this.#now() / 1000);
    return await this.#keys.sign('ferrite:api', {
      sub: user.id,
      username: user.username,
      role: user.role,
      gen: user.tokenGeneration,
      login: familyId,
      jti: randomBytes(12).toString('base64url'),
      iat: issuedAtS,
      exp: issuedAtS + ACCESS_TOKEN_MS / 1000,
    });
  }

  /** A promise only the first time a token is seen. Whether the user still has those rights is for the caller to check. */
  verify(token: string): AccessClaims | Promise<AccessClaims> {
    const known = this.#known.get(token);
    if (known === undefined) return this.#verifySignature(token);
    if (known.expiresAtMs > this.#now()) return known;
    this.#known.delete(token);
    throw new FerriteError('TOKEN_EXPIRED', 'the token has expired');
  }

  async #verifySignature(token: string): Promise<AccessClaims> {
    const claims = parseAccessClaims(await this.#keys.verify(token, 'ferrite:api'));
    this.#known.set(token, claims);
    return claims;
  }
}

function parseAccessClaims({ sub, gen, login, exp }: JWTPayload): AccessClaims {
  if (sub === undefined || exp === undefined || typeof gen !== 'number' || typeof login !== 'string') throw unauthenticated(null);
  return { userId: parseUserId(sub), generation: gen, familyId: login, expiresAtMs: exp * 1000 };
}
