// The requests for segments that have to be encoded: they wait, each rendition's encode follows those of its session in turn, and a session
// holds a bounded number of encodes side by side.
import type { ActorRefFrom } from 'xstate';
import { positionOf, type Run } from '#actors/run.ts';
import type { session } from '#actors/session.ts';
import { slotOf } from '#domain/addresses.ts';
import { isAboutToBringInit, reachFrom } from '#domain/encode-position.ts';
import { type ErrorRecord, FerriteError } from '#domain/errors.ts';
import type { SessionId } from '#domain/ids.ts';
import type { RenditionKey, SegmentName } from '#domain/rendition.ts';
import type { Encodes } from './encodes.ts';
import { whenPatienceEnds } from './patience.ts';
import { type SegmentRequest, type SegmentWait, SegmentWaits } from './segment-waits.ts';
import { type Course, isInReach, mayTakeFrom, nextTurn, type Turn } from './turns.ts';

export type SessionActor = ActorRefFrom<typeof session>;

/** Side by side in one session: WebKit's own player reads every audio track at once. */
const MAX_RUNS = 8;

type Options = {
  readonly encodes: Encodes;
  /** Undefined when the session has ended. */
  readonly actorOf: (sessionId: SessionId) => SessionActor | undefined;
};

export class EncodeRequests {
  readonly #options: Options;
  readonly #waits = new SegmentWaits();
  readonly #unsettled = new Set<SessionId>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** Resolves when the segment is published. Rejects when it can not be made, when its time is up, or when `signal` aborts. */
  wait(request: SegmentRequest, signal: AbortSignal): Promise<void> {
    const { sessionId, job } = request;
    const wait = this.#waits.wait(request, signal);
    if (wait.isOver) return wait.promise;
    const stopClock = request.isHint ? undefined : whenPatienceEnds(wait.note.sinceMs, () => this.#settle(sessionId));
    const ended = (): void => {
      stopClock?.();
      this.#settleSoon([sessionId]);
    };
    wait.promise.then(ended, ended);
    const actor = this.#options.actorOf(sessionId);
    if (actor && !this.#isBroughtByOther(wait) && isInReach(turnOf(wait), courseOf(actor, slotOf(job.rendition)))) want(actor, wait);
    this.#settle(sessionId);
    return wait.promise;
  }

  published(key: RenditionKey, name: SegmentName): void {
    this.#waits.published(key, name);
  }

  /** An encode of that rendition ended, or is held: sessions that waited for its segments may need an encode of their own. */
  reconsider(key: RenditionKey): void {
    this.#settleSoon(this.#waits.sessionsOf(key));
  }

  /** An encode of the session has ended, so that there is room for another, or its pending seek is due. */
  reconsiderSession(sessionId: SessionId): void {
    this.#settleSoon([sessionId]);
  }

  /** The session's encode gave up: requests for the segments in its reach fail. */
  failed(sessionId: SessionId, run: Run, { code, message }: ErrorRecord): void {
    const course = courseOfRun(run);
    for (const wait of this.#waits.of(sessionId)) {
      const isOfRun = wait.note.job.key === run.job.key;
      if (isOfRun && (wait.note.name === 'init' || isInReach(turnOf(wait), course))) wait.reject(new FerriteError(code, message));
    }
  }

  /** The viewer has sought to a segment that is kept already: earlier hints are dropped. Requests that a client waits for stay. */
  overtaken(sessionId: SessionId, slot: string): void {
    const waits = this.#waits.of(sessionId).filter(({ note }) => slotOf(note.job.rendition) === slot);
    for (const wait of waits) if (wait.note.isHint) wait.reject(overtaken());
    if (waits.every(({ isOver }) => isOver)) this.#options.actorOf(sessionId)?.send({ type: 'seek.overtaken', slot });
  }

  /** Hints at rungs that nobody watches are dropped: others need what their encodes take. */
  dropAhead(sessionId: SessionId): void {
    for (const wait of this.#waits.of(sessionId)) if (wait.note.isAhead) wait.reject(overtaken());
  }

  failSession(sessionId: SessionId, error: FerriteError): void {
    this.#waits.failSession(sessionId, error);
  }

  /** In a microtask: an actor that tells something is in the middle of a transition, and several may tell at once. */
  #settleSoon(sessionIds: Iterable<SessionId>): void {
    const isScheduled = this.#unsettled.size > 0;
    for (const sessionId of sessionIds) this.#unsettled.add(sessionId);
    if (isScheduled || this.#unsettled.size === 0) return;
    queueMicrotask(() => {
      const unsettled = [...this.#unsettled];
      this.#unsettled.clear();
      for (const sessionId of unsettled) this.#settle(sessionId);
    });
  }

  /** Starts or moves the encode of each rendition of the session, as the turns of its requests say. */
  #settle(sessionId: SessionId): void {
    const actor = this.#options.actorOf(sessionId);
    if (!actor) return;
    const waits = this.#waits.of(sessionId);
    for (const slot of Object.keys(actor.getSnapshot().context.scrubs)) {
      const isWanted = waits.some(({ note }) => slotOf(note.job.rendition) === slot);
      if (!isWanted) actor.send({ type: 'segment.withdrawn', slot });
    }
    for (const slot of new Set(waits.map(({ note }) => slotOf(note.job.rendition)))) this.#settleSlot(sessionId, actor, slot);
  }

  #settleSlot(sessionId: SessionId, actor: SessionActor, slot: string): void {
    const waits = this.#waits.of(sessionId).filter(wait => slotOf(wait.note.job.rendition) === slot && !this.#isBroughtByOther(wait));
    const next = nextTurn(waits.map(turnOf), courseOf(actor, slot), performance.now())?.wait;
    if (!next) return;
    const { context } = actor.getSnapshot();
    const { job, mayEncode } = next.note;
    if (!context.runs[slot]) {
      if (job.rendition.kind === 'video-encode' && !mayEncode) {
        next.reject(new FerriteError('GRANT_NEEDED', 'a new encode would have to start'));
        this.#settleSlot(sessionId, actor, slot);
        return;
      }
      // Without room the request waits until no other request needs the encodes in its way, or until its patience ends.
      if (!this.#makeRoom(actor, next)) return;
    }
    const course = { ...reachFrom(job.firstIndex), isRunning: false, bringsInit: true };
    for (const wait of waits) if (wait.note.isHint && !isInReach(turnOf(wait), course)) wait.reject(overtaken());
    want(actor, next);
  }

  /** Ends the encodes that have to make room for a new one. False, and nothing is ended, where requests wait for those. */
  #makeRoom(actor: SessionActor, next: SegmentWait): boolean {
    const runs = Object.values(actor.getSnapshot().context.runs);
    const { sessionId, job, mayRunBeside } = next.note;
    const waits = this.#waits.of(sessionId);
    const isIdle = (run: Run): boolean => {
      const course = courseOfRun(run);
      const served = waits.filter(({ note }) => note.job.key === run.job.key).map(turnOf);
      return mayTakeFrom(
        served.filter(turn => isInReach(turn, course)),
        turnOf(next),
        performance.now(),
      );
    };
    const isTurns = job.rendition.kind === 'video-encode' && !mayRunBeside;
    const inItsWay = isTurns ? runs.filter(run => run.job.rendition.kind === 'video-encode') : [];
    if (!inItsWay.every(isIdle)) return false;
    const leastAskedFor =
      runs.length - inItsWay.length < MAX_RUNS ? [] : runs.filter(run => !inItsWay.includes(run) && isIdle(run)).slice(0, 1);
    const ended = [...inItsWay, ...leastAskedFor];
    if (runs.length - ended.length >= MAX_RUNS) return false;
    for (const { slot } of ended) actor.send({ type: 'run.yielded', slot });
    return true;
  }

  #isBroughtByOther({ note: { sessionId, name, job } }: SegmentWait): boolean {
    const { encodes } = this.#options;
    return name === 'init' ? encodes.isBegunByOther(sessionId, job.key) : encodes.isCoveredByOther(sessionId, job.key, name);
  }
}

const overtaken = (): FerriteError => new FerriteError('ENCODE_STALLED', 'a later hint of the same session took its place');

const turnOf = (wait: SegmentWait): Turn & { readonly wait: SegmentWait } => {
  const { name, job, isHint, sinceMs } = wait.note;
  return { firstIndex: job.firstIndex, isInit: name === 'init', isHint, sinceMs, wait };
};

function courseOfRun(run: Run): Course {
  const position = positionOf(run);
  return { ...reachFrom(position.nextIndex), isRunning: true, bringsInit: isAboutToBringInit(position) };
}

function courseOf(actor: SessionActor, slot: string): Course | null {
  const { runs, scrubs } = actor.getSnapshot().context;
  const [run, pending] = [runs[slot], scrubs[slot]?.pending];
  if (run) return courseOfRun(run);
  return pending ? { ...reachFrom(pending.firstIndex), isRunning: false, bringsInit: true } : null;
}

function want(actor: SessionActor, { note: { name, job, isAhead } }: SegmentWait): void {
  const { rendition } = job;
  // A player reads the header of a rung that it may then not watch.
  const rungId = name !== 'init' && 'rungId' in rendition ? rendition.rungId : null;
  actor.send({ type: 'segment.wanted', slot: slotOf(rendition), rungId, job, isInit: name === 'init', isAhead });
}
