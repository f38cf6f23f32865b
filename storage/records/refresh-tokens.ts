// The logins that can be prolonged. A login is a family of refresh tokens of which only the newest one counts. Single writer: the main thread.
import { createHash } from 'node:crypto';
import type { UserId } from '#domain/ids.ts';
import type { Environment } from '#storage/environment.ts';
import type { Family } from '#storage/migrations.ts';
import type { Table } from '#storage/table.ts';

export const REFRESH_TOKENS: Family = { name: 'refresh-tokens', encoding: 'msgpack', format: 1, upgrades: [], indexes: [] };

/** The oldest logins of a user end when there are more: a client that logs in again and again can't fill the disk. */
const MAX_FAMILIES_PER_USER = 100;

export type FamilyKey = { readonly userId: UserId; readonly familyId: string };

/** Only the digest of the newest token is kept: any other token of the family is an older one. */
type FamilyRecord = FamilyFacts & { readonly tokenHash: string };

/** `generation`: the user's token generation at login. A login of a revoked generation can't be prolonged, however the calls overlap. */
export type FamilyFacts = { readonly generation: number; readonly createdAtMs: number; readonly expiresAtMs: number };

export type Rotation = {
  readonly key: FamilyKey;
  readonly token: string;
  readonly replacement: string;
  readonly nowMs: number;
  readonly expiresAtMs: number;
};

/** `reused`: the token was used before, so one of its two users has stolen it; the family is revoked. */
export type RotationOutcome =
  | { readonly outcome: 'rotated'; readonly generation: number }
  | { readonly outcome: 'reused' | 'expired' | 'unknown' };

export class RefreshTokenRepository {
  readonly #environment: Environment;
  readonly #families: Table<[userId: UserId, familyId: string], FamilyRecord>;

  constructor(environment: Environment) {
    this.#environment = environment;
    this.#families = environment.table(REFRESH_TOKENS.name);
  }

  hasFamily({ userId, familyId }: FamilyKey): boolean {
    return this.#families.has([userId, familyId]);
  }

  /** Begins a family with its first token. */
  async begin({ userId, familyId }: FamilyKey, token: string, facts: FamilyFacts): Promise<void> {
    await this.#environment.write(tx => {
      const others = [...this.#families.entriesUnder([userId])].sort((a, b) => a.value.createdAtMs - b.value.createdAtMs);
      for (const { key } of others.slice(0, Math.max(0, others.length + 1 - MAX_FAMILIES_PER_USER))) tx.remove(this.#families, key);
      tx.put(this.#families, [userId, familyId], { tokenHash: digest(token), ...facts });
    });
  }

  /** Uses a token up and puts its replacement in its place, atomically: of two users of one token exactly one gets it. */
  async rotate({ key: { userId, familyId }, token, replacement, nowMs, expiresAtMs }: Rotation): Promise<RotationOutcome> {
    return await this.#environment.write<RotationOutcome>(tx => {
      const family = this.#families.get([userId, familyId]);
      if (family === undefined) return { outcome: 'unknown' };
      if (family.tokenHash !== digest(token)) {
        tx.remove(this.#families, [userId, familyId]);
        return { outcome: 'reused' };
      }
      if (family.expiresAtMs <= nowMs) return { outcome: 'expired' };
      tx.put(this.#families, [userId, familyId], { ...family, tokenHash: digest(replacement), expiresAtMs });
      return { outcome: 'rotated', generation: family.generation };
    });
  }

  async revokeFamily({ userId, familyId }: FamilyKey): Promise<void> {
    await this.#families.remove([userId, familyId]);
  }

  async revokeUser(userId: UserId): Promise<void> {
    await this.#environment.write(tx => {
      for (const { key } of [...this.#families.entriesUnder([userId])]) tx.remove(this.#families, key);
    });
  }

  /** Removes expired families; returns how many. */
  async purge(nowMs: number): Promise<number> {
    return await this.#environment.write(tx => {
      const expired = [...this.#families.entries()].filter(({ value }) => value.expiresAtMs <= nowMs);
      for (const { key } of expired) tx.remove(this.#families, key);
      return expired.length;
    });
  }
}

const digest = (token: string): string => createHash('sha256').update(token).digest('base64url');
