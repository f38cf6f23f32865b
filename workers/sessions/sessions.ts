// The playback sessions of one thread: their actors, and how a wanted segment gets made: remuxed here, or by a session's encode.
import { LRUCache } from 'lru-cache';
import { type ActorRefFrom, createActor, fromCallback, type SnapshotFrom } from 'xstate';
import type { EncodeJob, FfmpegEffect } from '#actors/effects.ts';
import { encode } from '#actors/encode.ts';
import { ladder } from '#actors/ladder.ts';
import { audioSlot, REACH_SEGMENTS, type Run, type SessionEmitted, session, videoSlot, type Window } from '#actors/session.ts';
import { FerriteError } from '#domain/errors.ts';
import type { SessionId } from '#domain/ids.ts';
import type { KeyframeMap } from '#domain/media.ts';
import {
  boundaryAt,
  buildPlan,
  type Grid,
  gridOf,
  originPts,
  type Plan,
  segmentCount,
  segmentIndexAt,
  TIMELINE_START_S,
} from '#domain/plan.ts';
import type { FromWorker, LocatedSegment, Measurement, Requests, SharedMedia, Track } from '#domain/protocol.ts';
import { isEncode, type Rendition, type RenditionKey, renditionKey, type SegmentName } from '#domain/rendition.ts';
import type { Offer, PlaybackState, SessionRecord, SessionStatus } from '#domain/session.ts';
import { SharedOffers } from '#domain/shared-offers.ts';
import type { RemuxCache } from '#workers/remux/remux-cache.ts';
import type { SegmentSpan } from '#workers/remux/source.ts';
import { Encodes } from './encodes.ts';
import { SegmentWaits } from './segment-waits.ts';

const JUST_PUBLISHED_MS = 2_000;

/** Plans kept for the next session of their media; open sessions keep their own. */
const MAX_PLANNED = 64;

/** How far an encode may run ahead of its viewer. */
const WINDOW_MS = 30_000;
/** While another viewer may soon wait: that is not worth what nobody needs before half a minute. */
const CROWDED_WINDOW_MS = 8_000;
/** Sound is encoded in a fraction of its time: the next segment is soon enough, and what it takes is taken from a picture. */
const CROWDED_SOUND_SEGMENTS = 1;
/** A viewer with less than this ready beyond what was asked for last may soon wait. */
const URGENT_MS = 4_000;
/** One run covers at most this much, so that its boundaries fit in what an encoder is fed (MAX_CHAPTERS). */
const MAX_RUN_SEGMENTS = 250;

const machine = (ffmpeg: FfmpegEffect) =>
  session.provide({ actors: { ladder, encode: encode.provide({ actors: { ffmpeg: fromCallback(ffmpeg) } }) } });

type PlannedMedia = SharedMedia & { readonly plan: Plan };

type OpenSession = PlannedMedia & {
  readonly record: SessionRecord;
  readonly actor: ActorRefFrom<typeof session>;
};

type Options = {
  readonly ffmpeg: FfmpegEffect;
  readonly remux: RemuxCache;
  readonly onOpen: (offer: Offer, keyframes: KeyframeMap) => void;
  /** Of a copy. */
  readonly publish: (segment: { key: RenditionKey; name: SegmentName; bytes: Buffer }) => void;
  readonly send: (message: FromWorker) => void;
};

export class Sessions {
  readonly #options: Options;
  readonly #machine: ReturnType<typeof machine>;
  readonly #sessions = new Map<SessionId, OpenSession>();
  readonly #planned = new LRUCache<string, PlannedMedia>({ max: MAX_PLANNED });
  readonly #offers = new SharedOffers();
  readonly #encodes = new Encodes();
  readonly #waits = new SegmentWaits();
  #isCrowded = false;
  /** What went out a moment ago: a wish that crossed it on its way must not have it made again. */
  readonly #published = new LRUCache<string, true>({ max: 1_000, ttl: JUST_PUBLISHED_MS });

