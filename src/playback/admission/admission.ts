// Admission: the machine's encoding capacity, given out as grants. A request that finds none free waits in the queue: by class, then fairly between users, until its timeout.
import { FerriteError } from '#domain/errors.ts';
import type { UserId } from '#domain/ids.ts';
import type { Priority } from '#domain/session.ts';

export type AdmissionOptions = {
  readonly capacity: number;
  readonly timeoutMs: number;
  /** The greatest length of the queue: a further request is refused at once. */
  readonly maxWaiting: number;
  readonly maxWaitingPerUser: number;
  /** Called when the queue or the granted capacity has changed. */
  readonly onChange?: () => void;
};

export type GrantRequest = {
  readonly userId: UserId;
  readonly priority: Priority;
  /** In the unit of the capacity. A cost beyond the whole capacity counts as the whole. */
  readonly cost: number;
  /** The grant that is to grow by `cost`. */
  readonly beside?: Grant;
  /** When the request began to wait, for one that has to wait again through no fault of its own: its position and its deadline count from then. */
  readonly sinceMs?: number;
};

/** `estimatedWaitMs` is null while too little is known of how fast grants become free. */
export type Standing = { readonly position: number; readonly depth: number; readonly estimatedWaitMs: number | null };

export type RefusalReason = 'timeout' | 'queue-full' | 'user-queue-full';

/** How many grants the estimate looks back on. */
const GRANTS_REMEMBERED = 32;
const TURNS_REMEMBERED = 10_000;

type Waiting = GrantRequest & {
  readonly sinceMs: number;
  readonly resolve: (grant: Grant) => void;
  readonly reject: (error: FerriteError) => void;
  readonly deadline: NodeJS.Timeout;
  position: number;
};

