// Which session holds a place to encode. A place belongs to the session's video encodes: it is taken before the first starts and given back after the last.
import { FerriteError } from '#domain/errors.ts';
import type { SessionId, UserId } from '#domain/ids.ts';
import type { RenditionKey, VideoEncode } from '#domain/rendition.ts';
import type { Priority } from '#domain/session.ts';
import { Emitter } from '#src/events.ts';
import type { Metrics } from '#src/telemetry/metrics.ts';
import { Admission, type AdmissionOptions, type Place, type Standing, type Ticket } from './admission.ts';
import type { Capacity } from './capacity.ts';
import { type RunningEncode, RunningEncodes } from './running-encodes.ts';

/** Who wants to encode what, from which segment on. */
export type EncodeWish = {
  readonly sessionId: SessionId;
  readonly userId: UserId;
  readonly priority: Priority;
  readonly rendition: VideoEncode;
  /** For a second of film. */
  readonly work: number;
  readonly key: RenditionKey;
  readonly index: number;
};

/** Somebody relies on the session's place: it is not given back meanwhile. Ending it twice is no error. */
export type PlaceUse = {
  readonly waitMs: number;
  /** Whether the place is large enough for all that the session encodes; else its pictures take turns. */
  readonly mayRunBeside: boolean;
  end(): void;
};

export type PlaceEvents = {
  /** While a session waits, and once with position 0 when it does no more. */
  readonly queue: readonly [sessionId: SessionId, standing: Standing];
};

type Options = Omit<AdmissionOptions, 'capacity' | 'onChange'> & {
  readonly capacity: Capacity;
  readonly metrics: Pick<Metrics, 'queueWait' | 'queueDepth' | 'transcodeCapacity' | 'transcodeGranted' | 'overloads'>;
};

type Waiter = {
  readonly wish: EncodeWish;
  readonly resolve: (use: PlaceUse | null) => void;
  readonly reject: (error: unknown) => void;
};

/** All requests of a session wait together, for the largest of their wishes: that one is given up must not end the wait of the others. */
type Wait = {
  readonly owner: Pick<EncodeWish, 'sessionId' | 'userId' | 'priority'>;
  readonly ticket: Ticket;
  readonly sinceMs: number;
  readonly waiters: Set<Waiter>;
  told: number;
};

type Use = { readonly key: RenditionKey; readonly cost: number; readonly isBeside: boolean };

/** `running`: what each encode of the session costs, as its thread told last; `uses`: what each of those needs who rely on the place. */
type Holding = { readonly place: Place; readonly uses: Set<Use>; running: ReadonlyMap<RenditionKey, number> };

/** Positions change many times in a burst: told at most this often. */
const TELL_INTERVAL_MS = 250;

export class EncodePlaces {
  readonly events = new Emitter<PlaceEvents>();
  readonly #options: Options;
  readonly #admission: Admission;
  readonly #running = new RunningEncodes();
  readonly #holdings = new Map<SessionId, Holding>();
  readonly #waits = new Map<SessionId, Wait>();
  #capacity: Capacity;
  #tellTimer: NodeJS.Timeout | null = null;

  constructor({ capacity, ...options }: Options) {
    this.#options = { ...options, capacity };
    this.#capacity = capacity;
    this.#admission = new Admission({ ...options, capacity: capacity.total, onChange: () => this.#onChange() });
    options.metrics.transcodeCapacity.set(capacity.total);
  }

  setCapacity(capacity: Capacity): void {
    this.#capacity = capacity;
    this.#options.metrics.transcodeCapacity.set(capacity.total);
    this.#admission.setCapacity(capacity.total);
  }

  /** Another viewer's encode is about to bring it. */
  isCovered({ key, index, sessionId }: EncodeWish): boolean {
    return this.#running.covers(key, index, sessionId);
  }

  standing(sessionId: SessionId): Standing | null {
    return this.#waits.get(sessionId)?.ticket.standing() ?? null;
  }

  /** The session's place, where it has one that is large enough for this wish: larger where there is room for it beside the others. */
  use(wish: EncodeWish): PlaceUse | null {
    const holding = this.#holdings.get(wish.sessionId);
    if (!holding) return null;
    const cost = this.#costOf(wish);
    return holding.place.cost < cost ? null : this.#using(wish, holding);
  }

  /** As `use`, or a place that is free with nobody waiting for it. */
  tryTake(wish: EncodeWish): PlaceUse | null {
    const use = this.use(wish);
    if (use) return use;
    const place = this.#admission.tryEnter(this.#requestFor(wish));
    if (!place) return null;
    this.#options.metrics.queueWait.observe({ priority: wish.priority }, 0);
    return this.#using(wish, this.#hold(wish.sessionId, place));
  }

