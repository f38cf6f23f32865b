// Starting a session: what is delivered, a grant where its first segment must be encoded, then the session itself.

import { videoDirectory } from '#domain/addresses.ts';
import type { PlayedVersions } from '#domain/catalogue/item-progress.ts';
import { type Client, type ClientHints, limitedTo, resolveClient } from '#domain/delivery/client-profile.ts';
import { type Decision, decide } from '#domain/delivery/decision.ts';
import { chooseDelivery, type DeliveryRequest } from '#domain/delivery/delivery.ts';
import type { Capabilities, ProfileName } from '#domain/delivery/profiles.ts';
import { usualAudioTrack } from '#domain/delivery/usual-audio-track.ts';
import { FerriteError, toErrorRecord } from '#domain/errors.ts';
import { type MediaId, newSessionId } from '#domain/ids.ts';
import type { Media } from '#domain/media.ts';
import { firstChunkEnd, gridOf, segmentIndexAt } from '#domain/plan.ts';
import type { Burnable } from '#domain/protocol.ts';
import type { BurnedTrack } from '#domain/rendition.ts';
import type { Offer, Priority, SeekMode, SessionRecord } from '#domain/session.ts';
import { type ReadableText, subtitleTracks } from '#domain/subtitles/tracks.ts';
import type { StreamTokens } from '#src/auth/stream-tokens.ts';
import type { EncodeDemand, EncodeGrants, GrantUse } from '#src/playback/admission/encode-grants.ts';
import type { LayoutCache } from '#src/playback/offer/layout.ts';
import type { MediaPlans, PlannedMedia } from '#src/playback/offer/media-plans.ts';
import type { OfferedEncoders } from '#src/playback/offer/offered-encoders.ts';
import type { WantedSegments } from '#src/playback/segments/wanted-segments.ts';
import type { SavedProgress } from '#src/progress/saved-progress.ts';
import type { Metrics } from '#src/telemetry/metrics.ts';
import type { MediaHosts } from '#src/threads/media-hosts.ts';
import type { Database } from '#storage/database.ts';
import { LEASE_MS, type LiveSession, type SessionOwner, STREAM_TOKEN_MS } from './live-session.ts';
import type { OpenSessions, Room } from './open-sessions.ts';
import { type Seeking, startOf } from './seeking.ts';
import { type Choice, chooseVersion } from './version-choice.ts';

/** The part of a start that decides what is delivered. */
export type WantedDelivery = {
  readonly mediaId: MediaId;
  readonly profile: ProfileName | null;
  readonly hints: ClientHints;
  readonly capabilities: Partial<Capabilities>;
  /** The most that is sent to the viewer, whatever the client takes; null or absent: no limit. */
  readonly maxBitrateBps?: number | null;
  readonly delivery: 'auto' | 'direct' | 'remux' | 'transcode';
  /** Null: the usual one of the film for this viewer. */
  readonly audioTrack: number | null;
  /** Absent or null: none is shown from the start. */
  readonly subtitleTrack?: number | null;
  /** They are to be part of the picture. */
  readonly burnSubtitles?: boolean;
};

export type StartRequest = WantedDelivery & {
  /** This very file, and no other version of what it shows. */
  readonly isExact: boolean;
  readonly startPositionMs: number | null;
  readonly seekMode: SeekMode;
  readonly priority: Priority;
  /** The client would rather have its session at once and follow its position in the queue than wait for the answer. */
  readonly isAnsweredAtOnce: boolean;
};

export type StartedSession = { readonly session: LiveSession; readonly token: string; readonly queueWaitMs: number };

export type SessionStartOptions = {
  readonly database: Database;
  readonly progress: Pick<SavedProgress, 'get' | 'resumeMs'>;
  readonly plans: MediaPlans;
  readonly layouts: LayoutCache;
  readonly grants: EncodeGrants;
  readonly wanted: WantedSegments;
  readonly tokens: StreamTokens;
  readonly metrics: Metrics;
  readonly targetMs: number;
  readonly encoders: OfferedEncoders;
  readonly hosts: Pick<MediaHosts, 'request'>;
  /** The files that show the same as one of them, by version, the sharpest first; none of what is no version of anything. */
  readonly versionsOf: (id: MediaId) => PlayedVersions;
  /** Whether this server's ffmpeg can draw into a picture. */
  readonly canBurn: () => Burnable;
  /** Which subtitles it reads. */
  readonly readable: () => ReadableText;
  readonly sessions: OpenSessions;
  readonly seeking: Seeking;
  readonly log: { warn(facts: object, message: string): void };
};

