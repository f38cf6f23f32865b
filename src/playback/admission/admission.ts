// The machine's encoding capacity, given out as grants. A request that does not fit waits in the queue: by class, then fairly between users, until its time is up.
import { FerriteError } from '#domain/errors.ts';
import type { UserId } from '#domain/ids.ts';
import type { Priority } from '#domain/session.ts';

export type AdmissionOptions = {
  readonly capacity: number;
  readonly timeoutMs: number;
  /** A request that finds so many waiting is refused at once. */
  readonly maxWaiting: number;
  readonly maxWaitingPerUser: number;
  /** Called when the queue or what is granted has changed. */
  readonly onChange?: () => void;
};

export type GrantRequest = {
  readonly userId: UserId;
  readonly priority: Priority;
  /** In the unit of the capacity. More than all of it is taken as all of it. */
  readonly cost: number;
  /** The grant that is to grow by `cost`. */
  readonly beside?: Grant;
  /** For a request that has waited in vain, through no fault of its own: it keeps its position in the queue and its deadline. */
  readonly sinceMs?: number;
};

/** `estimatedWaitMs` is null while too little is known of how fast grants become free. */
export type Standing = { readonly position: number; readonly depth: number; readonly estimatedWaitMs: number | null };

export type RefusalReason = 'timeout' | 'queue-full' | 'user-queue-full';

/** How many grants the estimate looks back on. */
const GRANTS_REMEMBERED = 32;
const TURNS_REMEMBERED = 10_000;

type Waiting = Omit<GrantRequest, 'cost'> & {
  cost: number;
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
  /** When requests of the queue were granted, newest last. */
  readonly #grantsMs: number[] = [];
  #capacity: number;
  #granted = 0;
  #isInOrder = false;
  #queue: readonly Waiting[] = [];

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

  /** Grants stay as they are; where they exceed a smaller capacity, nothing is granted until enough was given back. */
  setCapacity(capacity: number): void {
    this.#capacity = capacity;
    this.#changed();
  }

  /** A grant without waiting; null when another request waits or this one does not fit. */
  tryEnter(request: GrantRequest): Grant | null {
    return this.#waiting.size === 0 && this.#fits(request) ? this.claim(request) : null;
  }

  /** A grant for an encode that runs already: capacity in use is never given out a second time, even where that is too much. */
  claim(request: GrantRequest): Grant {
    const grant = this.#grant(request, 0);
    this.#options.onChange?.();
    return grant;
  }

  /** At once, or in its turn. `ticket.granted` rejects with OVERLOADED when the time is up, or at once where the queue is too long. */
  enter(request: GrantRequest): Ticket {
    const grant = this.tryEnter(request);
    if (grant) return { granted: Promise.resolve(grant), standing: () => null, resize: () => undefined, leave: () => grant.release() };
    const refusal = this.#refusal(request.userId);
    if (!refusal) return this.#wait(request);
    return { granted: Promise.reject(refusal), standing: () => null, resize: () => undefined, leave: () => undefined };
  }

  #wait(request: GrantRequest): Ticket {
    const { promise, resolve, reject } = Promise.withResolvers<Grant>();
    const sinceMs = request.sinceMs ?? performance.now();
    const leftMs = Math.max(0, sinceMs + this.#options.timeoutMs - performance.now());
    const deadline = setTimeout(() => this.#leave(waiting, this.#timedOut(waiting)), leftMs);
    const waiting: Waiting = { ...request, sinceMs, resolve, reject, deadline, position: 0 };
    this.#waiting.add(waiting);
    // It may be the first: those that waited before it need not be of its class.
    this.#changed();
    return {
      granted: promise,
      standing: () => this.#standingOf(waiting),
      resize: cost => this.#resize(waiting, cost),
      leave: error => this.#leave(waiting, error),
    };
  }

  #resize(waiting: Waiting, cost: number): void {
    if (waiting.cost === cost || !this.#waiting.has(waiting)) return;
    waiting.cost = cost;
    this.#changed();
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
    this.#grantFromQueue();
    this.#options.onChange?.();
  }

  /** The first of the queue is never passed by a smaller request behind it: freed capacity is kept until the first fits. */
  #grantFromQueue(): void {
    for (let [first] = this.#order(); first && this.#fits(first); [first] = this.#order()) {
      this.#waiting.delete(first);
      clearTimeout(first.deadline);
      const nowMs = performance.now();
      this.#grantsMs.push(nowMs);
      if (this.#grantsMs.length > GRANTS_REMEMBERED) this.#grantsMs.shift();
      first.resolve(this.#grant(first, Math.round(nowMs - first.sinceMs)));
    }
  }

  /** A session that would be alone on the machine always fits. */
  #fits(request: GrantRequest): boolean {
    const others = this.#granted - (request.beside?.cost ?? 0);
    return others <= 0 || this.#granted + this.#costNow(request) <= this.#capacity;
  }

  #costNow({ cost, beside }: GrantRequest): number {
    return Math.min(cost, Math.max(0, this.#capacity - (beside?.cost ?? 0)));
  }

  /** By class, then by what the user would hold when the request's turn comes, then the user granted least lately, then the longest wait. */
  #order(): readonly Waiting[] {
    if (this.#isInOrder) return this.#queue;
    const arrived = [...this.#waiting].sort((a, b) => rank(a) - rank(b) || a.sinceMs - b.sinceMs);
    const heldThen = new Map(this.#heldByUser);
    const seen = new Set<UserId>();
    const queue = arrived.map(waiting => {
      const { userId } = waiting;
      const held = heldThen.get(userId) ?? 0;
      // By the time of its second request a user will have been granted later than anybody.
      const lastTurn = seen.has(userId) ? Number.POSITIVE_INFINITY : (this.#lastTurns.get(userId) ?? 0);
      heldThen.set(userId, held + this.#costNow(waiting));
      seen.add(userId);
      return { waiting, held, lastTurn };
    });
    // Infinite turns are equal: their difference is no number.
    queue.sort(
      (a, b) =>
        rank(a.waiting) - rank(b.waiting) || a.held - b.held || a.lastTurn - b.lastTurn || 0 || a.waiting.sinceMs - b.waiting.sinceMs,
    );
    for (const [at, { waiting }] of queue.entries()) waiting.position = at + 1;
    this.#queue = queue.map(({ waiting }) => waiting);
    this.#isInOrder = true;
    return this.#queue;
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

/** A request in the queue, for whoever made it. */
export type Ticket = {
  readonly granted: Promise<Grant>;
  /** Null when the request does not wait. */
  standing(): Standing | null;
  /** Changes the cost that is waited for; the position in the queue stays. Of what was granted nothing changes. */
  resize(cost: number): void;
  /** Gives up: `granted` rejects with the error, or the grant is given back. */
  leave(error: FerriteError): void;
};

/** Capacity that a session holds. Releasing it twice is no error. */
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

  /** Only to a smaller cost: for a larger one there is `enter` with `beside`. */
  shrinkTo(cost: number): void {
    const change = cost - this.#cost;
    if (change >= 0) return;
    this.#cost = cost;
    this.#change(change);
  }

  /** Takes over the capacity of another grant of its session. */
  absorb(other: Grant): void {
    this.#cost += other.#cost;
    other.#cost = 0;
  }

  release(): void {
    this.shrinkTo(0);
  }
}

const rank = ({ priority }: Waiting): number => (priority === 'interactive' ? 0 : 1);
