// Ends everything a user holds: logins, access tokens and stream URLs. Owners of open sessions and connections are told.
import type { UserId } from '#domain/ids.ts';
import type { RefreshTokenRepository } from '#storage/records/refresh-tokens.ts';
import type { StreamTokens } from './stream-tokens.ts';

export class Revocations {
  readonly #refreshTokens: RefreshTokenRepository;
  readonly #streamTokens: StreamTokens;
  readonly #listeners = new Set<(userId: UserId) => void>();

  constructor(refreshTokens: RefreshTokenRepository, streamTokens: StreamTokens) {
    this.#refreshTokens = refreshTokens;
    this.#streamTokens = streamTokens;
  }

  /** Returns a function that ends the subscription. */
  onRevoked(listener: (userId: UserId) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** After the user's token generation was raised, or the user removed: that alone already refuses the access tokens. */
  async revokeUser(userId: UserId): Promise<void> {
    this.#streamTokens.revokeUser(userId);
    // Before the write to the store: open sessions and connections end at once, even where the write fails.
    for (const listener of this.#listeners) listener(userId);
    await this.#refreshTokens.revokeUser(userId);
  }
}
