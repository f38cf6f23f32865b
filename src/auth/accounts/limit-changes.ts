// Tells the owners of what is open for a user that the user may watch something else now.
import type { UserId } from '#domain/ids.ts';

export class LimitChanges {
  readonly #listeners = new Set<(userId: UserId) => void>();

  /** Returns a function that ends the subscription. */
  onChanged(listener: (userId: UserId) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** After the change is in the store. */
  tell(userId: UserId): void {
    for (const listener of this.#listeners) listener(userId);
  }
}
