// Who has how many control sockets open: bounded for each session, and for each user over all sessions.
import { FerriteError } from '#domain/errors.ts';
import type { Socket } from '#http/contract/route.ts';

/** Tabs and reconnections of one viewer. */
const MAX_PER_SESSION = 8;
const POLICY_VIOLATION = 1008;

export class OpenSockets {
  readonly #maxPerUser: number;
  readonly #ofSession = new Map<string, Set<Socket>>();
  readonly #ofUser = new Map<string, number>();

  constructor(maxPerUser: number) {
    this.#maxPerUser = maxPerUser;
  }

  /** Before the upgrade. */
  refuseTooMany(userId: string): void {
    if (this.#isFull(userId))
      throw new FerriteError('TOO_MANY_REQUESTS', 'the account has too many control connections open', { retryAfterMs: 5_000 });
  }

  /** Returns what counts it out again. Of many that were let in at once the last ones are closed; of one session the oldest gives way. */
  enter({ id, userId }: { readonly id: string; readonly userId: string }, socket: Socket): () => void {
    const isTooMany = this.#isFull(userId);
    const sockets = this.#ofSession.get(id) ?? new Set();
    const [oldest] = sockets;
    const isSessionFull = sockets.size >= MAX_PER_SESSION;
    this.#ofSession.set(id, sockets.add(socket));
    this.#ofUser.set(userId, (this.#ofUser.get(userId) ?? 0) + 1);
    if (isTooMany) socket.close(POLICY_VIOLATION, 'too many control connections');
    else if (isSessionFull) oldest?.close(POLICY_VIOLATION, 'a newer connection took its place');
    return () => this.#leave({ id, userId }, socket);
  }

  #leave({ id, userId }: { readonly id: string; readonly userId: string }, socket: Socket): void {
    const sockets = this.#ofSession.get(id);
    if (sockets?.delete(socket) !== true) return;
    if (sockets.size === 0) this.#ofSession.delete(id);
    const left = (this.#ofUser.get(userId) ?? 1) - 1;
    if (left > 0) this.#ofUser.set(userId, left);
    else this.#ofUser.delete(userId);
  }

  #isFull(userId: string): boolean {
    return (this.#ofUser.get(userId) ?? 0) >= this.#maxPerUser;
  }
}
