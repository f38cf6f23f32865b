// The playback sessions of one thread, each with its actor: opened, kept informed and ended; and what follows from the events of an actor.
import { LRUCache } from 'lru-cache';
import { type ActorRefFrom, createActor, fromCallback } from 'xstate';
import type { FfmpegEffect } from '#actors/effects.ts';
import { encode } from '#actors/encode.ts';
import { ladder } from '#actors/ladder.ts';
import type { Run } from '#actors/run.ts';
import { type SessionEmitted, session } from '#actors/session.ts';
import { slotOf } from '#domain/addresses.ts';
import { FerriteError } from '#domain/errors.ts';
import type { SessionId } from '#domain/ids.ts';
import type { KeyframeMap } from '#domain/media.ts';
import { buildPlan } from '#domain/plan.ts';
import type { FromWorker, LocatedSegment, Measurement, Requests, SharedMedia, Track } from '#domain/protocol.ts';
import type { RenditionKey, SegmentName } from '#domain/rendition.ts';
import type { Offer, PlaybackState, SessionRecord, SessionStatus } from '#domain/session.ts';
import { SharedOffers } from '#domain/sharing/shared-offers.ts';
import type { RemuxCache } from '#workers/remux/remux-cache.ts';
import type { SubtitleTracks } from '#workers/subtitles/subtitle-tracks.ts';
import { EncodeRequests, type SessionActor } from './encode-requests.ts';
import { Encodes } from './encodes.ts';
import { Pace } from './pace.ts';
import { rungLabel } from './rendition-of.ts';
import { type PlannedMedia, SegmentMaker } from './segment-maker.ts';
import { statusOf } from './session-status.ts';

/** Plans kept for the next session of their media; open sessions keep their own. */
const MAX_PLANNED = 64;

const machine = (ffmpeg: FfmpegEffect) =>
  session.provide({ actors: { ladder, encode: encode.provide({ actors: { ffmpeg: fromCallback(ffmpeg) } }) } });

type OpenSession = PlannedMedia & {
  readonly record: SessionRecord;
  readonly actor: SessionActor;
};

type Options = {
  readonly ffmpeg: FfmpegEffect;
  readonly remux: RemuxCache;
  readonly onOpen: (offer: Offer, keyframes: KeyframeMap) => void;
  readonly subtitles: SubtitleTracks;
  /** Of a copy, or of subtitles. */
  readonly publish: (segment: { key: RenditionKey; name: SegmentName; isExtracted?: boolean; bytes: Buffer }) => void;
  readonly send: (message: FromWorker) => void;
};

export class Sessions {
  readonly #options: Options;
  readonly #machine: ReturnType<typeof machine>;
  readonly #sessions = new Map<SessionId, OpenSession>();
  readonly #planned = new LRUCache<string, PlannedMedia>({ max: MAX_PLANNED });
  readonly #offers = new SharedOffers();
  readonly #encodes = new Encodes();
  readonly #requests = new EncodeRequests({ encodes: this.#encodes, actorOf: sessionId => this.#sessions.get(sessionId)?.actor });
  readonly #pace = new Pace({
    encodes: this.#encodes,
    onResize: sessionId => this.#changeLead(sessionId),
    onCrowded: () => {
      for (const sessionId of this.#encodes.sessions()) this.endAhead(sessionId);
      for (const key of this.#encodes.keys()) this.#requests.reconsider(key);
    },
  });
  readonly #maker: SegmentMaker;

  constructor(options: Options) {
    this.#options = options;
    this.#machine = machine(options.ffmpeg);
    this.#maker = new SegmentMaker({ ...options, requests: this.#requests, measure: measurement => this.#measure(measurement) });
  }