type Draft = Omit<SessionRecord, 'createdAtMs' | 'expiresAtMs'>;
/** What a session is opened from, and the room that its user has for it. */
type Opening = { readonly draft: Draft; readonly planned: PlannedMedia; readonly room: Room };
/** What came of a wait for a turn; it never rejects. */
type Turn = { readonly outcome: Promise<{ readonly use: GrantUse | null; readonly error: unknown }>; leave(): void };
type Agreed = Omit<Draft, 'splitIndex'>;

export class SessionStarts {
  readonly #options: SessionStartOptions;
  #canConvertColours = false;

  constructor(options: SessionStartOptions) {
    this.#options = options;
  }

  /** Until it is known, nothing is converted. */
  setColourConversion(canConvert: boolean): void {
    this.#canConvertColours = canConvert;
  }

  /** @throws MEDIA_NOT_FOUND, MEDIA_UNSUPPORTED, OVERLOADED, TOO_MANY_SESSIONS */
  async start(owner: SessionOwner, request: StartRequest, signal: AbortSignal): Promise<StartedSession> {
    const { sessions } = this.#options;
    const room = sessions.takeRoom(owner);
    try {
      return await this.#startIn(room, owner, request, signal);
    } finally {
      room.leave();
    }
  }

  async #startIn(room: Room, owner: SessionOwner, request: StartRequest, signal: AbortSignal): Promise<StartedSession> {
    const { grants, plans, sessions, targetMs } = this.#options;
    const sinceMs = performance.now();
    const choice = this.#choose(owner, request);
    const planned = plans.for(this.#mediaOf(choice.mediaId), targetMs);
    const agreed = this.#agree(owner, { ...request, ...choice }, planned);
    const demand = this.#demandOf(agreed, planned);
    // Without a demand the first segment is kept or being made: offering it as two chunks would show it no sooner.
    const draft = { ...agreed, splitIndex: demand && (agreed.offer.segments === 'mpegts' ? null : splitIndexOf(demand, planned)) };
    if (burnedIn(agreed.offer) !== undefined) return this.#startBurning(owner, { draft, planned, demand, room }, request, signal);
    const taken = demand && grants.tryTake(demand);
    if (demand && !taken && request.isAnsweredAtOnce) return this.#openQueued(owner, { draft, planned, demand, room }, signal);
    const use = taken ?? (demand && (await grants.take(demand, signal, sinceMs)));
    try {
      return await this.#open(owner, { draft, planned, room, isWarm: true, waitMs: use?.waitMs ?? 0 }, signal);
    } catch (error) {
      await sessions.end(draft.id, 'stopped');
      throw error;
    } finally {
      // By now the first encode relies on the grant.
      use?.end();
    }
  }

