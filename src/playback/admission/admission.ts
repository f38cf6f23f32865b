// Who may encode: the machine's capacity given out as places. Who finds none waits in line: by class, then fairly between users, until time is up.
import { FerriteError } from '#domain/errors.ts';
import type { UserId } from '#domain/ids.ts';
import type { Priority } from '#domain/session.ts';

export type AdmissionOptions = {
  readonly capacity: number;
  readonly timeoutMs: number;
  /** More than this do not wait: who comes then is refused at once. */
  readonly maxWaiting: number;
  readonly maxWaitingPerUser: number;
  /** The line or what is granted has changed. */
  readonly onChange?: () => void;
};

export type PlaceRequest = {
  readonly userId: UserId;
  readonly priority: Priority;
  /** In the unit of the capacity. More than all of it is taken as all of it. */
  readonly cost: number;
  /** The place that is to grow by `cost`. */
  readonly beside?: Place;
  /** Who has to wait anew, through no fault of its own, keeps its place in line and its deadline. */
  readonly sinceMs?: number;
};

/** `estimatedWaitMs` is null while too little is known of how fast places become free. */
export type Standing = { readonly position: number; readonly depth: number; readonly estimatedWaitMs: number | null };

export type RefusalReason = 'timeout' | 'queue-full' | 'user-queue-full';

/** How many grants the estimate looks back on. */
const GRANTS_REMEMBERED = 32;
const TURNS_REMEMBERED = 10_000;

type Waiting = Omit<PlaceRequest, 'cost'> & {
  cost: number;
  readonly sinceMs: number;
  readonly resolve: (place: Place) => void;
  readonly reject: (error: FerriteError) => void;
  readonly deadline: NodeJS.Timeout;
  position: number;
};

export class Admission {
  readonly #options: AdmissionOptions;
  readonly #waiting = new Set<Waiting>();
  readonly #heldByUser = new Map<UserId, number>();
  /** The number of each user's last grant, so that users take turns also where nobody keeps what it gets. Longest ago first. */
  readonly #lastTurns = new Map<UserId, number>();
  #turns = 0;
  /** When those who waited were granted, newest last. */
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

  /** What was granted stays; more fits, or nothing until enough was given back. */
  setCapacity(capacity: number): void {
    this.#capacity = capacity;
    this.#changed();
  }

  /** A place without waiting; null when somebody waits or it does not fit. */
  tryEnter(request: PlaceRequest): Place | null {
    return this.#waiting.size === 0 && this.#fits(request) ? this.claim(request) : null;
  }

  /** A place for what runs already: what is known to be used is never given out a second time, even where that is too much. */
  claim(request: PlaceRequest): Place {
    const place = this.#grant(request, 0);
    this.#options.onChange?.();
    return place;
  }

  /** At once, or in its turn. `ticket.granted` rejects with OVERLOADED when the time is up, or at once where the line is too long. */
  enter(request: PlaceRequest): Ticket {
    const place = this.tryEnter(request);
    if (place) return { granted: Promise.resolve(place), standing: () => null, resize: () => undefined, leave: () => place.release() };
    const refusal = this.#refusal(request.userId);
    if (!refusal) return this.#wait(request);
    return { granted: Promise.reject(refusal), standing: () => null, resize: () => undefined, leave: () => undefined };
  }

  #wait(request: PlaceRequest): Ticket {
    const { promise, resolve, reject } = Promise.withResolvers<Place>();
    const sinceMs = request.sinceMs ?? performance.now();
    const leftMs = Math.max(0, sinceMs + this.#options.timeoutMs - performance.now());
    const deadline = setTimeout(() => this.#leave(waiting, this.#timedOut(waiting)), leftMs);
    const waiting: Waiting = { ...request, sinceMs, resolve, reject, deadline, position: 0 };
    this.#waiting.add(waiting);
    // Behind nobody it may fit: whoever waits before it need not be of its class.
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

  #grant(request: PlaceRequest, waitMs: number): Place {
    const cost = this.#costNow(request);
    this.#hold(request.userId, cost);
    this.#noteTurn(request.userId);
    return new Place(cost, waitMs, change => {
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

  /** The first in line is never passed by somebody smaller behind it: what becomes free is kept until it fits. */
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

  /** Who would be alone on the machine always fits. */
  #fits(request: PlaceRequest): boolean {
    const others = this.#granted - (request.beside?.cost ?? 0);
    return others <= 0 || this.#granted + this.#costNow(request) <= this.#capacity;
  }

  #costNow({ cost, beside }: PlaceRequest): number {
    return Math.min(cost, Math.max(0, this.#capacity - (beside?.cost ?? 0)));
  }

  /** Class, then what its user would hold when its turn comes, then whose user was granted least lately, then who waited longest. */
  #order(): readonly Waiting[] {
    if (this.#isInOrder) return this.#line;
    const arrived = [...this.#waiting].sort((a, b) => rank(a) - rank(b) || a.sinceMs - b.sinceMs);
    const heldThen = new Map(this.#heldByUser);
    const seen = new Set<UserId>();
    const line = arrived.map(waiting => {
      const { userId } = waiting;
      const held = heldThen.get(userId) ?? 0;
      // By the time of its second request a user will have been granted later than anybody.
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

/** A wish in the line. */
export type Ticket = {
  readonly granted: Promise<Place>;
  /** Null when it does not wait. */
  standing(): Standing | null;
  /** It needs more, or less, and keeps its place in line. Of what was granted nothing changes. */
  resize(cost: number): void;
  /** Gives up: `granted` rejects with the error, or its place is given back. */
  leave(error: FerriteError): void;
};

/** What was granted. Releasing it twice is no error. */
export class Place {
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

  /** To a smaller cost; a larger one has to be asked for. */
  shrinkTo(cost: number): void {
    const change = cost - this.#cost;
    if (change >= 0) return;
    this.#cost = cost;
    this.#change(change);
  }

  /** Takes over what a place beside it was granted. */
  absorb(other: Place): void {
    this.#cost += other.#cost;
    other.#cost = 0;
  }

  release(): void {
    this.shrinkTo(0);
  }
}

const rank = ({ priority }: Waiting): number => (priority === 'interactive' ? 0 : 1);