  constructor(options: Options) {
    this.#options = options;
    this.#machine = machine(options.ffmpeg);
  }

  /** Idempotent: a session that is open stays as it is. False when the media must be told as well. */
  open({ record: told, shared }: Requests['session.open']['input']): boolean {
    if (this.#sessions.has(told.id)) return true;
    const planned = this.#planOf(told, shared);
    if (!planned) return false;
    const record = { ...told, offer: this.#offers.share(told.offer) };
    const actor = createActor(this.#machine, { input: { record, window: this.#window(record) } });
    this.#sessions.set(record.id, { record, ...planned, actor });
    this.#follow(record, actor);
    actor.start();
    this.#options.onOpen(record.offer, planned.keyframes);
    return true;
  }

  /** One that has just ended needs it no more. */
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
  async prepare(
    { sessionId, track, name, positionMs, mayEncode, untilIndex }: Requests['segment.prepare']['input'],
    signal: AbortSignal,
  ): Promise<null> {
    const open = this.#get(sessionId);
    const rendition = renditionOf(open.record, track);
    const grid = gridOf(open.plan, rendition);
    if (name !== 'init' && name >= segmentCount(grid)) throw new FerriteError('SEGMENT_NOT_FOUND', 'the playlist has no such segment');
    const key = renditionKey(open.media.version, open.plan.targetMs, rendition);
    if (!isEncode(rendition) && open.keyframes.copyMethod !== 'ffmpeg') {
      await this.#remux(open, { rendition, grid, key, name });
      return null;
    }
    // Once: whoever asks again has not found it, and has it made anew.
    if (this.#published.has(`${key}/${name}`) && this.#published.delete(`${key}/${name}`)) return null;
    await this.#encode(open, { rendition, grid, key, name, track, positionMs, mayEncode, untilIndex }, signal);
    return null;
  }

  /** A segment went out from the cache: the encode that follows may go on. */
  served({ sessionId, track, index }: { sessionId: SessionId; track: Track; index: number }): void {
    this.#sessions.get(sessionId)?.actor.send({ type: 'segment.served', slot: slotOf(track), rungId: rungOf(track), index });
  }

  overtaken({ sessionId, track }: { sessionId: SessionId; track: Track }): void {
    this.#sessions.get(sessionId)?.actor.send({ type: 'wish.overtaken', slot: slotOf(track) });
  }

  /** What those encodes would write next is kept already: their work is done. */
  covered({ key, ...range }: { key: RenditionKey; fromIndex: number; untilIndex: number }): void {
    for (const { sessionId, run } of this.#encodes.nextWithin(key, range))
      this.#sessions.get(sessionId)?.actor.send({ type: 'run.covered', actorId: run.actorId });
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

  /** Where a copied segment lies in its file: a thread builds its head, and nobody holds its bytes. */
  async locate({ sessionId, track, index }: Requests['segment.locate']['input']): Promise<LocatedSegment> {
    const open = this.#get(sessionId);
    const rendition = renditionOf(open.record, track);
    const span = spanOf(open, gridOf(open.plan, rendition), index);
    const startedMs = performance.now();
    const located = await this.#options.remux.use(open.media, source => source.locate(rendition.streamIndex, span));
    if (!located) throw new FerriteError('MEDIA_CHANGED', 'the file is not the container that its scan found');
    this.#measure({ name: 'remux_segment_ms', value: performance.now() - startedMs, rung: rungLabel(rendition) });
    return located;
  }

  async #remux(open: OpenSession, wanted: { rendition: Rendition; grid: Grid; key: RenditionKey; name: SegmentName }): Promise<void> {
    const { rendition, grid, key, name } = wanted;
    const startedMs = performance.now();
    const bytes = await this.#options.remux.use(open.media, async source =>
      name === 'init' ? source.initSegment(rendition.streamIndex) : source.segment(rendition.streamIndex, spanOf(open, grid, name)),
    );
    this.#options.publish({ key, name, bytes });
    this.#measure({ name: 'remux_segment_ms', value: performance.now() - startedMs, rung: rungLabel(rendition) });
  }

  #encode(
    open: OpenSession,
    wanted: {
      rendition: Rendition;
      grid: Grid;
      key: RenditionKey;
      name: SegmentName;
      track: Track;
      positionMs: number;
      mayEncode: boolean;
      untilIndex: number | null;
    },
    signal: AbortSignal,
  ): Promise<void> {
    const { rendition, grid, key, name, track, positionMs, mayEncode, untilIndex } = wanted;
    const { record, media, keyframes, actor } = open;
    const ask = (): void => {
      // A player fetches the init segment before it says where it wants to be: it starts where the viewer is.
      const firstIndex = name === 'init' ? segmentIndexAt(grid, positionMs) : name;
      if (name !== 'init' && this.#encodes.isCoveredByOther(record.id, key, firstIndex, REACH_SEGMENTS)) return;
      if (name === 'init' && this.#encodes.isBegunByOther(record.id, key)) return;
      // Where this session encodes the rendition already, a new run takes the place of the one before.
      if (!mayEncode && rendition.kind === 'video-encode' && !actor.getSnapshot().context.runs[slotOf(track)])
        throw new FerriteError('PLACE_NEEDED', 'a new encode would have to start');
      const endIndex = Math.max(untilIndex ?? Number.POSITIVE_INFINITY, firstIndex + 1);
      const lastIndex = Math.min(segmentCount(grid), firstIndex + MAX_RUN_SEGMENTS, endIndex) - 1;
      const job: EncodeJob = { key, rendition, media, keyframes, grid, firstIndex, lastIndex };
      actor.send({ type: 'segment.wanted', slot: slotOf(track), rungId: rungOf(track), job, isInit: name === 'init' });
    };
    const waited = this.#waits.wait(record.id, key, name, ask, signal);
    const withdraw = (): void => {
      if (this.#sessions.get(record.id) === open && !this.#waits.isWaiting(record.id, key))
        actor.send({ type: 'segment.withdrawn', slot: slotOf(track) });
    };
    // After the wait's own listener: by then it is no longer among those that wait.
    signal.addEventListener('abort', withdraw, { once: true });
    return waited;
  }

  published(key: RenditionKey, name: SegmentName): void {
    this.#published.set(`${key}/${name}`, true);
    this.#waits.published(key, name);
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
        this.#waits.failSession(sessionId, new FerriteError('SESSION_NOT_FOUND', 'the session has ended'));
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
        this.#encodes.put(sessionId, event.run);
        this.#pace();
        break;
      case 'run.superseded':
        this.#onSuperseded(sessionId, event);
        break;
      case 'run.ended':
        this.#onEnded(sessionId, event);
        break;
      case 'wish.kept':
        this.#failOutside(sessionId, event.job);
        break;
      case 'wish.dropped':
        this.#waits.fail(sessionId, event.job.key, superseded());
    }
  }

  #onStarted(sessionId: SessionId, run: Run): void {
    this.#encodes.put(sessionId, run);
    this.#pace();
    // It may have been opened while it was otherwise.
    this.#resizeWindow(sessionId);
    this.#failOutside(sessionId, run.job);
    this.#measure({ name: 'encode_started', value: 1, rung: rungLabel(run.job.rendition) });
  }

  #onSuperseded(sessionId: SessionId, { run, cause }: Extract<SessionEmitted, { type: 'run.superseded' }>): void {
    this.#measure({ name: 'encode_superseded', value: 1, rung: rungLabel(run.job.rendition) });
    this.#encodes.remove(sessionId, run);
    this.#pace();
    if (cause === 'switch') this.#waits.fail(sessionId, run.job.key, superseded());
    this.#waits.askAgain(run.job.key, sessionId);
  }

  #onEnded(sessionId: SessionId, { run, error }: Extract<SessionEmitted, { type: 'run.ended' }>): void {
    this.#measure({ name: error ? 'encode_failed' : 'encode_finished', value: 1, rung: rungLabel(run.job.rendition) });
    // A superseded run has been accounted for; its slot may have a new run, with the same waits.
    if (run.slot === '') return;
    this.#encodes.remove(sessionId, run);
    this.#pace();
    if (error) this.#waits.fail(sessionId, run.job.key, new FerriteError(error.code, error.message));
    // Without an error it was given back in a pause, or its work was done: who still waits needs another.
    this.#waits.askAgain(run.job.key);
  }

  /** Those who are far ahead wait for those whose viewers may have to, and go on afterwards. */
  #pace(): void {
    const isCrowded = this.#encodes.isAnyPictureBehind(URGENT_MS);
    if (isCrowded === this.#isCrowded) return;
    this.#isCrowded = isCrowded;
    for (const sessionId of this.#encodes.sessions()) this.#resizeWindow(sessionId);
    // Who hoped for what another's encode makes later now has it made.
    if (isCrowded) for (const key of this.#encodes.keys()) this.#waits.askAgain(key);
  }

  #resizeWindow(sessionId: SessionId): void {
    const open = this.#sessions.get(sessionId);
    open?.actor.send({ type: 'window.resized', window: this.#window(open.record) });
  }

  #window({ offer: { targetMs } }: SessionRecord): Window {
    const segments = (ms: number): number => Math.max(2, Math.ceil(ms / targetMs));
    if (this.#isCrowded) return { picture: segments(CROWDED_WINDOW_MS), sound: CROWDED_SOUND_SEGMENTS };
    return { picture: segments(WINDOW_MS), sound: segments(WINDOW_MS) };
  }

  #failOutside(sessionId: SessionId, { key, firstIndex }: EncodeJob): void {
    this.#waits.failOutside(sessionId, key, { from: firstIndex, to: firstIndex + REACH_SEGMENTS }, superseded());
  }

  #measure(measurement: Measurement): void {
    this.#options.send({ kind: 'measured', measurement });
  }
}

const superseded = (): FerriteError => new FerriteError('ENCODE_STALLED', 'a later seek of the same session took its place');

function renditionOf({ offer }: SessionRecord, track: Track): Rendition {
  const found =
    track.kind === 'video'
      ? offer.video.find(({ rungId }) => rungId === track.rungId)
      : offer.audio.find(audio => audio.track === track.track);
  if (!found) throw new FerriteError('SEGMENT_NOT_FOUND', 'the session has no such rung or track');
  return found;
}

function spanOf({ keyframes: { video } }: OpenSession, grid: Grid, index: number): SegmentSpan {
  if (index >= segmentCount(grid)) throw new FerriteError('SEGMENT_NOT_FOUND', 'the playlist has no such segment');
  const origin = Math.round((originPts(video) * grid.timescale) / video.timescale);
  return {
    index,
    fromPts: boundaryAt(grid, index) + origin,
    toPts: boundaryAt(grid, index + 1) + origin,
    shiftTicks: TIMELINE_START_S * grid.timescale - origin,
  };
}

const slotOf = (track: Track): string => (track.kind === 'video' ? videoSlot(track.rungId) : audioSlot(track.track));
const rungOf = (track: Track): string | null => (track.kind === 'video' ? track.rungId : null);
const rungLabel = (rendition: Rendition): string => ('rungId' in rendition ? rendition.rungId : 'audio');

function statusOf(snapshot: SnapshotFrom<typeof session>): SessionStatus {
  const { context, value } = snapshot;
  const state = typeof value === 'string' ? (value === 'expired' || value === 'expiring' ? 'expired' : 'stopped') : value.watching;
  return {
    state,
    positionMs: context.positionMs,
    rungId: context.rungId,
    encodes: Object.values(context.runs).map(({ slot, job, nextIndex, limitIndex }) => ({
      rendition: slot,
      state: nextIndex > limitIndex ? 'holding' : 'writing',
      firstIndex: job.firstIndex,
      nextIndex,
      reachIndex: Math.min(nextIndex + REACH_SEGMENTS, limitIndex, job.lastIndex),
    })),
  };
}
