// Which session holds a grant. It covers all the session's picture encodes: taken before the first starts, given back after the last.
import { FerriteError } from '#domain/errors.ts';
import type { SessionId, UserId } from '#domain/ids.ts';
import type { RenditionKey, VideoEncode } from '#domain/rendition.ts';
import type { Priority } from '#domain/session.ts';
import { Emitter } from '#src/events.ts';
import type { Metrics } from '#src/telemetry/metrics.ts';
import { Admission, type AdmissionOptions, type Grant, type Standing, type Ticket } from './admission.ts';
import type { Capacity } from './capacity.ts';
import { type RunningEncode, RunningEncodes } from './running-encodes.ts';

/** An encode that a session needs. */
export type EncodeDemand = {
  readonly sessionId: SessionId;
  readonly userId: UserId;
  readonly priority: Priority;
  readonly rendition: VideoEncode;
  /** For a second of film. */
  readonly work: number;
  readonly key: RenditionKey;
  /** Its first segment. */
  readonly index: number;
};

/** A segment request or a start that relies on its session's grant: the grant is not given back meanwhile. Ending a use twice is no error. */
export type GrantUse = {
  readonly waitMs: number;
  /** Whether the grant is large enough for all picture encodes of the session; else they take turns. */
  readonly mayRunBeside: boolean;
  end(): void;
};

export type GrantEvents = {
  /** Told while a session waits, and once with position 0 when it waits no more. */
  readonly queue: readonly [sessionId: SessionId, standing: Standing];
  /** A session has begun to wait. */
  readonly short: readonly [];
};

type Options = Omit<AdmissionOptions, 'capacity' | 'onChange'> & {
  readonly capacity: Capacity;
  readonly metrics: Pick<Metrics, 'queueWait' | 'queueDepth' | 'transcodeCapacity' | 'transcodeGranted' | 'overloads'>;
};

type Waiter = {
  readonly demand: EncodeDemand;
  readonly resolve: (use: GrantUse | null) => void;
  readonly reject: (error: unknown) => void;
};

/** All demands of a session wait together, for the largest of them: one that is given up must not end the wait of the others. */
type Wait = {
  readonly owner: Pick<EncodeDemand, 'sessionId' | 'userId' | 'priority'>;
  readonly ticket: Ticket;
  readonly sinceMs: number;
  readonly waiters: Set<Waiter>;
  told: number;
};

type Use = { readonly key: RenditionKey; readonly cost: number; readonly isBeside: boolean };

/** `running`: what each encode of the session costs, as its thread told last; `uses`: who relies on the grant, and for how much. */
type Holding = { readonly grant: Grant; readonly uses: Set<Use>; running: ReadonlyMap<RenditionKey, number> };

/** Positions change many times in a burst: told at most this often. */
const TELL_INTERVAL_MS = 250;

export class EncodeGrants {
  readonly events = new Emitter<GrantEvents>();
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