  /** What is burned in is read from the film first: no encoder is taken from others meanwhile. */
  async #startBurning(
    owner: SessionOwner,
    { draft, planned, demand, room }: Opening & { demand: EncodeDemand | null },
    { isAnsweredAtOnce }: StartRequest,
    signal: AbortSignal,
  ): Promise<StartedSession> {
    const { grants, sessions, seeking } = this.#options;
    try {
      const started = await this.#open(owner, { draft, planned, room, isWarm: false, waitMs: 0 }, signal);
      const taken = demand && grants.tryTake(demand);
      if (demand && !taken && isAnsweredAtOnce) {
        this.#queue(started, this.#turnOf(demand));
        return started;
      }
      const use = taken ?? (demand && (await grants.take(demand, signal)));
      seeking.warm(started.session);
      use?.end();
      return { ...started, queueWaitMs: use?.waitMs ?? 0 };
    } catch (error) {
      await sessions.end(draft.id, 'stopped');
      throw error;
    }
  }

  async #open(
    owner: SessionOwner,
    { draft, planned, room, isWarm, waitMs }: Opening & { isWarm: boolean; waitMs: number },
    signal: AbortSignal,
  ): Promise<StartedSession> {
    const { sessions, seeking, tokens, database, metrics } = this.#options;
    const nowMs = Date.now();
    const record: SessionRecord = { ...draft, createdAtMs: nowMs, expiresAtMs: nowMs + LEASE_MS };
    const opened = sessions.open(record, planned, room).then(async session => {
      await this.#requireBurnable(record, signal);
      if (isWarm) seeking.warm(session);
      return session;
    });
    const [session, { token }] = await Promise.all([
      opened,
      tokens.issue(record.id, owner, STREAM_TOKEN_MS),
      database.sessions.put(record),
    ]);
    // A client that went away before it learned of its session would never stop it.
    if (signal.aborted) throw new FerriteError('CANCELLED', 'the client went away');
    metrics.sessionStarts.inc({ delivery: record.offer.delivery, profile: record.profile });
    return { session, token, queueWaitMs: waitMs };
  }

  /** What can not be read could not be burned in: the start says so, instead of every segment. @throws MEDIA_UNSUPPORTED, SUBTITLES_PENDING */
  async #requireBurnable({ mediaId, id: sessionId, offer }: SessionRecord, signal: AbortSignal): Promise<void> {
    const burned = burnedIn(offer);
    if (burned === undefined) return;
    try {
      await this.#options.hosts.request('subtitles.source', { mediaId, sessionId, track: burned.track }, signal);
    } catch (error) {
      if (!(error instanceof FerriteError) || error.code !== 'MEDIA_UNREADABLE') throw error;
      throw new FerriteError('MEDIA_UNSUPPORTED', 'the subtitles can not be read, so they can not be burned in', { cause: error });
    }
  }

  async #openQueued(
    owner: SessionOwner,
    { draft, planned, demand, room }: Opening & { demand: EncodeDemand },
    signal: AbortSignal,
  ): Promise<StartedSession> {
    // The demand joins the queue first: the time that opening takes must not cost its position.
    const turn = this.#turnOf(demand);
    try {
      const started = await this.#open(owner, { draft, planned, room, isWarm: false, waitMs: 0 }, signal);
      this.#queue(started, turn);
      return started;
    } catch (error) {
      turn.leave();
      void turn.outcome.then(({ use }) => use?.end());
      await this.#options.sessions.end(draft.id, 'stopped');
      throw error;
    }
  }

  #turnOf(demand: EncodeDemand): Turn {
    const ended = new AbortController();
    const outcome = this.#options.grants.take(demand, ended.signal).then(
      use => ({ use, error: null }),
      (error: unknown) => ({ use: null, error }),
    );
    return { outcome, leave: () => ended.abort() };
  }

  #queue({ session, token }: StartedSession, turn: Turn): void {
    session.queue(token);
    const unsubscribe = session.whenEnded(turn.leave);
    turn.outcome
      .then(outcome => this.#followTurn(session, outcome))
      // The session is ended here even where the store failed; its record goes with its lease.
      .catch(err => this.#options.log.warn({ err }, 'a session whose turn did not come could not be ended everywhere'))
      .finally(unsubscribe);
  }

  /** Called when the session's turn to encode has come, or its wait has failed. */
  async #followTurn(session: LiveSession, { use, error }: { use: GrantUse | null; error: unknown }): Promise<void> {
    const { sessions, seeking } = this.#options;
    if (error === null) {
      seeking.warm(session);
      use?.end();
      session.unqueue();
      return;
    }
    const details = error instanceof FerriteError ? { ...error.details, retryAfterMs: error.retryAfterMs } : {};
    session.tell({ type: 'error', ...details, ...toErrorRecord(error) });
    await sessions.end(session.record.id, 'stopped');
  }

  /** What a start with this request would deliver; nothing is opened. @throws as `start` does */
  decide(request: WantedDelivery): Decision & { readonly client: Client } {
    const { media, keyframes, plan } = this.#options.plans.for(this.#mediaOf(request.mediaId), this.#options.targetMs);
    const client = clientOf(request);
    const { delivery } = request;
    const audioTrack = audioTrackOf(request, media);
    const canConvertColours = this.#canConvertColours;
    const wanted = { delivery, audioTrack, capabilities: client.capabilities, canConvertColours, ...this.#encodersFor(media) };
    return { ...decide(media, keyframes, plan, wanted), client };
  }

  #choose(owner: SessionOwner, request: StartRequest): Choice {
    const { versionsOf, progress } = this.#options;
    const media = this.#mediaOf(request.mediaId);
    const versions = versionsOf(media.id);
    return chooseVersion(request, {
      versions: versions.length === 0 ? [[media]] : versions,
      progressOf: id => progress.get(owner.id, id),
      resumeMs: saved => progress.resumeMs(saved),
      deliveryOf: mediaId => this.decide({ ...request, mediaId }).offer.delivery,
    });
  }

  #agree(owner: SessionOwner, request: StartRequest & Choice, planned: PlannedMedia): Agreed {
    const { media, keyframes, plan } = planned;
    const { profile, capabilities } = clientOf(request);
    if (request.burnSubtitles === true) this.#requireFilters(media, request.subtitleTrack ?? null);
    const offer: Offer = chooseDelivery(media, keyframes, plan, {
      delivery: request.delivery,
      audioTrack: audioTrackOf(request, media),
      subtitleTrack: request.subtitleTrack ?? null,
      burnSubtitles: request.burnSubtitles ?? false,
      capabilities,
      readable: this.#options.readable(),
      canConvertColours: this.#canConvertColours,
      ...this.#encodersFor(media),
    });
    const positionMs = Math.min(request.positionMs, Math.max(0, media.durationMs - 1));
    return {
      id: newSessionId(),
      userId: owner.id,
      mediaId: media.id,
      mediaVersion: media.version,
      offer,
      profile,
      seekMode: request.seekMode,
      priority: request.priority,
      startPositionMs: startOf(this.#options.layouts.for(planned, offer, null), offer, { positionMs, mode: request.seekMode }),
    };
  }

  #requireFilters(media: Media, track: number | null): void {
    const kind = track === null ? undefined : subtitleTracks(media)[track]?.kind;
    const { text, pictures } = this.#options.canBurn();
    if ((kind === 'text' && !text) || (kind === 'image' && !pictures))
      throw new FerriteError(
        'MEDIA_UNSUPPORTED',
        `this server's ffmpeg can not draw subtitles: it was built without ${kind === 'text' ? 'libass' : 'overlay'}`,
      );
  }

  /** The encode that the session's first segment needs; null where none has to be started. */
  #demandOf(draft: Agreed, planned: PlannedMedia): EncodeDemand | null {
    const { layouts, wanted } = this.#options;
    const [first] = draft.offer.video;
    const layout = first && layouts.for(planned, draft.offer, null).tracks.get(videoDirectory(first.rungId));
    if (!layout || draft.offer.delivery === 'direct') return null;
    const positionMs = draft.startPositionMs;
    return wanted.startDemand(draft, { layout, name: segmentIndexAt(layout.grid, positionMs), positionMs });
  }

  #encodersFor({ streams: { video } }: Media): Pick<DeliveryRequest, 'encoders'> {
    const { encoders, grants } = this.#options;
    return video[0] ? { encoders: encoders.for(video[0], grants.spareWork) } : {};
  }

  #mediaOf(mediaId: MediaId): Media {
    const media = this.#options.database.media.get(mediaId);
    if (!media) throw new FerriteError('MEDIA_NOT_FOUND', 'there is no such media');
    return media;
  }
}

const clientOf = ({ profile, capabilities, hints, maxBitrateBps = null }: WantedDelivery): Client =>
  limitedTo(maxBitrateBps, resolveClient(profile, capabilities, hints));

/** The segment that a start has encoded first, where it is long enough to be offered as two. */
const splitIndexOf = ({ rendition, index }: EncodeDemand, { plan }: PlannedMedia): number | null =>
  firstChunkEnd(gridOf(plan, rendition), index, rendition.frameRate) === null ? null : index;

const audioTrackOf = ({ audioTrack, hints }: WantedDelivery, media: Media): number =>
  audioTrack ?? usualAudioTrack(media.streams.audio, hints.languages ?? []);

const burnedIn = ({ video }: Offer): BurnedTrack | undefined =>
  video.map(rendition => (rendition.kind === 'video-encode' ? rendition.burned : undefined)).find(one => one !== undefined);
