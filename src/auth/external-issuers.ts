// Access tokens of other issuers: their subjects become viewers of ours on first sight.
import { createHash } from 'node:crypto';
import { createRemoteJWKSet, type FlattenedJWSInput, type JWSHeaderParameters, type JWTPayload, jwtVerify, type RemoteJWKSet } from 'jose';
import { LRUCache } from 'lru-cache';
import { FerriteError } from '#domain/errors.ts';
import { newUserId, type UserId } from '#domain/ids.ts';
import type { User } from '#domain/media.ts';
import { MAX_SUBJECT_BYTES, type UserRepository } from '#storage/records/users.ts';
import { isUsername } from './credentials.ts';
import { MAX_TOKEN_LENGTH, tokenFailure, unauthenticated } from './keys.ts';
import { NO_PASSWORD } from './passwords.ts';

export type ExternalIssuer = { readonly issuer: string; readonly jwksUrl: string; readonly audience: string };

/** Public-key algorithms only: a shared secret can't come from a published key set. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'];
const FETCH_TIMEOUT_MS = 5000;
const MAX_KNOWN = 10_000;
/** With a subject, part of a key of the store. */
const MAX_ISSUER_LENGTH = 300;
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

type Trusted = { readonly settings: ExternalIssuer; readonly keys: RemoteJWKSet };

/** The identity in a token. A token that does not say when it was issued counts as issued at time 0. */
export type ExternalSubject = { readonly userId: UserId; readonly issuedAtMs: number };

/** Verified by signature until `expiresAtMs`. */
type Known = ExternalSubject & { readonly expiresAtMs: number };

export class ExternalIssuers {
  readonly #trusted: ReadonlyMap<string, Trusted>;
  readonly #users: UserRepository;
  readonly #now: () => number;
  readonly #known = new LRUCache<string, Known>({ max: MAX_KNOWN });

  constructor(issuers: readonly ExternalIssuer[], users: UserRepository, now: () => number) {
    this.#trusted = new Map(issuers.map(settings => [settings.issuer, trust(settings)]));
    this.#users = users;
    this.#now = now;
  }

  get isEmpty(): boolean {
    return this.#trusted.size === 0;
  }

  trusts(issuer: string): boolean {
    return this.#trusted.has(issuer);
  }

  /** The user a token of that issuer stands for. A promise only the first time a token is seen. */
  verify(issuer: string, token: string): ExternalSubject | Promise<ExternalSubject> {
    const known = this.#known.get(token);
    if (known === undefined) return this.#verifySignature(issuer, token);
    if (known.expiresAtMs > this.#now()) return known;
    this.#known.delete(token);
    throw new FerriteError('TOKEN_EXPIRED', 'the token has expired');
  }

  async #verifySignature(issuer: string, token: string): Promise<ExternalSubject> {
    const trusted = this.#trusted.get(issuer);
    if (trusted === undefined || token.length > MAX_TOKEN_LENGTH) throw unauthenticated(null);
    const { sub, exp, iat } = await this.#claims(trusted, token);
    if (!isSubject(sub) || exp === undefined) throw unauthenticated(null);
    const identity = { issuer, subject: sub };
    if (this.#users.isRemoved(identity)) throw new FerriteError('TOKEN_REVOKED', 'the account was removed');
    const { id } = this.#users.findByIdentity(identity) ?? (await this.#welcome(issuer, sub));
    const known = { userId: id, issuedAtMs: typeof iat === 'number' ? iat * 1000 : 0, expiresAtMs: exp * 1000 };
    this.#known.set(token, known);
    return known;
  }

  async #claims({ settings, keys }: Trusted, token: string): Promise<JWTPayload> {
    const options = {
      issuer: settings.issuer,
      audience: settings.audience,
      algorithms: ALGORITHMS,
      requiredClaims: ['sub', 'exp'],
      currentDate: new Date(this.#now()),
    };
    // Only here is it known whether the issuer could not be asked, or has not signed the token.
    const keyOf = async (header: JWSHeaderParameters, jws: FlattenedJWSInput) => {
      try {
        return await keys(header, jws);
      } catch (error) {
        throw keys.fresh ? error : new FerriteError('INTERNAL', "the issuer's keys can not be fetched", { cause: error });
      }
    };
    try {
      return (await jwtVerify(token, keyOf, options)).payload;
    } catch (error) {
      throw tokenFailure(error);
    }
  }

  async #welcome(issuer: string, subject: string): Promise<User> {
    const [readable, certain] = externalUsernames(issuer, subject);
    // The readable name may be taken, for names don't tell case apart and subjects do; the other one is the subject's alone.
    const username = readable === null || this.#users.findByUsername(readable) !== undefined ? certain : readable;
    return await this.#users.createForIdentity(
      { issuer, subject },
      {
        id: newUserId(),
        username,
        role: 'viewer',
        enabled: true,
        passwordHash: NO_PASSWORD,
        tokenGeneration: 0,
        createdAtMs: this.#now(),
      },
    );
  }
}

/** An issuer may sign anything: a claim's type is for us to check. */
export const isSubject = (sub: unknown): sub is string =>
  typeof sub === 'string' && sub !== '' && sub.isWellFormed() && Buffer.byteLength(sub) <= MAX_SUBJECT_BYTES;

/** Says what is wrong with the settings of an issuer; null when nothing is. */
export function issuerMistake({ issuer, jwksUrl, audience }: ExternalIssuer): string | null {
  if (!URL.canParse(issuer) || issuer.length > MAX_ISSUER_LENGTH) return `the issuer "${issuer}" is not a URL`;
  if (!URL.canParse(jwksUrl)) return `the key set address "${jwksUrl}" is not a URL`;
  if (audience === '') return `the issuer "${issuer}" needs an audience`;
  const { protocol, hostname } = new URL(jwksUrl);
  const isSafe = protocol === 'https:' || (protocol === 'http:' && LOOPBACK.has(hostname));
  return isSafe ? null : `the key set address "${jwksUrl}" must be https`;
}

function trust(settings: ExternalIssuer): Trusted {
  const mistake = issuerMistake(settings);
  if (mistake !== null) throw new FerriteError('INVALID_REQUEST', mistake);
  return { settings, keys: createRemoteJWKSet(new URL(settings.jwksUrl), { timeoutDuration: FETCH_TIMEOUT_MS }) };
}

/** `<issuer-host>:<subject>` where that is a user name, and a name that can't meet another subject's. */
export function externalUsernames(issuer: string, subject: string): [readable: string | null, certain: string] {
  const { host } = new URL(issuer);
  const readable = `${host}:${subject}`;
  const digest = createHash('sha256').update(`${issuer}\0${subject}`).digest('hex').slice(0, 32);
  return [isUsername(readable) ? readable : null, `${host.slice(0, 31)}:${digest}`];
}
