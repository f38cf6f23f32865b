// Which session holds a grant to encode. The grant is for the session's video encodes: taken before the first starts, given back after the last has ended.
import { FerriteError } from '#domain/errors.ts';
import type { SessionId, UserId } from '#domain/ids.ts';
import type { RenditionKey, VideoEncode } from '#domain/rendition.ts';
import type { Priority } from '#domain/session.ts';
import { Emitter } from '#src/events.ts';
import type { Metrics } from '#src/telemetry/metrics.ts';
import { Admission, type AdmissionOptions, type Grant, type Standing, type Ticket } from './admission.ts';
import type { Capacity } from './capacity.ts';
import { type RunningEncode, RunningEncodes } from './running-encodes.ts';

/** A video encode that a session needs: the rendition, and the segment from which on. */
export type EncodeDemand = {
  readonly sessionId: SessionId;
  readonly userId: UserId;
  readonly priority: Priority;
  readonly rendition: VideoEncode;
  /** The encode's work for a second of film. */
  readonly work: number;
  readonly key: RenditionKey;
  readonly index: number;
};

/** A use of the session's grant, which is not given back meanwhile. Ending a use twice is no error. */
export type GrantUse = { readonly waitMs: number; end(): void };

export type GrantEvents = {
  /** While a session waits, and once more, with position 0, when it no longer waits. */
  readonly queue: readonly [sessionId: SessionId, standing: Standing];
};

type Options = Omit<AdmissionOptions, 'capacity' | 'onChange'> & {
  readonly capacity: Capacity;
  readonly metrics: Pick<Metrics, 'queueWait' | 'queueDepth' | 'transcodeCapacity' | 'transcodeGranted' | 'overloads'>;
};

type Waiter = { readonly resolve: (use: GrantUse | null) => void; readonly reject: (error: unknown) => void };

/** All requests of a session wait together: aborting one must not end the wait of the others. */
type Wait = {
  readonly demand: EncodeDemand;
  readonly ticket: Ticket;
  readonly sinceMs: number;
  readonly waiters: Set<Waiter>;
  told: number;
};

type Holding = { grant: Grant; uses: number };

