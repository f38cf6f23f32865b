// Playlists, segments and files of a session. The token in the path is checked by signature, expiry and revocation alone: no user, no database, no JSON.
import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import {
  CHAPTERS,
  directFileOf,
  type ExtraAddress,
  fontFileOf,
  isDirectFile,
  isPlaylist,
  MULTIVARIANT,
  parseExtraPath,
  parsePreviewPath,
  STREAM_PREFIX,
  STREAM_ROUTE,
  segmentAddress,
  usualPathOf,
} from '#domain/addresses.ts';
import { profileOf } from '#domain/delivery/profiles.ts';
import { FerriteError } from '#domain/errors.ts';
import { requireUnchanged } from '#domain/media.ts';
import { TRANSPORT_START } from '#domain/presentation.ts';
import type { LocatedSegment } from '#domain/protocol.ts';
import type { BodySource } from '#http/contract/body-source.ts';
import { PreparedReply } from '#http/contract/prepared.ts';
import { type Reply, type RequestLine, type Route, route } from '#http/contract/route.ts';
import type { ColdFile } from '#http/sources/cold-files.ts';
import { LocatedSegments } from '#http/sources/located-segments.ts';
import type { StreamTokens } from '#src/auth/stream-tokens.ts';
import type { EncodedPlaylist } from '#src/playback/offer/playlist.ts';
import { type WantedSegment, wantedSegmentAt } from '#src/playback/offer/wanted-segment.ts';
import type { Extras } from '#src/playback/segments/extras.ts';
import type { SegmentFinder } from '#src/playback/segments/finder.ts';
import { endedBy, type LiveSession } from '#src/playback/session/live-session.ts';
import type { PlaybackSessions } from '#src/playback/session/sessions.ts';
import type { Metrics } from '#src/telemetry/metrics.ts';
import type { TransportStreams } from '#src/threads/transport-streams.ts';
import type { StreamDecision } from '#storage/records/auth-decisions.ts';
import { withUnsignedOffsets } from '#workers/bmff/unsigned-offsets.ts';
import { acceptedEncoding } from './accept-encoding.ts';
import { multivariantFor } from './native-readers.ts';
import { type Previews, previewReply } from './preview-replies.ts';
import type { StreamCounts } from './stream-counts.ts';

export type StreamRouteOptions = {
  readonly tokens: StreamTokens;
  readonly sessions: PlaybackSessions;
  readonly finder: SegmentFinder<ColdFile>;
  readonly extras: Extras;
  readonly transportStreams: TransportStreams;
  readonly previews: Previews;
  readonly metrics: Metrics;
  readonly counts: StreamCounts;
  /** How long shared caches may answer for us; 0: only the viewer's own cache may keep anything. */
  readonly sharedCacheMs: number;
  /** What a segment is called; `auto`: as its session's profile has it. */
  readonly segmentMode: SegmentMode | 'auto';
};

type SegmentMode = 'mp4' | 'iso.segment';

type StreamRequest = {
  readonly params: { readonly sessionId: string; readonly token: string; readonly rest: string };
  readonly header: (name: string) => string;
  readonly signal: AbortSignal;
};

const DAY_S = 86_400;
const PLAYLIST_TYPE = 'application/vnd.apple.mpegurl';
const TRANSPORT_TYPE = 'video/mp2t';
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.mp4': 'video/mp4',
  '.m4v': 'video/mp4',
  '.mov': 'video/mp4',
  '.mkv': 'video/x-matroska',
  '.webm': 'video/webm',
  '.ts': TRANSPORT_TYPE,
  '.avi': 'video/x-msvideo',
};

export function streamRoutes(options: StreamRouteOptions): Route[] {
  const streams = new Streams(options);
  return [
    route({
      method: 'GET',
      path: STREAM_ROUTE,
      auth: 'none',
      summary: 'A playlist, segment or file of a session; the token stands in the path',
      responses: {
        200: 'the bytes',
        206: 'a range of them',
        401: 'the token is not good any more',
        404: 'no such rung, track or segment',
        410: 'the session has expired, or its file was replaced',
      },
      atOnce: request => streams.atOnce(request),
      handler: request => streams.answer(request),
    }),
  ];
}

class Streams {
  readonly #options: StreamRouteOptions;
  /** A segment of a static plan never changes. */
  readonly #immutable: Readonly<Record<string, string>>;
  /** By the bytes: a reply goes when they go. */
  readonly #segmentReplies = { mp4: new WeakMap<Buffer, PreparedReply>(), 'iso.segment': new WeakMap<Buffer, PreparedReply>() };
  readonly #playlistReplies = new WeakMap<EncodedPlaylist, PreparedReply>();
  /** Of the list of rungs, which depends on who asks. */
  readonly #listReplies = new WeakMap<EncodedPlaylist, PreparedReply>();
  readonly #locatedSegments = new LocatedSegments();