  /** Work that is neither granted nor waited for; null where encodes are counted. */
  get spareWork(): number | null {
    if (this.#capacity.unit === 'encodes') return null;
    return this.#admission.depth > 0 ? 0 : Math.max(0, this.#capacity.total - this.#admission.grantedCost);
  }

  /** Another session's encode is about to bring the demand's first segment. */
  isCovered({ key, index, sessionId }: EncodeDemand): boolean {
    return this.#running.covers(key, index, sessionId);
  }

  standing(sessionId: SessionId): Standing | null {
    return this.#waits.get(sessionId)?.ticket.standing() ?? null;
  }

  /** Uses the session's grant; null where it is too small for this demand. It grows where there is room for the demand beside the others. */
  use(demand: EncodeDemand): GrantUse | null {
    const holding = this.#holdings.get(demand.sessionId);
    if (!holding) return null;
    const cost = this.#costOf(demand);
    return holding.grant.cost < cost ? null : this.#using(demand, holding);
  }

  /** As `use`, or a new grant where the capacity is free and no session waits for it. */
  tryTake(demand: EncodeDemand): GrantUse | null {
    const use = this.use(demand);
    if (use) return use;
    const grant = this.#admission.tryEnter(this.#requestFor(demand));
    if (!grant) return null;
    this.#options.metrics.queueWait.observe({ priority: demand.priority }, 0);
    return this.#using(demand, this.#hold(demand.sessionId, grant));
  }

  /**
   * Waits for the session's turn. Resolves with null when another session's encode is about to bring the segment: no grant is needed then.
   * `sinceMs`: the demand has waited since then, in vain. Rejects with OVERLOADED, with CANCELLED when `signal` aborts.
   */
  async take(demand: EncodeDemand, signal: AbortSignal, sinceMs = performance.now()): Promise<GrantUse | null> {
    if (signal.aborted) throw new FerriteError('CANCELLED', 'the client went away');
    const use = this.tryTake(demand);
    if (use) return use;
    const { promise, resolve, reject } = Promise.withResolvers<GrantUse | null>();
    const waiter = { demand, resolve, reject };
    this.#join([waiter], sinceMs);
    const onAbort = (): void => {
      this.#drop(waiter);
      reject(new FerriteError('CANCELLED', 'the client went away'));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    return promise.finally(() => signal.removeEventListener('abort', onAbort));
  }

  /** Called with what a thread tells of a session's picture encodes. Those that run are granted, whatever was agreed. */
  encoding(owner: Pick<EncodeDemand, 'sessionId' | 'userId' | 'priority'>, running: readonly (RunningEncode & { work: number })[]): void {
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
    holding?.grant.release();
  }

  close(): void {
    if (this.#tellTimer) clearTimeout(this.#tellTimer);
    this.#tellTimer = null;
    for (const { ticket } of this.#waits.values()) ticket.leave(new FerriteError('DRAINING', 'the server is shutting down'));
  }

  #join(waiters: readonly Waiter[], sinceMs: number): void {
    const [first] = waiters;
    if (!first) return;
    const wait = this.#waits.get(first.demand.sessionId) ?? this.#wait(largest(waiters).demand, sinceMs);
    for (const waiter of waiters) wait.waiters.add(waiter);
    this.#fit(wait);
  }

  #wait(demand: EncodeDemand, sinceMs: number): Wait {
    const ticket = this.#admission.enter({ ...this.#requestFor(demand), sinceMs });
    const wait: Wait = { owner: demand, ticket, sinceMs, waiters: new Set(), told: 0 };
    this.#waits.set(demand.sessionId, wait);
    this.events.emit('short');
    ticket.granted.then(
      grant => this.#granted(wait, grant),
      error => this.#refused(wait, error),
    );
    return wait;
  }

  /** Makes the session wait for as much as its largest demand needs; its position in the queue stays. */
  #fit({ ticket, waiters }: Wait): void {
    ticket.resize(this.#requestFor(largest([...waiters]).demand).cost);
  }

  /** Takes a waiter out of its session's wait; nothing happens where it was answered. */
  #drop(waiter: Waiter): void {
    const wait = this.#waits.get(waiter.demand.sessionId);
    if (!wait?.waiters.delete(waiter)) return;
    if (wait.waiters.size > 0) this.#fit(wait);
    else wait.ticket.leave(new FerriteError('CANCELLED', 'the client went away'));
  }

  #granted(wait: Wait, grant: Grant): void {
    const { sessionId, priority } = wait.owner;
    this.#options.metrics.queueWait.observe({ priority }, grant.waitMs);
    const holding = this.#hold(sessionId, grant);
    const waiters = this.#endWait(wait);
    const { enough = [], tooLittle = [] } = Object.groupBy(waiters, ({ demand }) =>
      this.#costOf(demand) <= holding.grant.cost ? 'enough' : 'tooLittle',
    );
    // All uses are counted before anything is given back: the largest of them need not be the first.
    for (const { demand, resolve } of enough) resolve({ ...this.#countUse(demand, holding), waitMs: grant.waitMs });
    // A demand that joined between the grant and this turn may need more than was granted.
    this.#join(tooLittle, wait.sinceMs);
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

  /** A demand that another session's encode is about to cover needs no grant. */
  #letGoCovered(): void {
    for (const { waiters } of [...this.#waits.values()]) {
      for (const waiter of [...waiters]) {
        if (!this.isCovered(waiter.demand)) continue;
        waiter.resolve(null);
        this.#drop(waiter);
      }
    }
  }

  #requestFor(demand: EncodeDemand) {
    const { userId, priority, sessionId } = demand;
    const beside = this.#holdings.get(sessionId)?.grant;
    return { userId, priority, cost: this.#costOf(demand) - (beside?.cost ?? 0), ...(beside ? { beside } : {}) };
  }

  #costOf({ work }: Pick<EncodeDemand, 'work'>): number {
    return Math.min(this.#capacity.costOf(work), this.#capacity.total);
  }

  #hold(sessionId: SessionId, grant: Grant): Holding {
    const known = this.#holdings.get(sessionId);
    if (known) {
      known.grant.absorb(grant);
      return known;
    }
    const holding = { grant, uses: new Set<Use>(), running: new Map<RenditionKey, number>() };
    this.#holdings.set(sessionId, holding);
    return holding;
  }

  #using(demand: EncodeDemand, holding: Holding): GrantUse {
    const use = this.#countUse(demand, holding);
    this.#giveBackIdle(demand.sessionId);
    return use;
  }

  #countUse(demand: EncodeDemand, holding: Holding): GrantUse {
    const use = { key: demand.key, cost: this.#costOf(demand), isBeside: this.#hasRoomForAll(demand, holding) };
    holding.uses.add(use);
    return {
      waitMs: 0,
      mayRunBeside: use.isBeside,
      end: () => {
        if (holding.uses.delete(use)) this.#giveBackIdle(demand.sessionId);
      },
    };
  }

  /** Grows the grant at once to what all encodes of the session take side by side, where no session waits and it really fits. */
  #hasRoomForAll(demand: EncodeDemand, holding: Holding): boolean {
    const { userId, priority } = demand;
    const { grant } = holding;
    const more = sumOf(sideBySide(holding).set(demand.key, this.#costOf(demand))) - grant.cost;
    if (more <= 0) return true;
    // A session that is alone on the machine may have one encode that is too large for it, not several.
    if (this.#admission.grantedCost + more > this.#admission.capacity) return false;
    const growth = this.#admission.tryEnter({ userId, priority, cost: more, beside: grant });
    if (growth) grant.absorb(growth);
    return growth !== null;
  }

  /** Gives back what the session does not need. While the session waits for more, it keeps what it has. */
  #giveBackIdle(sessionId: SessionId): void {
    const holding = this.#holdings.get(sessionId);
    if (!holding || this.#waits.has(sessionId)) return;
    const needed = Math.max(sumOf(sideBySide(holding)), ...[...holding.uses].map(({ cost }) => cost));
    if (needed === 0) this.#holdings.delete(sessionId);
    holding.grant.shrinkTo(needed);
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

/** What each rendition costs that is encoded now, or that a use may have encoded beside the others. */
const sideBySide = ({ running, uses }: Holding): Map<RenditionKey, number> =>
  new Map([...running, ...[...uses].filter(({ isBeside }) => isBeside).map(({ key, cost }) => [key, cost] as const)]);

/** @param waiters one at least */
const largest = (waiters: readonly Waiter[]): Waiter =>
  waiters.reduce((most, waiter) => (waiter.demand.work > most.demand.work ? waiter : most));