  /** Idempotent: a session that is open stays as it is. False when the media must be told as well. */
  open({ record: told, shared }: Requests['session.open']['input']): boolean {
    if (this.#sessions.has(told.id)) return true;
    const planned = this.#planOf(told, shared);
    if (!planned) return false;
    const record = { ...told, offer: this.#offers.share(told.offer) };
    const actor = createActor(this.#machine, { input: { record, lead: this.#pace.lead(record.offer.targetMs) } });
    this.#sessions.set(record.id, { record, ...planned, actor });
    this.#follow(record, actor);
    actor.start();
    this.#options.onOpen(record.offer, planned.keyframes);
    return true;
  }

  /** A heartbeat of a session that has just ended is dropped. */
  heartbeat({ sessionId, positionMs, state }: { sessionId: SessionId; positionMs: number; state: PlaybackState }): void {
    this.#sessions.get(sessionId)?.actor.send({ type: 'session.heartbeat', positionMs, state });
  }

  describe(sessionId: SessionId): SessionStatus {
    return statusOf(this.#get(sessionId).actor.getSnapshot());
  }

  /** Resolves when every ffmpeg of the session is gone. Closing what is not there is no error. */
  async close({ sessionId, reason }: Requests['session.close']['input']): Promise<null> {
    const open = this.#sessions.get(sessionId);
    if (!open) return null;
    const ended = new Promise<void>(resolve => open.actor.subscribe({ complete: () => resolve() }));
    open.actor.send({ type: reason === 'expired' ? 'session.expire' : 'session.stop' });
    await ended;
    return null;
  }

  async closeAll(): Promise<void> {
    const open = [...this.#sessions.values()];
    await Promise.all(open.map(({ record }) => this.close({ sessionId: record.id, mediaId: record.mediaId, reason: 'stopped' })));
  }

  /** Resolves when the segment has been published. */
  async prepare(input: Requests['segment.prepare']['input'], signal: AbortSignal): Promise<null> {
    const open = this.#get(input.sessionId);
    if (input.isAhead && this.#isBusy(open, input.track)) throw new FerriteError('ENCODE_STALLED', 'others need the machine');
    await this.#maker.make(open, input, signal);
    return null;
  }

  /** @throws SESSION_NOT_FOUND */
  viewed(sessionId: SessionId): PlannedMedia & { readonly record: SessionRecord } {
    return this.#get(sessionId);
  }

  async locate(input: Requests['segment.locate']['input']): Promise<LocatedSegment> {
    return this.#maker.locate(this.#get(input.sessionId), input);
  }

  published(key: RenditionKey, name: SegmentName): void {
    this.#maker.published(key, name);
  }

  /** A segment went out from the cache: the encode that follows may go on. */
  sent({ sessionId, track, index }: { sessionId: SessionId; track: Track; index: number }): void {
    // No encode has anything to do with subtitles and single keyframes.
    if (track.kind === 'subtitles' || track.kind === 'iframes') return;
    this.#sessions.get(sessionId)?.actor.send({ type: 'segment.sent', slot: slotOf(track), rungId: rungOf(track), index });
  }

  overtaken({ sessionId, track }: { sessionId: SessionId; track: Track }): void {
    if (track.kind !== 'subtitles' && track.kind !== 'iframes') this.#requests.overtaken(sessionId, slotOf(track));
  }

  /** Others need what the session's encodes of rungs take that nobody watches yet. */
  endAhead(sessionId: SessionId): void {
    this.#requests.dropAhead(sessionId);
    this.#sessions.get(sessionId)?.actor.send({ type: 'ahead.ended' });
  }

  /** Ends the encodes whose next segment lies in a range that is kept already. */
  covered({ key, ...range }: { key: RenditionKey; fromIndex: number; untilIndex: number }): void {
    for (const { sessionId, run } of this.#encodes.nextWithin(key, range))
      this.#sessions.get(sessionId)?.actor.send({ type: 'run.covered', actorId: run.actorId });
  }

  /** Whether somebody waits, or is about to, for what a rung that nobody watches would take. */
  #isBusy({ actor }: OpenSession, track: Track): boolean {
    const isScrubbed = track.kind !== 'subtitles' && actor.getSnapshot().context.scrubs[slotOf(track)] !== undefined;
    return isScrubbed || this.#pace.isCrowded;
  }

  #planOf({ mediaVersion, offer }: SessionRecord, shared: SharedMedia | null): PlannedMedia | undefined {
    const name = `${mediaVersion}/${offer.targetMs}`;
    const known = this.#planned.get(name);
    if (known || !shared) return known;
    const [video] = shared.media.streams.video;
    if (!video) throw new FerriteError('MEDIA_UNSUPPORTED', 'the media has no video');
    const planned = { ...shared, plan: buildPlan(shared.keyframes, video.frameRate, offer.targetMs) };
    this.#planned.set(name, planned);
    return planned;
  }

  #get(sessionId: SessionId): OpenSession {
    const open = this.#sessions.get(sessionId);
    if (!open) throw new FerriteError('SESSION_NOT_FOUND', 'the session has ended');
    return open;
  }

  #follow({ id: sessionId }: SessionRecord, actor: ActorRefFrom<typeof session>): void {
    // One listener for everything: a set and a bound function for each kind add up over thousands of idle sessions.
    actor.on('*', event => this.#onEmitted(sessionId, event));
    let lastState = '';
    actor.subscribe({
      next: snapshot => {
        const status = statusOf(snapshot);
        const state = JSON.stringify([status.state, status.rungId, status.encodes]);
        if (state !== lastState) this.#options.send({ kind: 'session.changed', sessionId, status });
        lastState = state;
      },
      complete: () => {
        this.#sessions.delete(sessionId);
        this.#requests.failSession(sessionId, new FerriteError('SESSION_NOT_FOUND', 'the session has ended'));
        const reason = actor.getSnapshot().matches('expired') ? 'expired' : 'stopped';
        this.#options.send({ kind: 'session.ended', sessionId, reason });
      },
    });
  }

  #onEmitted(sessionId: SessionId, event: SessionEmitted): void {
    switch (event.type) {
      case 'run.started':
        this.#onStarted(sessionId, event.run);
        break;
      case 'run.progressed':
        this.#encodes.add(sessionId, event.run);
        this.#pace.follow();
        break;
      case 'run.superseded':
        this.#measure({ name: 'encode_superseded', value: 1, rung: rungLabel(event.run.job.rendition) });
        this.#onGone(sessionId, event.run);
        break;
      case 'run.ended':
        this.#onEnded(sessionId, event);
        break;
      case 'seek.due':
        this.#requests.reconsiderSession(sessionId);
    }
  }

  #onStarted(sessionId: SessionId, run: Run): void {
    this.#encodes.add(sessionId, run);
    this.#pace.follow();
    // The lead may have changed since the session was opened.
    this.#changeLead(sessionId);
    this.#measure({ name: 'encode_started', value: 1, rung: rungLabel(run.job.rendition) });
  }

  #onEnded(sessionId: SessionId, { run, job, error }: Extract<SessionEmitted, { type: 'run.ended' }>): void {
    this.#measure({ name: error ? 'encode_failed' : 'encode_finished', value: 1, rung: rungLabel(job.rendition) });
    // A superseded run was removed before; its slot may have a new run, which the same requests wait for.
    if (!run) return;
    if (error) this.#requests.failed(sessionId, run, error);
    this.#onGone(sessionId, run);
  }

  /** Requests that still wait for the run's segments need another run. */
  #onGone(sessionId: SessionId, run: Run): void {
    this.#encodes.remove(sessionId, run);
    this.#pace.follow();
    this.#requests.reconsider(run.job.key);
    this.#requests.reconsiderSession(sessionId);
  }

  #changeLead(sessionId: SessionId): void {
    const open = this.#sessions.get(sessionId);
    open?.actor.send({ type: 'lead.changed', lead: this.#pace.lead(open.record.offer.targetMs) });
  }

  #measure(measurement: Measurement): void {
    this.#options.send({ kind: 'measured', measurement });
  }
}

const rungOf = (track: Track): string | null => (track.kind === 'video' ? track.rungId : null);