  constructor(options: StreamRouteOptions) {
    this.#options = options;
    this.#immutable = { 'Cache-Control': cacheControl(options.sharedCacheMs) };
  }

  /** A ready answer for a request that may have it; null for every other request. */
  atOnce(request: RequestLine): PreparedReply | null {
    const url = request.getUrl();
    const idEnd = url.indexOf('/', STREAM_PREFIX.length);
    const tokenEnd = url.indexOf('/', idEnd + 1);
    const nowMs = Date.now();
    const token = url.slice(idEnd + 1, tokenEnd);
    const decision = this.#decided(() => this.#options.tokens.grantedAtOnce(token, nowMs));
    if (decision === null || decision.sessionId !== url.slice(STREAM_PREFIX.length, idEnd)) return null;
    const session = this.#options.sessions.find(decision.sessionId);
    if (!session) return null;
    const path = url.slice(tokenEnd + 1);
    const reply = isPlaylist(path) ? this.#readyPlaylist(session, path, request) : this.#readySegment(session, path);
    if (reply !== null) session.seen(performance.now());
    return reply;
  }

  answer(request: StreamRequest): Reply | Promise<Reply> {
    const decision = this.#decided(() => this.#options.tokens.decide(request.params.token, Date.now()));
    if (decision instanceof Promise) return decision.then(decided => this.#answerTo(decided, request));
    return this.#answerTo(decision, request);
  }

  #decided<T extends StreamDecision | Promise<StreamDecision> | null>(decide: () => T): T {
    const { counts, metrics } = this.#options;
    if (!counts.isDecisionMeasured()) return decide();
    const startedMs = performance.now();
    const decision = decide();
    if (decision !== null && !(decision instanceof Promise)) metrics.authHotPath.observe(performance.now() - startedMs);
    return decision;
  }