/** Positions change many times in a burst: `queue` fires at most this often. */
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

  /** True when another session's encode is about to bring the segment. */
  isCovered({ key, index, sessionId }: EncodeDemand): boolean {
    return this.#running.covers(key, index, sessionId);
  }

  standing(sessionId: SessionId): Standing | null {
    return this.#waits.get(sessionId)?.ticket.standing() ?? null;
  }

  /** The session's grant, where it has one that is large enough: reduced at once when the demand costs less. */
  use(demand: EncodeDemand): GrantUse | null {
    const holding = this.#holdings.get(demand.sessionId);
    if (!holding) return null;
    const cost = this.#costOf(demand);
    if (holding.grant.cost < cost) return null;
    holding.grant.shrinkTo(cost);
    return this.#using(demand.sessionId, holding);
  }

  /** As `use`, else a new grant where capacity is free and no request waits for it. */
  tryTake(demand: EncodeDemand): GrantUse | null {
    const use = this.use(demand);
    if (use) return use;
    const grant = this.#admission.tryEnter(this.#requestFor(demand));
    if (!grant) return null;
    this.#options.metrics.queueWait.observe({ priority: demand.priority }, 0);
    return this.#using(demand.sessionId, this.#hold(demand.sessionId, grant));
  }

  /**
   * Waits for the session's turn. Resolves with null when meanwhile another session's encode is about to bring the segment.
   * `sinceMs`: since when the request has waited. Rejects with OVERLOADED, with CANCELLED when `signal` aborts.
   */
  async take(demand: EncodeDemand, signal: AbortSignal, sinceMs = performance.now()): Promise<GrantUse | null> {
    if (signal.aborted) throw new FerriteError('CANCELLED', 'the client went away');
    const use = this.tryTake(demand);
    if (use) return use;
    const wait = this.#waits.get(demand.sessionId) ?? this.#wait(demand, sinceMs);
    const { promise, resolve, reject } = Promise.withResolvers<GrantUse | null>();
    const waiter = { resolve, reject };
    wait.waiters.add(waiter);
    const onAbort = (): void => {
      if (!wait.waiters.delete(waiter)) return;
      reject(new FerriteError('CANCELLED', 'the client went away'));
      if (wait.waiters.size === 0) wait.ticket.leave(new FerriteError('CANCELLED', 'the client went away'));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    return promise.finally(() => signal.removeEventListener('abort', onAbort));
  }

  /** A thread's report of a session's video encodes. A session with running encodes holds a grant, with or without having asked. */
  encoding(owner: Pick<EncodeDemand, 'sessionId' | 'userId' | 'priority'>, running: readonly (RunningEncode & { work: number })[]): void {
    const { sessionId } = owner;
    this.#running.set(sessionId, running);
    const [first] = running;
    if (first && !this.#holdings.has(sessionId)) {
      const cost = this.#capacity.costOf(first.work);
      this.#hold(sessionId, this.#admission.claim({ ...owner, cost }));
    }
    if (first) this.#letGoCovered();
    else this.#giveBackIdle(sessionId);
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

  #wait(demand: EncodeDemand, sinceMs: number): Wait {
    const ticket = this.#admission.enter({ ...this.#requestFor(demand), sinceMs });
    const wait: Wait = { demand, ticket, sinceMs, waiters: new Set(), told: 0 };
    this.#waits.set(demand.sessionId, wait);
    ticket.granted.then(
      grant => this.#granted(wait, grant),
      error => this.#refused(wait, error),
    );
    return wait;
  }

  #granted(wait: Wait, grant: Grant): void {
    const { sessionId, priority } = wait.demand;
    this.#options.metrics.queueWait.observe({ priority }, grant.waitMs);
    const holding = this.#hold(sessionId, grant);
    // The uses are counted before any waiter resolves: with none, the grant would count as idle.
    for (const { resolve } of this.#endWait(wait)) resolve({ ...this.#using(sessionId, holding), waitMs: grant.waitMs });
    this.#giveBackIdle(sessionId);
  }

  #refused(wait: Wait, error: unknown): void {
    if (error instanceof FerriteError && error.code === 'OVERLOADED')
      this.#options.metrics.overloads.inc({ reason: String(error.details.reason) });
    for (const { reject } of this.#endWait(wait)) reject(error);
    this.#giveBackIdle(wait.demand.sessionId);
  }

  #endWait(wait: Wait): Waiter[] {
    const { sessionId } = wait.demand;
    if (this.#waits.get(sessionId) === wait) this.#waits.delete(sessionId);
    const wasTold = wait.told > 0;
    wait.told = 0;
    if (wasTold) this.events.emit('queue', sessionId, { position: 0, depth: this.#admission.depth, estimatedWaitMs: 0 });
    const waiters = [...wait.waiters];
    wait.waiters.clear();
    return waiters;
  }

  /** Ends the waits for segments that another session's encode is about to bring. */
  #letGoCovered(): void {
    for (const wait of [...this.#waits.values()]) {
      if (!this.isCovered(wait.demand)) continue;
      for (const { resolve } of this.#endWait(wait)) resolve(null);
      wait.ticket.leave(new FerriteError('CANCELLED', 'it needs no grant any more'));
    }
  }

  #requestFor(demand: EncodeDemand) {
    const { userId, priority, sessionId } = demand;
    const beside = this.#holdings.get(sessionId)?.grant;
    return { userId, priority, cost: this.#costOf(demand) - (beside?.cost ?? 0), ...(beside ? { beside } : {}) };
  }

  #costOf({ work }: EncodeDemand): number {
    return Math.min(this.#capacity.costOf(work), this.#capacity.total);
  }

  #hold(sessionId: SessionId, grant: Grant): Holding {
    const known = this.#holdings.get(sessionId);
    if (known) {
      known.grant.absorb(grant);
      return known;
    }
    const holding = { grant, uses: 0 };
    this.#holdings.set(sessionId, holding);
    return holding;
  }

  #using(sessionId: SessionId, holding: Holding): GrantUse {
    holding.uses++;
    let isEnded = false;
    return {
      waitMs: 0,
      end: () => {
        if (isEnded) return;
        isEnded = true;
        holding.uses--;
        this.#giveBackIdle(sessionId);
      },
    };
  }

  /** Gives back a grant without use or encode; not while its session waits for a larger one. */
  #giveBackIdle(sessionId: SessionId): void {
    const holding = this.#holdings.get(sessionId);
    if (!holding || holding.uses > 0 || this.#running.has(sessionId) || this.#waits.has(sessionId)) return;
    this.#holdings.delete(sessionId);
    holding.grant.release();
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
      this.events.emit('queue', wait.demand.sessionId, standing);
    }
  }
}
