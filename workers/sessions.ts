// The playback sessions of one thread: their actors, and how a wanted segment gets made: remuxed here, or by a session's encode.
import { LRUCache } from 'lru-cache';
import { type ActorRefFrom, createActor, fromCallback, type SnapshotFrom } from 'xstate';
import type { EncodeJob, FfmpegEffect } from '#actors/effects.ts';
import { encode } from '#actors/encode.ts';
import { ladder } from '#actors/ladder.ts';
import { audioSlot, REACH_SEGMENTS, session, videoSlot } from '#actors/session.ts';
import { FerriteError } from '#domain/errors.ts';
import type { SessionId } from '#domain/ids.ts';
import type { KeyframeMap, Media } from '#domain/media.ts';
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
import type { FromWorker, Measurement, Requests, Track } from '#domain/protocol.ts';
import { isEncode, type Rendition, type RenditionKey, renditionKey, type SegmentName } from '#domain/rendition.ts';
import type { SessionRecord, SessionStatus } from '#domain/session.ts';
import { Encodes } from './encodes.ts';
import type { RemuxCache } from './remux-cache.ts';
import { SegmentWaits } from './segment-waits.ts';

const JUST_PUBLISHED_MS = 2_000;

/** How far an encode may run ahead of its viewer. */
const WINDOW_MS = 30_000;
/** One run covers at most this much, so that its list of forced keyframes fits in an argument. */
const MAX_RUN_SEGMENTS = 1_800;

const machine = (ffmpeg: FfmpegEffect) =>
  session.provide({ actors: { ladder, encode: encode.provide({ actors: { ffmpeg: fromCallback(ffmpeg) } }) } });

type OpenSession = {
  readonly record: SessionRecord;
  readonly media: Media;
  readonly keyframes: KeyframeMap;
  readonly plan: Plan;
  readonly actor: ActorRefFrom<typeof session>;
};

type Options = {
  readonly ffmpeg: FfmpegEffect;
  readonly remux: RemuxCache;
  readonly publish: (key: RenditionKey, name: SegmentName, isEncoded: boolean, bytes: Buffer) => void;
  readonly send: (message: FromWorker) => void;
};

export class Sessions {
  readonly #options: Options;
  readonly #machine: ReturnType<typeof machine>;
  readonly #sessions = new Map<SessionId, OpenSession>();
  readonly #encodes = new Encodes();
  readonly #waits = new SegmentWaits();
  /** What went out a moment ago: a wish that crossed it on its way must not have it made again. */
  readonly #published = new LRUCache<string, true>({ max: 1_000, ttl: JUST_PUBLISHED_MS });

  constructor(options: Options) {
    this.#options = options;
    this.#machine = machine(options.ffmpeg);
  }

  /** Idempotent: a session that is open stays as it is. */
  open({ record, media, keyframes }: Requests['session.open']['input']): null {
    if (this.#sessions.has(record.id)) return null;
    const [video] = media.streams.video;
    if (!video) throw new FerriteError('MEDIA_UNSUPPORTED', 'the media has no video');
    const plan = buildPlan(keyframes, video.frameRate, record.offer.targetMs);
    const windowSegments = Math.max(2, Math.ceil(WINDOW_MS / record.offer.targetMs));
    const actor = createActor(this.#machine, { input: { record, windowSegments } });
    this.#sessions.set(record.id, { record, media, keyframes, plan, actor });
    this.#follow(record, actor);
    actor.start();
    return null;
  }

  heartbeat({ sessionId, positionMs, state }: Requests['session.heartbeat']['input']): SessionStatus {
    const { actor } = this.#get(sessionId);
    actor.send({ type: 'session.heartbeat', positionMs, state });
    return this.describe(sessionId);
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
  async prepare({ sessionId, track, name, positionMs }: Requests['segment.prepare']['input'], signal: AbortSignal): Promise<null> {
    const open = this.#get(sessionId);
    const rendition = renditionOf(open.record, track);
    const grid = gridOf(open.plan, rendition);
    if (name !== 'init' && name >= segmentCount(grid)) throw new FerriteError('SEGMENT_NOT_FOUND', 'the playlist has no such segment');
    const key = renditionKey(open.media.version, open.plan.targetMs, rendition);
    if (!isEncode(rendition) && open.keyframes.copyMethod !== 'ffmpeg') {
      await this.#remux(open, { rendition, grid, key, name });
      return null;
    }
    if (this.#published.has(`${key}/${name}`)) return null;
    await this.#encode(open, { rendition, grid, key, name, track, positionMs }, signal);
    return null;
  }

  /** A segment went out from the cache: the encode that follows may go on. */
  served({ sessionId, track, index }: { sessionId: SessionId; track: Track; index: number }): void {
    this.#sessions.get(sessionId)?.actor.send({ type: 'segment.served', slot: slotOf(track), rungId: rungOf(track), index });
  }

  #get(sessionId: SessionId): OpenSession {
    const open = this.#sessions.get(sessionId);
    if (!open) throw new FerriteError('SESSION_NOT_FOUND', 'the session has ended');
    return open;
  }

  async #remux(open: OpenSession, wanted: { rendition: Rendition; grid: Grid; key: RenditionKey; name: SegmentName }): Promise<void> {
    const { rendition, grid, key, name } = wanted;
    const startedMs = performance.now();
    const { video } = open.keyframes;
    const origin = Math.round((originPts(video) * grid.timescale) / video.timescale);
    const bytes = await this.#options.remux.use(open.media, async source => {
      if (name === 'init') return source.initSegment(rendition.streamIndex);
      return source.segment(rendition.streamIndex, {
        index: name,
        fromPts: boundaryAt(grid, name) + origin,
        toPts: boundaryAt(grid, name + 1) + origin,
        shiftTicks: TIMELINE_START_S * grid.timescale - origin,
      });
    });
    this.#options.publish(key, name, false, bytes);
    this.#measure({ name: 'remux_segment_ms', value: performance.now() - startedMs, rung: rungLabel(rendition) });
  }