  /**
   * Waits for its turn. Resolves with null when meanwhile another viewer's encode has come to bring what was wished for.
   * `sinceMs`: it has waited since then, in vain. Rejects with OVERLOADED, with CANCELLED when `signal` aborts.
   */
  async take(wish: EncodeWish, signal: AbortSignal, sinceMs = performance.now()): Promise<PlaceUse | null> {
    if (signal.aborted) throw new FerriteError('CANCELLED', 'the client went away');
    const use = this.tryTake(wish);
    if (use) return use;
    const { promise, resolve, reject } = Promise.withResolvers<PlaceUse | null>();
    const waiter = { wish, resolve, reject };
    this.#join([waiter], sinceMs);
    const onAbort = (): void => {
      this.#drop(waiter);
      reject(new FerriteError('CANCELLED', 'the client went away'));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    return promise.finally(() => signal.removeEventListener('abort', onAbort));
  }

  /** What a thread tells of a session's video encodes. Those that run hold a place, whatever was agreed. */
  encoding(owner: Pick<EncodeWish, 'sessionId' | 'userId' | 'priority'>, running: readonly (RunningEncode & { work: number })[]): void {
    const { sessionId } = owner;
    this.#running.set(sessionId, running);
    const costs = new Map(running.map(({ key, work }) => [key, this.#costOf({ work })]));
    if (costs.size > 0 && !this.#holdings.has(sessionId)) this.#hold(sessionId, this.#admission.claim({ ...owner, cost: sumOf(costs) }));
    const holding = this.#holdings.get(sessionId);
    if (holding) holding.running = costs;
    if (costs.size > 0) this.#letGoCovered();
    this.#giveBackIdle(sessionId);
  }

  /** The session has ended. */
  leave(sessionId: SessionId): void {
    this.#running.set(sessionId, []);
    this.#waits.get(sessionId)?.ticket.leave(new FerriteError('SESSION_NOT_FOUND', 'the session has ended'));
    const holding = this.#holdings.get(sessionId);
    this.#holdings.delete(sessionId);
    holding?.place.release();
  }

  close(): void {
    if (this.#tellTimer) clearTimeout(this.#tellTimer);
    this.#tellTimer = null;
    for (const { ticket } of this.#waits.values()) ticket.leave(new FerriteError('DRAINING', 'the server is shutting down'));
  }

  #join(waiters: readonly Waiter[], sinceMs: number): void {
    const [first] = waiters;
    if (!first) return;
    const wait = this.#waits.get(first.wish.sessionId) ?? this.#wait(largest(waiters).wish, sinceMs);
    for (const waiter of waiters) wait.waiters.add(waiter);
    this.#fit(wait);
  }

  #wait(wish: EncodeWish, sinceMs: number): Wait {
    const ticket = this.#admission.enter({ ...this.#requestFor(wish), sinceMs });
    const wait: Wait = { owner: wish, ticket, sinceMs, waiters: new Set(), told: 0 };
    this.#waits.set(wish.sessionId, wait);
    ticket.granted.then(
      place => this.#granted(wait, place),
      error => this.#refused(wait, error),
    );
    return wait;
  }

  /** It waits for as much as the largest of its wishes needs, in the same place of the line. */
  #fit({ ticket, waiters }: Wait): void {
    ticket.resize(this.#requestFor(largest([...waiters]).wish).cost);
  }

  /** Nobody waits behind it any more; in vain where it was answered. */
  #drop(waiter: Waiter): void {
    const wait = this.#waits.get(waiter.wish.sessionId);
    if (!wait?.waiters.delete(waiter)) return;
    if (wait.waiters.size > 0) this.#fit(wait);
    else wait.ticket.leave(new FerriteError('CANCELLED', 'nobody waits for it any more'));
  }

  #granted(wait: Wait, place: Place): void {
    const { sessionId, priority } = wait.owner;
    this.#options.metrics.queueWait.observe({ priority }, place.waitMs);
    const holding = this.#hold(sessionId, place);
    const waiters = this.#endWait(wait);
    const isLargeEnough = ({ wish }: Waiter): boolean => this.#costOf(wish) <= holding.place.cost;
    // Counted before anybody is told: in between it would be idle.
    for (const { wish, resolve } of waiters.filter(isLargeEnough)) resolve({ ...this.#using(wish, holding), waitMs: place.waitMs });
    // Who came between the grant and this turn may need more than was granted.
    this.#join(
      waiters.filter(waiter => !isLargeEnough(waiter)),
      wait.sinceMs,
    );
    this.#giveBackIdle(sessionId);
  }

  #refused(wait: Wait, error: unknown): void {
    if (error instanceof FerriteError && error.code === 'OVERLOADED')
      this.#options.metrics.overloads.inc({ reason: String(error.details.reason) });
    for (const { reject } of this.#endWait(wait)) reject(error);
    this.#giveBackIdle(wait.owner.sessionId);
  }

  #endWait(wait: Wait): Waiter[] {
    const { sessionId } = wait.owner;
    if (this.#waits.get(sessionId) === wait) this.#waits.delete(sessionId);
    const wasTold = wait.told > 0;
    wait.told = 0;
    if (wasTold) this.events.emit('queue', sessionId, { position: 0, depth: this.#admission.depth, estimatedWaitMs: 0 });
    const waiters = [...wait.waiters];
    wait.waiters.clear();
    return waiters;
  }

  /** Who waits for what another's encode is about to bring needs no place. */
  #letGoCovered(): void {
    for (const { waiters } of [...this.#waits.values()]) {
      for (const waiter of [...waiters]) {
        if (!this.isCovered(waiter.wish)) continue;
        waiter.resolve(null);
        this.#drop(waiter);
      }
    }
  }

  #requestFor(wish: EncodeWish) {
    const { userId, priority, sessionId } = wish;
    const beside = this.#holdings.get(sessionId)?.place;
    return { userId, priority, cost: this.#costOf(wish) - (beside?.cost ?? 0), ...(beside ? { beside } : {}) };
  }

  #costOf({ work }: Pick<EncodeWish, 'work'>): number {
    return Math.min(this.#capacity.costOf(work), this.#capacity.total);
  }

  #hold(sessionId: SessionId, place: Place): Holding {
    const known = this.#holdings.get(sessionId);
    if (known) {
      known.place.absorb(place);
      return known;
    }
    const holding = { place, uses: new Set<Use>(), running: new Map<RenditionKey, number>() };
    this.#holdings.set(sessionId, holding);
    return holding;
  }

  #using(wish: EncodeWish, holding: Holding): PlaceUse {
    const use = { key: wish.key, cost: this.#costOf(wish), isBeside: this.#hasRoomForAll(wish, holding) };
    holding.uses.add(use);
    this.#giveBackIdle(wish.sessionId);
    return {
      waitMs: 0,
      mayRunBeside: use.isBeside,
      end: () => {
        if (holding.uses.delete(use)) this.#giveBackIdle(wish.sessionId);
      },
    };
  }

  /** Grows at once to what all encodes of the session take side by side, where nobody waits for that and it really fits. */
  #hasRoomForAll(wish: EncodeWish, holding: Holding): boolean {
    const { userId, priority } = wish;
    const { place } = holding;
    const more = sumOf(sideBySide(holding).set(wish.key, this.#costOf(wish))) - place.cost;
    if (more <= 0) return true;
    // Who is alone on the machine may have one encode that is too large for it, not several.
    if (this.#admission.grantedCost + more > this.#admission.capacity) return false;
    const growth = this.#admission.tryEnter({ userId, priority, cost: more, beside: place });
    if (growth) place.absorb(growth);
    return growth !== null;
  }

  /** What the session does not need. A place that is about to grow is kept: its session comes back for it. */
  #giveBackIdle(sessionId: SessionId): void {
    const holding = this.#holdings.get(sessionId);
    if (!holding || this.#waits.has(sessionId)) return;
    const needed = Math.max(sumOf(sideBySide(holding)), ...[...holding.uses].map(({ cost }) => cost));
    if (needed === 0) this.#holdings.delete(sessionId);
    holding.place.shrinkTo(needed);
  }

  #onChange(): void {
    const { metrics } = this.#options;
    metrics.queueDepth.set(this.#admission.depth);
    metrics.transcodeGranted.set(this.#admission.grantedCost);
    if (this.#tellTimer !== null || this.#admission.depth === 0) return;
    this.#tellTimer = setTimeout(() => this.#tell(), TELL_INTERVAL_MS);
    this.#tellTimer.unref();
  }

  #tell(): void {
    this.#tellTimer = null;
    for (const wait of this.#waits.values()) {
      const standing = wait.ticket.standing();
      if (!standing || standing.position === wait.told) continue;
      wait.told = standing.position;
      this.events.emit('queue', wait.owner.sessionId, standing);
    }
  }
}

const sumOf = (costs: ReadonlyMap<RenditionKey, number>): number => [...costs.values()].reduce((sum, cost) => sum + cost, 0);

/** What each rendition costs that is being encoded, or may be in a moment beside the others. */
const sideBySide = ({ running, uses }: Holding): Map<RenditionKey, number> =>
  new Map([...running, ...[...uses].filter(({ isBeside }) => isBeside).map(({ key, cost }) => [key, cost] as const)]);

/** The one whose wish takes most; there is at least one. */
const largest = (waiters: readonly Waiter[]): Waiter =>
  waiters.reduce((most, waiter) => (waiter.wish.work > most.wish.work ? waiter : most));
