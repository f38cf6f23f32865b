// Stream tokens: the right to fetch one session's segments, carried in the path of every URL. Decided once, then a Map hit.
import type { JWTPayload } from 'jose';
import { LRUCache } from 'lru-cache';
import { FerriteError } from '#domain/errors.ts';
import { parseSessionId, parseUserId, type SessionId, type UserId } from '#domain/ids.ts';
import type { User } from '#domain/media.ts';
import type { AuthDecisionRepository, StreamDecision } from '#storage/records/auth-decisions.ts';
import type { UserRepository } from '#storage/records/users.ts';
import { MAX_TOKEN_LENGTH, MAX_TOKEN_LIFETIME_MS, type SigningKeys, unauthenticated } from './keys.ts';

/** About a kilobyte each; a decision that was evicted comes back from the store. */
const MAX_KNOWN = 20_000;

/** A revoked token is remembered too: a player that keeps asking must not cost a signature check each time. */
type Known = { readonly standing: 'granted' | 'revoked'; readonly decision: StreamDecision };

export type IssuedStreamToken = { readonly token: string; readonly expiresAtMs: number };

export type StreamTokenOptions = {
  readonly keys: SigningKeys;
  readonly decisions: AuthDecisionRepository;
  readonly users: UserRepository;
  readonly now: () => number;
  /** Told of a decision that could not be stored: the token is verified again after the next start. */
  readonly onWriteFailed: (error: unknown) => void;
};

export class StreamTokens {
  readonly #keys: SigningKeys;
  readonly #decisions: AuthDecisionRepository;
  readonly #users: UserRepository;
  readonly #now: () => number;
  readonly #onWriteFailed: (error: unknown) => void;
  readonly #writes = new Set<Promise<void>>();
  #verifications = 0;
  readonly #known = new LRUCache<string, Known>({ max: MAX_KNOWN, dispose: (known, token, why) => this.#forget(known, token, why) });
  /** So that the end of one of many sessions costs no walk over all of them. */
  readonly #bySession = new Map<SessionId, Set<string>>();
  /** A player opens with several requests at once: they share one check. */
  readonly #verifying = new Map<string, Promise<Known>>();

  constructor({ keys, decisions, users, now, onWriteFailed }: StreamTokenOptions) {
    this.#keys = keys;
    this.#decisions = decisions;
    this.#users = users;
    this.#now = now;
    this.#onWriteFailed = onWriteFailed;
  }

  /** Signatures checked since the start: a decision is made once, then remembered, then recalled. */
  get verifications(): number {
    return this.#verifications;
  }