  #encode(
    open: OpenSession,
    wanted: { rendition: Rendition; grid: Grid; key: RenditionKey; name: SegmentName; track: Track; positionMs: number },
    signal: AbortSignal,
  ): Promise<void> {
    const { rendition, grid, key, name, track, positionMs } = wanted;
    const { record, media, keyframes, actor } = open;
    const ask = (): void => {
      // A player fetches the init segment before it says where it wants to be: it starts where the viewer is.
      const firstIndex = name === 'init' ? segmentIndexAt(grid, positionMs) : name;
      if (name !== 'init' && this.#encodes.isCoveredByOther(record.id, key, firstIndex, REACH_SEGMENTS)) return;
      const lastIndex = Math.min(segmentCount(grid), firstIndex + MAX_RUN_SEGMENTS) - 1;
      const job: EncodeJob = { key, rendition, media, keyframes, grid, firstIndex, lastIndex };
      actor.send({ type: 'segment.wanted', slot: slotOf(track), rungId: rungOf(track), job });
    };
    return this.#waits.wait(record.id, key, name, ask, signal);
  }

  published(key: RenditionKey, name: SegmentName): void {
    this.#published.set(`${key}/${name}`, true);
    this.#waits.published(key, name);
  }

  #follow(record: SessionRecord, actor: ActorRefFrom<typeof session>): void {
    actor.on('run.started', ({ run }) => {
      this.#encodes.put(record.id, run);
      const { key, firstIndex } = run.job;
      this.#waits.failOutside(record.id, key, { from: firstIndex, to: firstIndex + REACH_SEGMENTS }, superseded());
      this.#measure({ name: 'encode_started', value: 1, rung: rungLabel(run.job.rendition) });
    });
    actor.on('run.progressed', ({ run }) => this.#encodes.put(record.id, run));
    actor.on('run.superseded', ({ run, cause }) => {
      this.#measure({ name: 'encode_superseded', value: 1, rung: rungLabel(run.job.rendition) });
      this.#encodes.remove(record.id, run);
      if (cause === 'switch') this.#waits.fail(record.id, run.job.key, superseded());
      this.#waits.askAgain(run.job.key, record.id);
    });
    actor.on('run.ended', ({ run, error }) => {
      this.#measure({ name: error ? 'encode_failed' : 'encode_finished', value: 1, rung: rungLabel(run.job.rendition) });
      // A superseded run has been accounted for; its slot may have a new run, with the same waits.
      if (run.slot === '') return;
      this.#encodes.remove(record.id, run);
      if (error) this.#waits.fail(record.id, run.job.key, new FerriteError(error.code, error.message));
      // Without an error it was given back in a pause, or its work was done: who still waits needs another.
      this.#waits.askAgain(run.job.key);
    });
    let lastState = '';
    actor.subscribe({
      next: snapshot => {
        const status = statusOf(snapshot);
        const state = JSON.stringify([status.state, status.rungId, status.encodes]);
        if (state !== lastState) this.#options.send({ kind: 'session.changed', sessionId: record.id, status });
        lastState = state;
      },
      complete: () => {
        this.#sessions.delete(record.id);
        this.#waits.failSession(record.id, new FerriteError('SESSION_NOT_FOUND', 'the session has ended'));
        const reason = actor.getSnapshot().matches('expired') ? 'expired' : 'stopped';
        this.#options.send({ kind: 'session.ended', sessionId: record.id, reason });
      },
    });
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
    })),
  };
}