  #readyPlaylist(session: LiveSession, path: string, request: RequestLine): PreparedReply | null {
    const playlist = session.layout.knownPlaylist(playlistFor(path, name => request.getHeader(name)));
    if (playlist === undefined) return null;
    this.#options.counts.playlist += 1;
    return this.#playlistReply(path, playlist.as(acceptedEncoding(request.getHeader('accept-encoding'))));
  }

  #readySegment(session: LiveSession, path: string): PreparedReply | null {
    const { finder, counts } = this.#options;
    if (session.layout.isTransport) return null;
    const found = finder.inMemory(session, path);
    if (found === null) return null;
    counts.memory += 1;
    return this.#segmentReply(session, found.wanted, found.bytes);
  }

  #answerTo(decision: StreamDecision, request: StreamRequest): Reply | Promise<Reply> {
    const { sessionId, rest } = request.params;
    // A token for another session is as good as none.
    if (decision.sessionId !== sessionId) throw new FerriteError('UNAUTHENTICATED', 'the token is for another session');
    const session = this.#options.sessions.find(decision.sessionId);
    // Every other end of a session refuses its tokens.
    if (!session) throw endedBy('expired');
    session.seen(performance.now());
    if (isPlaylist(rest)) return this.#playlist(session, request);
    if (rest === CHAPTERS) return this.#chapters(session);
    if (isDirectFile(rest)) return this.#directFile(session, rest);
    const extra = parseExtraPath(rest);
    if (extra !== null) return this.#extra(session, extra, request.signal);
    const preview = parsePreviewPath(rest);
    if (preview !== null) {
      const { signal } = request;
      return previewReply(this.#options.previews, session.media, preview, { signal, headers: this.#immutable });
    }
    return this.#segment(session, request);
  }

  #playlist(session: LiveSession, { params: { rest }, header }: StreamRequest): Reply {
    const found = session.layout.playlist(playlistFor(rest, header));
    if (!found) throw new FerriteError('SEGMENT_NOT_FOUND', 'there is no such playlist');
    this.#options.counts.playlist += 1;
    // A part of compressed bytes is of no use to a client that means the text.
    const encoding = header('range') === '' ? acceptedEncoding(header('accept-encoding')) : 'identity';
    return { status: 200, prepared: this.#playlistReply(rest, found.as(encoding)) };
  }

  /** In the form that Apple's players read. */
  #chapters({ media }: LiveSession): Reply {
    if (media.chapters.length === 0) throw new FerriteError('SEGMENT_NOT_FOUND', 'the film has no chapters');
    const json = media.chapters.map(({ startMs, endMs, title }, at) => ({
      chapter: at + 1,
      'start-time': startMs / 1000,
      duration: Math.max(0, endMs - startMs) / 1000,
      titles: [{ language: 'und', title: title ?? `Chapter ${at + 1}` }],
    }));
    return { status: 200, headers: this.#immutable, json };
  }

  #segment(session: LiveSession, request: StreamRequest): Reply | Promise<Reply> {
    const { finder, counts } = this.#options;
    const usual = usualPathOf(request.params.rest);
    const wanted = wantedSegmentAt(session.layout, usual ?? request.params.rest);
    if (wanted === null) throw new FerriteError('SEGMENT_NOT_FOUND', 'there is no such segment, rung or track');
    if (session.layout.isTransport) return this.#transported(session, wanted, request.signal);
    if (usual !== null && wanted.name !== 'init') return this.#unsigned(session, wanted, request.signal);
    const found = finder.find(session, wanted, request.signal);
    switch (found.from) {
      case 'memory':
        counts.memory += 1;
        return { status: 200, prepared: this.#segmentReply(session, wanted, found.bytes) };
      case 'disk':
        counts.disk += 1;
        return this.#streamed(session, wanted, { source: found.file, byteLength: found.byteLength });
      case 'film':
        return found.located instanceof Promise
          ? found.located.then(segment => this.#located(session, wanted, segment))
          : this.#located(session, wanted, found.located);
      case 'host':
        return this.#made(session, wanted, found.bytes);
    }
  }

  async #made(session: LiveSession, wanted: WantedSegment, coming: Promise<Buffer>): Promise<Reply> {
    const { metrics, counts } = this.#options;
    const startedMs = performance.now();
    const bytes = await coming;
    metrics.segmentWait.observe({ delivery: session.record.offer.delivery, rung: wanted.track.rung }, performance.now() - startedMs);
    counts.made += 1;
    return { status: 200, prepared: this.#segmentReply(session, wanted, bytes) };
  }

  /** For a player that takes no fragmented MP4. */
  async #transported(session: LiveSession, wanted: WantedSegment, signal: AbortSignal): Promise<Reply> {
    const { finder, transportStreams, counts } = this.#options;
    const { track, name } = wanted;
    // Also where it was written for somebody else: what comes next may not be there yet.
    finder.follow(session, wanted);
    const bytes =
      track.track.kind === 'subtitles' || name === 'init'
        ? onTransportClock(await finder.bytes(session, wanted, signal))
        : await transportStreams.get(
            { name: segmentAddress(track.key, name), sessionId: session.record.id },
            async over => {
              const [init, segment] = await Promise.all([
                finder.bytes(session, { track, name: 'init', chunk: null }, over),
                finder.bytes(session, wanted, over),
              ]);
              return { init, segment, index: name };
            },
            signal,
          );
    counts.made += 1;
    const contentType = track.track.kind === 'subtitles' ? SEGMENT_TYPES.subtitles : TRANSPORT_TYPE;
    const etag = segmentTag(wanted, bytes.byteLength);
    return { status: 200, prepared: new PreparedReply({ bytes, contentType, etag, headers: this.#immutable }) };
  }

  /** For a player whose pictures come late where one is decoded after it is shown. */
  async #unsigned(session: LiveSession, wanted: WantedSegment, signal: AbortSignal): Promise<Reply> {
    const { finder, counts } = this.#options;
    finder.follow(session, wanted);
    const usual = await finder.bytes(session, wanted, signal);
    counts.made += 1;
    const bytes = withUnsignedOffsets(usual);
    if (bytes === usual) return { status: 200, prepared: this.#segmentReply(session, wanted, usual) };
    const contentType = this.#typeOf(session, wanted);
    const etag = segmentTag(wanted, bytes.byteLength).replace(/"$/, '-unsigned"');
    return { status: 200, prepared: new PreparedReply({ bytes, contentType, etag, headers: this.#immutable }) };
  }

  #located(session: LiveSession, wanted: WantedSegment, segment: LocatedSegment): Reply {
    this.#options.counts.located += 1;
    const source = this.#locatedSegments.body(session.media, segment);
    return this.#streamed(session, wanted, { source, byteLength: segment.byteLength });
  }

  #streamed(session: LiveSession, wanted: WantedSegment, { source, byteLength }: { source: BodySource; byteLength: number }): Reply {
    const etag = segmentTag(wanted, byteLength);
    return { status: 200, headers: this.#immutable, streamed: source, contentType: this.#typeOf(session, wanted), etag };
  }

  #segmentReply(session: LiveSession, wanted: WantedSegment, bytes: Buffer): PreparedReply {
    const replies = this.#segmentReplies[this.#mode(session)];
    const known = replies.get(bytes);
    if (known !== undefined) return known;
    const etag = segmentTag(wanted, bytes.byteLength);
    const made = new PreparedReply({ bytes, contentType: this.#typeOf(session, wanted), etag, headers: this.#immutable });
    replies.set(bytes, made);
    return made;
  }

  #mode({ profile }: LiveSession): SegmentMode {
    const { segmentMode } = this.#options;
    return segmentMode === 'auto' ? profileOf(profile).segmentType : segmentMode;
  }

  #typeOf(session: LiveSession, wanted: WantedSegment): string {
    return segmentType(wanted, this.#mode(session));
  }

  #playlistReply(path: string, playlist: EncodedPlaylist): PreparedReply {
    // What the one list of rungs has for some players is a playlist of its own as well, which nobody's name changes.
    const replies = path === MULTIVARIANT ? this.#listReplies : this.#playlistReplies;
    const known = replies.get(playlist);
    if (known !== undefined) return known;
    const { bytes, etag, encoding } = playlist;
    const encoded = encoding === 'identity' ? {} : { 'Content-Encoding': encoding };
    const headers = { ...this.#immutable, Vary: path === MULTIVARIANT ? 'Accept-Encoding, User-Agent' : 'Accept-Encoding', ...encoded };
    const made = new PreparedReply({ bytes, contentType: PLAYLIST_TYPE, etag, headers });
    replies.set(playlist, made);
    return made;
  }

  /** Files beside the film: what fails here is no part of playing it. */
  async #extra(session: LiveSession, address: ExtraAddress, signal: AbortSignal): Promise<Reply> {
    const { extras } = this.#options;
    if (address.kind === 'fonts') {
      const fonts = await extras.fonts(session, signal);
      return { status: 200, headers: this.#immutable, json: { fonts: fonts.map((_, number) => fontFileOf(number)) } };
    }
    const { path, byteLength, name, contentType } =
      address.kind === 'font' ? await extras.font(session, address.number, signal) : await extras.source(session, address, signal);
    const file = { path, byteLength, etag: `"${name}-${byteLength.toString(36)}"`, lastModifiedMs: session.media.mtimeMs, contentType };
    return { status: 200, headers: this.#immutable, file, onWithdrawn: cut => session.whenEnded(cut) };
  }

  async #directFile(session: LiveSession, name: string): Promise<Reply> {
    const { media, record } = session;
    if (record.offer.delivery !== 'direct' || name !== directFileOf(media))
      throw new FerriteError('SEGMENT_NOT_FOUND', 'the session has no such file');
    const facts = await stat(media.path).catch(cause => {
      throw new FerriteError('MEDIA_CHANGED', 'the media file is gone', { cause });
    });
    requireUnchanged(facts, media);
    if (this.#options.sessions.find(record.id) !== session) throw endedBy('stopped');
    this.#options.counts.direct += 1;
    return {
      status: 200,
      headers: { 'Cache-Control': `private, max-age=${DAY_S}` },
      // A whole film goes out in one reply: a revocation must not wait for its end.
      onWithdrawn: cut => session.whenEnded(cut),
      file: {
        path: media.path,
        byteLength: media.byteLength,
        etag: `"${media.version}"`,
        lastModifiedMs: media.mtimeMs,
        contentType: CONTENT_TYPES[extname(name)] ?? 'application/octet-stream',
      },
    };
  }
}

/** Cues count from media time 0, which a transport stream has at ten seconds. */
const onTransportClock = (text: Buffer): Buffer => Buffer.from(text.toString().replace('MPEGTS:0,', `MPEGTS:${TRANSPORT_START},`));

const playlistFor = (path: string, header: (name: string) => string): string =>
  path === MULTIVARIANT ? multivariantFor(header('user-agent'), header('accept-encoding')) : (usualPathOf(path) ?? path);

const SEGMENT_TYPES = { video: 'video/mp4', iframes: 'video/mp4', audio: 'audio/mp4', subtitles: 'text/vtt; charset=utf-8' } as const;
/** An init segment is a file of its own to every player; Apple's know what follows it by the type of a segment (authoring specification, 10.4). */
const segmentType = ({ track, name }: WantedSegment, mode: SegmentMode): string => {
  const { kind } = track.track;
  return kind !== 'subtitles' && mode === 'iso.segment' && name !== 'init' ? 'video/iso.segment' : SEGMENT_TYPES[kind];
};

/** With the length: a segment that was evicted and encoded again may have other bytes. */
const segmentTag = ({ track, name, chunk }: WantedSegment, byteLength: number): string =>
  `"${track.key}-${name}${chunk === null ? '' : `.${chunk}`}-${byteLength.toString(36)}"`;

/** The token in the address is one viewer's right: a shared cache would go on answering after it was revoked. */
const cacheControl = (sharedCacheMs: number): string =>
  sharedCacheMs === 0
    ? `private, max-age=${DAY_S}, immutable`
    : `public, max-age=${DAY_S}, s-maxage=${Math.ceil(sharedCacheMs / 1000)}, immutable`;
