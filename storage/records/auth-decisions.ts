// Decisions about stream tokens, so that none is verified twice, and the sessions whose tokens are refused. Single writer: the main thread.
import { createHash } from 'node:crypto';
import type { SessionId, UserId } from '#domain/ids.ts';
import type { Environment, Transaction } from '#storage/environment.ts';
import type { Family } from '#storage/migrations.ts';
import type { Table } from '#storage/table.ts';

const BY_EXPIRY = 'auth-decisions.by-expiry';
const REVOKED = 'auth-decisions.revoked';

export const AUTH_DECISIONS: Family = {
  name: 'auth-decisions',
  encoding: 'msgpack',
  format: 1,
  upgrades: [],
  indexes: [BY_EXPIRY, REVOKED],
};

/** Whom a stream token lets see which session, and until when. */
export type StreamDecision = {
  readonly sessionId: SessionId;
  readonly userId: UserId;
  readonly expiresAtMs: number;
  /** The user's token generation when the token was issued. */
  readonly generation: number;
};

export class AuthDecisionRepository {
  readonly #environment: Environment;
  readonly #maxDecisions: number;
  readonly #decisions: Table<string, StreamDecision>;
  readonly #byExpiry: Table<[expiresAtMs: number, tokenHash: string], SessionId>;
  readonly #revoked: Table<SessionId, number>;
  #count: number;

  constructor(environment: Environment, maxDecisions: number) {
    this.#environment = environment;
    this.#maxDecisions = maxDecisions;
    this.#decisions = environment.table(AUTH_DECISIONS.name);
    this.#byExpiry = environment.table(BY_EXPIRY);
    this.#revoked = environment.table(REVOKED);
    this.#count = this.#decisions.count();
  }

  /** The decision as it was made: whether it still holds is for the caller to compare with the clock, the user and `isRevoked`. */
  get(token: string): StreamDecision | undefined {
    return this.#decisions.get(digest(token));
  }

  isRevoked(sessionId: SessionId): boolean {
    return this.#revoked.has(sessionId);
  }

  /** Beyond the limit the ones nearest their end give way: a token without a decision is verified again. */
  async put(token: string, decision: StreamDecision): Promise<void> {
    let change = 0;
    const write = this.#environment.write(tx => {
      const hash = digest(token);
      const isNew = !this.#decisions.has(hash);
      const removed = isNew ? this.#removeFirst(tx, this.#count + 1 - this.#maxDecisions) : 0;
      tx.put(this.#decisions, hash, decision);
      tx.put(this.#byExpiry, [decision.expiresAtMs, hash], decision.sessionId);
      change = (isNew ? 1 : 0) - removed;
      // At once, for the next one may be written before this one is awaited.
      this.#count += change;
    });
    await write.catch((error: unknown) => {
      this.#count -= change;
      throw error;
    });
  }

  /** Refuses every token of the session until `untilMs`, when the last of them has expired anyway. */
  async revokeSession(sessionId: SessionId, untilMs: number): Promise<void> {
    await this.#revoked.put(sessionId, untilMs);
  }

  /** Removes decisions and revocations that time has overtaken; says how many. */
  async purge(nowMs: number): Promise<number> {
    const { expired, overtaken } = await this.#environment.write(tx => {
      let expired = 0;
      for (const { key } of this.#byExpiry.entries()) {
        if (key[0] > nowMs) break;
        expired += 1;
      }
      this.#removeFirst(tx, expired);
      const overtaken = [...this.#revoked.entries()].filter(({ value }) => value <= nowMs);
      for (const { key } of overtaken) tx.remove(this.#revoked, key);
      return { expired, overtaken: overtaken.length };
    });
    this.#count -= expired;
    return expired + overtaken;
  }

  /** How many were there to be removed. */
  #removeFirst(tx: Transaction, howMany: number): number {
    const first = howMany <= 0 ? [] : [...this.#byExpiry.entries({ limit: howMany })];
    for (const { key } of first) {
      tx.remove(this.#decisions, key[1]);
      tx.remove(this.#byExpiry, key);
    }
    return first.length;
  }
}

const digest = (token: string): string => createHash('sha256').update(token).digest('base64url');