  /** Resolves when every decision is stored. To be called before the database is closed. */
  async close(): Promise<void> {
    await Promise.all(this.#writes);
  }

  /** A day at most. The token is good before its decision is stored: without one, its signature tells the same. */
  async issue(sessionId: SessionId, user: Pick<User, 'id' | 'tokenGeneration'>, ttlMs: number): Promise<IssuedStreamToken> {
    const exp = Math.ceil((this.#now() + ttlMs) / 1000);
    const token = await this.#keys.sign('ferrite:stream', { sub: user.id, sid: sessionId, gen: user.tokenGeneration, exp });
    const decision = { sessionId, userId: user.id, expiresAtMs: exp * 1000, generation: user.tokenGeneration };
    this.#remember(token, decision);
    this.#store(token, decision);
    return { token, expiresAtMs: decision.expiresAtMs };
  }

  /** Whom the token lets see which session; else throws TOKEN_EXPIRED, TOKEN_REVOKED or UNAUTHENTICATED. A promise only for a token never seen before. */
  decide(token: string, nowMs: number): StreamDecision | Promise<StreamDecision> {
    const known = this.#known.get(token) ?? this.#recall(token);
    return known === undefined ? this.#verify(token).then(found => granted(found, nowMs)) : granted(known, nowMs);
  }

  /** The decision on a token that is known in memory and good; null for every other, which `decide` deals with. No promise, no exception. */
  grantedAtOnce(token: string, nowMs: number): StreamDecision | null {
    const known = this.#known.get(token);
    return known !== undefined && known.standing === 'granted' && known.decision.expiresAtMs > nowMs ? known.decision : null;
  }

  /** Refuses every token of the session from now on, also after a restart. */
  async revokeSession(sessionId: SessionId): Promise<void> {
    this.#refuse(this.#bySession.get(sessionId) ?? []);
    await this.#decisions.revokeSession(sessionId, this.#now() + MAX_TOKEN_LIFETIME_MS + 1000);
    // Once more, for decisions that were recalled from the store during the write.
    this.#refuse(this.#bySession.get(sessionId) ?? []);
  }

  /** Refuses the tokens of the user's older generations at once. The raised generation, or the user's absence, is in the store already. */
  revokeUser(userId: UserId): void {
    const tokens: string[] = [];
    for (const [token, { decision }] of this.#known.entries()) {
      if (decision.userId === userId && !this.#stands(decision)) tokens.push(token);
    }
    // After the walk: writing an entry moves it to where the walk would meet it again.
    this.#refuse(tokens);
  }

  #recall(token: string): Known | undefined {
    if (token.length > MAX_TOKEN_LENGTH) return undefined;
    const decision = this.#decisions.get(token);
    return decision === undefined ? undefined : this.#remember(token, decision);
  }

  async #verify(token: string): Promise<Known> {
    const running = this.#verifying.get(token);
    if (running !== undefined) return await running;
    this.#verifications += 1;
    const verifying = this.#keys
      .verify(token, 'ferrite:stream')
      .then(claims => {
        const decision = parseStreamClaims(claims);
        this.#store(token, decision);
        return this.#remember(token, decision);
      })
      .finally(() => this.#verifying.delete(token));
    this.#verifying.set(token, verifying);
    return await verifying;
  }

  #remember(token: string, decision: StreamDecision): Known {
    const known: Known = { standing: this.#stands(decision) ? 'granted' : 'revoked', decision };
    this.#known.set(token, known);
    const tokens = this.#bySession.get(decision.sessionId);
    if (tokens === undefined) this.#bySession.set(decision.sessionId, new Set([token]));
    else tokens.add(token);
    return known;
  }

  #store(token: string, decision: StreamDecision): void {
    const write = this.#decisions
      .put(token, decision)
      .catch(this.#onWriteFailed)
      .finally(() => this.#writes.delete(write));
    this.#writes.add(write);
  }

  #stands({ sessionId, userId, generation }: StreamDecision): boolean {
    const user = this.#users.get(userId);
    return user?.enabled === true && user.tokenGeneration === generation && !this.#decisions.isRevoked(sessionId);
  }

  #refuse(tokens: Iterable<string>): void {
    for (const token of tokens) {
      const known = this.#known.get(token);
      if (known !== undefined) this.#known.set(token, { standing: 'revoked', decision: known.decision });
    }
  }

  #forget({ decision: { sessionId } }: Known, token: string, why: LRUCache.DisposeReason): void {
    if (why === 'set') return;
    const tokens = this.#bySession.get(sessionId);
    tokens?.delete(token);
    if (tokens?.size === 0) this.#bySession.delete(sessionId);
  }
}

function granted({ standing, decision }: Known, nowMs: number): StreamDecision {
  if (standing === 'revoked') throw new FerriteError('TOKEN_REVOKED', 'the stream token was revoked');
  if (decision.expiresAtMs <= nowMs) throw new FerriteError('TOKEN_EXPIRED', 'the stream token has expired');
  return decision;
}

function parseStreamClaims({ sub, sid, gen, exp }: JWTPayload): StreamDecision {
  if (sub === undefined || exp === undefined || typeof sid !== 'string' || typeof gen !== 'number') throw unauthenticated(null);
  return { sessionId: parseSessionId(sid), userId: parseUserId(sub), expiresAtMs: exp * 1000, generation: gen };
}