export class Admission {
  readonly #options: AdmissionOptions;
  readonly #waiting = new Set<Waiting>();
  readonly #heldByUser = new Map<UserId, number>();
  /** The number of each user's last grant, so that users take turns also where grants are given back at once. Longest ago first. */
  readonly #lastTurns = new Map<UserId, number>();
  #turns = 0;
  /** The times of grants to requests that had waited, newest last. */
  readonly #grantsMs: number[] = [];
  #capacity: number;
  #granted = 0;
  #isInOrder = false;
  #line: readonly Waiting[] = [];

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#capacity = options.capacity;
  }

  get depth(): number {
    return this.#waiting.size;
  }

  get capacity(): number {
    return this.#capacity;
  }

  get grantedCost(): number {
    return this.#granted;
  }

  heldBy(userId: UserId): number {
    return this.#heldByUser.get(userId) ?? 0;
  }

  /** Grants in use stay. With less capacity nothing is granted until enough was given back. */
  setCapacity(capacity: number): void {
    this.#capacity = capacity;
    this.#changed();
  }

  /** A grant without waiting; null while requests wait, or when the capacity left is too small. */
  tryEnter(request: GrantRequest): Grant | null {
    return this.#waiting.size === 0 && this.#fits(request) ? this.claim(request) : null;
  }

  /** A grant for an encode that runs already, even beyond the capacity: used capacity is never given out a second time. */
  claim(request: GrantRequest): Grant {
    const grant = this.#grant(request, 0);
    this.#options.onChange?.();
    return grant;
  }

  /** A grant at once, or in its turn. `ticket.granted` rejects with OVERLOADED at the timeout, or at once where the queue is too long. */
  enter(request: GrantRequest): Ticket {
    const grant = this.tryEnter(request);
    if (grant) return { granted: Promise.resolve(grant), standing: () => null, leave: () => grant.release() };
    const refusal = this.#refusal(request.userId);
    return refusal ? { granted: Promise.reject(refusal), standing: () => null, leave: () => undefined } : this.#wait(request);
  }

  #wait(request: GrantRequest): Ticket {
    const { promise, resolve, reject } = Promise.withResolvers<Grant>();
    const sinceMs = request.sinceMs ?? performance.now();
    const leftMs = Math.max(0, sinceMs + this.#options.timeoutMs - performance.now());
    const deadline = setTimeout(() => this.#leave(waiting, this.#timedOut(waiting)), leftMs);
    const waiting: Waiting = { ...request, sinceMs, resolve, reject, deadline, position: 0 };
    this.#waiting.add(waiting);
    // The request may be the first of the queue at once, before waiting ones of a lower class, and fit.
    this.#changed();
    return {
      granted: promise,
      standing: () => this.#standingOf(waiting),
      leave: error => this.#leave(waiting, error),
    };
  }

  #leave(waiting: Waiting, error: FerriteError): void {
    if (!this.#waiting.delete(waiting)) return;
    clearTimeout(waiting.deadline);
    waiting.reject(error);
    this.#changed();
  }

  #grant(request: GrantRequest, waitMs: number): Grant {
    const cost = this.#costNow(request);
    this.#hold(request.userId, cost);
    this.#noteTurn(request.userId);
    return new Grant(cost, waitMs, change => {
      this.#hold(request.userId, change);
      this.#changed();
    });
  }

  #noteTurn(userId: UserId): void {
    this.#lastTurns.delete(userId);
    this.#lastTurns.set(userId, ++this.#turns);
    const [longestAgo] = this.#lastTurns.keys();
    if (this.#lastTurns.size > TURNS_REMEMBERED && longestAgo !== undefined) this.#lastTurns.delete(longestAgo);
    this.#isInOrder = false;
  }

  #hold(userId: UserId, change: number): void {
    this.#granted += change;
    const held = this.heldBy(userId) + change;
    if (held > 0) this.#heldByUser.set(userId, held);
    else this.#heldByUser.delete(userId);
  }

  #changed(): void {
    this.#isInOrder = false;
    this.#grantFromLine();
    this.#options.onChange?.();
  }

  /** A smaller request never passes the first of the queue: freed capacity is kept until the first one fits. */
  #grantFromLine(): void {
    for (let [first] = this.#order(); first && this.#fits(first); [first] = this.#order()) {
      this.#waiting.delete(first);
      clearTimeout(first.deadline);
      const nowMs = performance.now();
      this.#grantsMs.push(nowMs);
      if (this.#grantsMs.length > GRANTS_REMEMBERED) this.#grantsMs.shift();
      first.resolve(this.#grant(first, Math.round(nowMs - first.sinceMs)));
    }
  }

  /** A request always fits where no other session holds a grant. */
  #fits(request: GrantRequest): boolean {
    const others = this.#granted - (request.beside?.cost ?? 0);
    return others <= 0 || this.#granted + this.#costNow(request) <= this.#capacity;
  }

  #costNow({ cost, beside }: GrantRequest): number {
    return Math.min(cost, Math.max(0, this.#capacity - (beside?.cost ?? 0)));
  }

  /** By class, then by the cost that the request's user would hold by then, then by how long ago that user was granted, then by waiting time. */
  #order(): readonly Waiting[] {
    if (this.#isInOrder) return this.#line;
    const arrived = [...this.#waiting].sort((a, b) => rank(a) - rank(b) || a.sinceMs - b.sinceMs);
    const heldThen = new Map(this.#heldByUser);
    const seen = new Set<UserId>();
    const line = arrived.map(waiting => {
      const { userId } = waiting;
      const held = heldThen.get(userId) ?? 0;
      // When its second request comes up, a user will have been granted more recently than any other.
      const lastTurn = seen.has(userId) ? Number.POSITIVE_INFINITY : (this.#lastTurns.get(userId) ?? 0);
      heldThen.set(userId, held + this.#costNow(waiting));
      seen.add(userId);
      return { waiting, held, lastTurn };
    });
    // Infinite turns are equal: their difference is no number.
    line.sort(
      (a, b) =>
        rank(a.waiting) - rank(b.waiting) || a.held - b.held || a.lastTurn - b.lastTurn || 0 || a.waiting.sinceMs - b.waiting.sinceMs,
    );
    for (const [at, { waiting }] of line.entries()) waiting.position = at + 1;
    this.#line = line.map(({ waiting }) => waiting);
    this.#isInOrder = true;
    return this.#line;
  }

  #standingOf(waiting: Waiting): Standing | null {
    if (!this.#waiting.has(waiting)) return null;
    this.#order();
    return { position: waiting.position, depth: this.#waiting.size, estimatedWaitMs: this.#estimateMs(waiting.position) };
  }

  /** The more time has passed since the last grant, the longer the guess. */
  #estimateMs(position: number): number | null {
    const [oldest] = this.#grantsMs;
    const grants = this.#grantsMs.length - 1;
    if (oldest === undefined || grants < 1) return null;
    return Math.round(((performance.now() - oldest) / grants) * position);
  }

  #refusal(userId: UserId): FerriteError | null {
    const { maxWaiting, maxWaitingPerUser } = this.#options;
    if (this.depth >= maxWaiting)
      return this.#overloaded('queue-full', `every transcoder is busy and ${this.depth} others wait already, the most that may`, 0);
    const theirs = [...this.#waiting].filter(waiting => waiting.userId === userId).length;
    if (theirs >= maxWaitingPerUser)
      return this.#overloaded('user-queue-full', `every transcoder is busy and ${theirs} requests of this user wait already`, 0);
    return null;
  }

  #timedOut({ sinceMs }: Waiting): FerriteError {
    const waitMs = Math.round(performance.now() - sinceMs);
    return this.#overloaded('timeout', `no transcoder became free in ${waitMs} ms; ${this.depth - 1} others wait`, waitMs);
  }

  #overloaded(reason: RefusalReason, message: string, queueWaitMs: number): FerriteError {
    const queueDepth = reason === 'timeout' ? this.depth - 1 : this.depth;
    return new FerriteError('OVERLOADED', message, { details: { reason, queueDepth, queueWaitMs } });
  }
}

/** A request in the queue. */
export type Ticket = {
  readonly granted: Promise<Grant>;
  /** Null when the request does not wait. */
  standing(): Standing | null;
  /** Gives the request up: `granted` rejects with the error, or the grant is given back. */
  leave(error: FerriteError): void;
};

/** A granted part of the capacity. Releasing it twice is no error. */
export class Grant {
  readonly waitMs: number;
  readonly #change: (cost: number) => void;
  #cost: number;

  constructor(cost: number, waitMs: number, change: (cost: number) => void) {
    this.#cost = cost;
    this.waitMs = waitMs;
    this.#change = change;
  }

  get cost(): number {
    return this.#cost;
  }

  /** Reduces the grant to a smaller cost; a larger one has to be requested. */
  shrinkTo(cost: number): void {
    const change = cost - this.#cost;
    if (change >= 0) return;
    this.#cost = cost;
    this.#change(change);
  }

  /** Takes over the cost of another grant of the session. */
  absorb(other: Grant): void {
    this.#cost += other.#cost;
    other.#cost = 0;
  }

  release(): void {
    this.shrinkTo(0);
  }
}

const rank = ({ priority }: Waiting): number => (priority === 'interactive' ? 0 : 1);
