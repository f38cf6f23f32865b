// The key pairs that sign and verify every token of this server: a new one each month, the old ones for as long as a token needs them.
import { type CryptoKey, errors, type JSONWebKeySet, type JWTPayload, type JWTVerifyGetKey, jwtVerify, SignJWT } from 'jose';
import { FerriteError } from '#domain/errors.ts';
import { ALGORITHM, importKey, makeKeyFile, readKeyFiles, removeKeyFile, type SigningKey, writeKeyFile } from './key-files.ts';

const ISSUER = 'ferrite';

const ROTATION_MS = 30 * 24 * 3_600_000;

/** No token lives longer, so a key this long out of use has no token left to verify. */
export const MAX_TOKEN_LIFETIME_MS = 24 * 3_600_000;

/** Far longer than any token of ours: a longer one is refused without a signature check. */
export const MAX_TOKEN_LENGTH = 4096;

export type Audience = 'ferrite:api' | 'ferrite:stream';

export class SigningKeys {
  readonly #folder: string;
  readonly #now: () => number;
  /** Newest first. */
  #keys: readonly SigningKey[] = [];
  #rotating: Promise<void> | null = null;

  private constructor(folder: string, now: () => number) {
    this.#folder = folder;
    this.#now = now;
  }

  /** Reads the keys of the folder, or makes the first. */
  static async open(folder: string, now: () => number): Promise<SigningKeys> {
    const keys = new SigningKeys(folder, now);
    const found = await Promise.all((await readKeyFiles(folder)).map(importKey));
    keys.#keys = found.sort((a, b) => b.file.createdAtMs - a.file.createdAtMs);
    await keys.rotateIfDue();
    return keys;
  }

  /** `claims.exp` is required and bounded: a key must outlive what it signs. */
  async sign(audience: Audience, claims: JWTPayload & { readonly exp: number }): Promise<string> {
    if (claims.exp * 1000 > this.#now() + MAX_TOKEN_LIFETIME_MS + 1000) throw new RangeError('a token lives a day at most');
    const current = this.#current();
    if (current === null) throw new FerriteError('INTERNAL', 'there is no signing key');
    const token = new SignJWT(claims).setProtectedHeader({ alg: ALGORITHM, kid: current.kid }).setIssuer(ISSUER).setAudience(audience);
    return await token.sign(current.signer);
  }

  /** The claims of a token of ours. @throws TOKEN_EXPIRED, and UNAUTHENTICATED for a token that we never signed for this audience */
  async verify(token: string, audience: Audience): Promise<JWTPayload> {
    if (token.length > MAX_TOKEN_LENGTH) throw unauthenticated(null);
    const options = {
      issuer: ISSUER,
      audience,
      algorithms: [ALGORITHM],
      requiredClaims: ['sub', 'exp'],
      currentDate: new Date(this.#now()),
    };
    const keyOf: JWTVerifyGetKey = ({ kid }) => this.#verifier(kid);
    try {
      return (await jwtVerify(token, keyOf, options)).payload;
    } catch (error) {
      throw tokenFailure(error);
    }
  }

  /** The public keys, for others to verify our tokens with. */
  jwks(): JSONWebKeySet {
    return { keys: this.#keys.map(({ file: { kty, crv, x, kid } }) => ({ kty, crv, x, kid, alg: ALGORITHM, use: 'sig' })) };
  }

  /** Makes a new key when the current one is old, and forgets keys without a token left. Overlapping calls share one run. */
  async rotateIfDue(): Promise<void> {
    this.#rotating ??= this.#rotate().finally(() => {
      this.#rotating = null;
    });
    await this.#rotating;
  }

  async #rotate(): Promise<void> {
    const now = this.#now();
    const current = this.#current();
    if (current === null || now - current.createdAtMs >= ROTATION_MS) {
      const fresh = await importKey(await makeKeyFile(now));
      await writeKeyFile(this.#folder, fresh.file);
      this.#keys = [fresh, ...this.#keys];
    }
    const kept: SigningKey[] = [];
    for (const [position, key] of this.#keys.entries()) {
      // More than one key can sign when a rotation was cut short: it is finished here.
      const settled = position > 0 && key.signer !== null ? await this.#retire(key, now) : key;
      if (settled.file.retiredAtMs === null || settled.file.retiredAtMs + MAX_TOKEN_LIFETIME_MS > now) kept.push(settled);
      else await removeKeyFile(this.#folder, settled.file.kid);
    }
    this.#keys = kept;
  }

  /** A retired key verifies what it signed; its private half is removed from the disk. */
  async #retire({ file, verifier }: SigningKey, now: number): Promise<SigningKey> {
    const { d: _private, ...rest } = file;
    const retired = { ...rest, retiredAtMs: now };
    await writeKeyFile(this.#folder, retired);
    return { file: retired, verifier, signer: null };
  }

  #current(): { kid: string; createdAtMs: number; signer: CryptoKey } | null {
    const [newest] = this.#keys;
    if (newest === undefined || newest.signer === null) return null;
    return { kid: newest.file.kid, createdAtMs: newest.file.createdAtMs, signer: newest.signer };
  }

  #verifier(kid: string | undefined): CryptoKey {
    const key = this.#keys.find(({ file }) => file.kid === kid);
    if (key === undefined) throw unauthenticated(null);
    return key.verifier;
  }
}

export const unauthenticated = (cause: unknown): FerriteError => new FerriteError('UNAUTHENTICATED', 'the token is not valid', { cause });

/** Tells an expired token from an invalid one, by jose's error code. */
export function tokenFailure(error: unknown): FerriteError {
  if (error instanceof FerriteError) return error;
  if (error instanceof errors.JWTExpired) return new FerriteError('TOKEN_EXPIRED', 'the token has expired');
  return unauthenticated(error);
}
