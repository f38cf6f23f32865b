// Playlists, segments and files of a session. The token in the path is checked by signature, expiry and revocation alone: no user, no database, no JSON.
import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { FerriteError } from '#domain/errors.ts';
import type { LocatedSegment } from '#domain/protocol.ts';
import type { ChunkNumber, SegmentName } from '#domain/rendition.ts';
import { type Reply, type RequestLine, type Route, route } from '#http/contract/route.ts';
import { coldBody } from '#http/door/cold-reply.ts';
import { PreparedReply } from '#http/door/prepared.ts';
import type { ColdFiles } from '#http/sources/cold-files.ts';
import { LocatedSegments } from '#http/sources/located-segments.ts';
import type { StreamTokens } from '#src/auth/stream-tokens.ts';
import type { TrackLayout } from '#src/playback/offer/layout.ts';
import type { EncodedPlaylist } from '#src/playback/offer/playlist.ts';
import type { Segments } from '#src/playback/segments/segments.ts';
import type { LiveSession } from '#src/playback/session/live-session.ts';
import type { PlaybackSessions } from '#src/playback/session/sessions.ts';
import type { Metrics } from '#src/telemetry/metrics.ts';
import type { MediaHosts } from '#src/threads/media-hosts.ts';
import type { StreamDecision } from '#storage/records/auth-decisions.ts';
import { acceptedEncoding } from './accept-encoding.ts';
import type { StreamCounts } from './stream-counts.ts';

export type StreamRouteOptions = {
  readonly tokens: StreamTokens;
  readonly sessions: PlaybackSessions;
  readonly segments: Segments;
  readonly hosts: Pick<MediaHosts, 'notify'>;
  readonly metrics: Metrics;
  readonly coldFiles: ColdFiles;
  readonly counts: StreamCounts;
  /** How long shared caches may answer for us; 0: only the viewer's own cache may keep anything. */
  readonly sharedCacheMs: number;
};

type StreamRequest = {
  readonly params: { readonly sessionId: string; readonly token: string; readonly rest: string };
  readonly header: (name: string) => string;
  readonly signal: AbortSignal;
};

const PREFIX = '/stream/';
const DAY_S = 86_400;
const PLAYLIST_TYPE = 'application/vnd.apple.mpegurl';
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.mp4': 'video/mp4',
  '.m4v': 'video/mp4',
  '.mov': 'video/mp4',
  '.mkv': 'video/x-matroska',
  '.webm': 'video/webm',
  '.ts': 'video/mp2t',
  '.avi': 'video/x-msvideo',
};

export function streamRoutes(options: StreamRouteOptions): Route[] {
  const streams = new Streams(options);
  return [
    route({
      method: 'GET',
      path: '/stream/:sessionId/:token/*',
      auth: 'none',
      summary: 'A playlist, segment or file of a session; the token stands in the path',
      responses: {
        200: 'the bytes',
        206: 'a range of them',
        401: 'the token is not good any more',
        404: 'no such session, rung, track or segment',
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
  readonly #segmentReplies = new WeakMap<Buffer, PreparedReply>();
  readonly #playlistReplies = new WeakMap<EncodedPlaylist, PreparedReply>();
  readonly #locatedSegments = new LocatedSegments();

  constructor(options: StreamRouteOptions) {
    this.#options = options;
    this.#immutable = { 'Cache-Control': cacheControl(options.sharedCacheMs) };
  }

  /** What lies ready for whoever may have it; null for everything else. */
  atOnce(request: RequestLine): PreparedReply | null {
    const url = request.getUrl();
    const idEnd = url.indexOf('/', PREFIX.length);
    const tokenEnd = url.indexOf('/', idEnd + 1);
    const nowMs = Date.now();
    const token = url.slice(idEnd + 1, tokenEnd);
    const decision = this.#decided(() => this.#options.tokens.grantedAtOnce(token, nowMs));
    if (decision === null || decision.sessionId !== url.slice(PREFIX.length, idEnd)) return null;
    const session = this.#options.sessions.find(decision.sessionId);
    if (!session) return null;
    const path = url.slice(tokenEnd + 1);
    const reply = path.endsWith('.m3u8') ? this.#readyPlaylist(session, path, request) : this.#readySegment(session, path);
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
    const playlist = session.layout.knownPlaylist(path);
    if (playlist === undefined) return null;
    this.#options.counts.playlist += 1;
    return this.#playlistReply(playlist.as(acceptedEncoding(request.getHeader('accept-encoding'))));
  }

  #readySegment(session: LiveSession, path: string): PreparedReply | null {
    const wanted = parseSegmentPath(session, path);
    if (wanted === null) return null;
    const bytes = this.#hot(wanted);
    if (bytes === undefined) return null;
    this.#options.counts.memory += 1;
    this.#follow(session, wanted.track, wanted.name);
    return this.#segmentReply(wanted, bytes);
  }

  #answerTo(decision: StreamDecision, request: StreamRequest): Reply | Promise<Reply> {
    const { sessionId, rest } = request.params;
    // A token for another session is as good as none.
    if (decision.sessionId !== sessionId) throw new FerriteError('UNAUTHENTICATED', 'the token is for another session');
    const session = this.#options.sessions.find(decision.sessionId);
    if (!session) throw new FerriteError('SESSION_NOT_FOUND', 'the session has ended');
    session.seen(performance.now());
    if (rest.endsWith('.m3u8')) return this.#playlist(session, request);
    if (rest.startsWith('file.')) return this.#directFile(session, rest);
    return this.#segment(session, request);
  }

  #playlist(session: LiveSession, { params: { rest }, header }: StreamRequest): Reply {
    const found = session.layout.playlist(rest);
    if (!found) throw new FerriteError('SEGMENT_NOT_FOUND', 'there is no such playlist');
    this.#options.counts.playlist += 1;
    // A part of compressed bytes is of no use to a client that means the text.
    const encoding = header('range') === '' ? acceptedEncoding(header('accept-encoding')) : 'identity';
    return { status: 200, prepared: this.#playlistReply(found.as(encoding)) };
  }

  #segment(session: LiveSession, request: StreamRequest): Reply | Promise<Reply> {
    const wanted = parseSegmentPath(session, request.params.rest);
    if (wanted === null) throw new FerriteError('SEGMENT_NOT_FOUND', 'there is no such segment, rung or track');
    const { track, name } = wanted;
    const { counts } = this.#options;
    this.#follow(session, track, name);
    const hot = this.#hot(wanted);
    if (hot === undefined && track.isLocated && name !== 'init')
      return this.#located(session, track, { index: name, signal: request.signal });
    if (hot === undefined) return this.#fromDisk(wanted) ?? this.#made(session, wanted, request.signal);
    counts.memory += 1;
    return { status: 200, prepared: this.#segmentReply(wanted, hot) };
  }

  #hot(wanted: WantedSegment): Buffer | undefined {
    const { segments } = this.#options;
    return isChunk(wanted) ? segments.hotChunk(wanted.track, wanted.name, wanted.chunk) : segments.hot(wanted.track, wanted.name);
  }

  /** Without a promise, and without taking memory from what is hot; null where it has to be had in another way. */
  #fromDisk(wanted: WantedSegment): Reply | null {
    const { segments, coldFiles, counts } = this.#options;
    if (!coldFiles.mayOpen || isChunk(wanted)) return null;
    const { track, name } = wanted;
    const file = segments.onDisk(track, name);
    if (file === undefined) return null;
    const opened = coldFiles.open(file.path, file.byteLength);
    if (opened === null) {
      segments.dropped(track, name);
      return null;
    }
    counts.disk += 1;
    const etag = segmentTag(wanted, file.byteLength);
    return { status: 200, headers: this.#immutable, streamed: coldBody(opened), contentType: segmentType(track), etag };
  }

  async #made(session: LiveSession, wanted: WantedSegment, gone: AbortSignal): Promise<Reply> {
    const { sessions, metrics, counts } = this.#options;
    const startedMs = performance.now();
    const { track } = wanted;
    const bytes = await whileOpen(session, gone, signal =>
      isChunk(wanted)
        ? sessions.chunk(session, track, { index: wanted.name, chunk: wanted.chunk }, signal)
        : sessions.segment(session, track, wanted.name, signal),
    );
    metrics.segmentWait.observe({ delivery: session.record.offer.delivery, rung: track.rung }, performance.now() - startedMs);
    counts.made += 1;
    return { status: 200, prepared: this.#segmentReply(wanted, bytes) };
  }

  /** A copy as it lies in its file; no promise where another viewer asked for it lately. */
  #located(session: LiveSession, track: TrackLayout, { index, signal }: { index: number; signal: AbortSignal }): Reply | Promise<Reply> {
    const { sessions, counts } = this.#options;
    const reply = (segment: LocatedSegment): Reply => {
      counts.located += 1;
      const streamed = this.#locatedSegments.body(session.media, segment);
      const etag = segmentTag({ track, name: index, chunk: null }, segment.byteLength);
      return { status: 200, headers: this.#immutable, streamed, contentType: segmentType(track), etag };
    };
    const located = sessions.locate(session, track, index, signal);
    return located instanceof Promise ? whileOpen(session, signal, () => located).then(reply) : reply(located);
  }

  /** Notes what is being watched; an encode that waits for its viewer hears that it has come nearer. */
  #follow(session: LiveSession, track: TrackLayout, name: SegmentName): void {
    const { kind } = track.track;
    const hasChanged = session[kind] !== track;
    session[kind] = track;
    if (name === 'init') return;
    // The same one again is no news, and without an encode nobody is there to hear it. One that is no longer watched must hear of it.
    const isNews = track.isEncoded && session.served[kind] !== name && session.status?.encodes.length !== 0;
    session.served[kind] = name;
    if (!hasChanged && !isNews) return;
    const { id, mediaId } = session.record;
    this.#options.hosts.notify(mediaId, { kind: 'served', sessionId: id, track: track.track, index: name });
  }

  #segmentReply(wanted: WantedSegment, bytes: Buffer): PreparedReply {
    const known = this.#segmentReplies.get(bytes);
    if (known !== undefined) return known;
    const etag = segmentTag(wanted, bytes.byteLength);
    const made = new PreparedReply({ bytes, contentType: segmentType(wanted.track), etag, headers: this.#immutable });
    this.#segmentReplies.set(bytes, made);
    return made;
  }

  #playlistReply(playlist: EncodedPlaylist): PreparedReply {
    const known = this.#playlistReplies.get(playlist);
    if (known !== undefined) return known;
    const { bytes, etag, encoding } = playlist;
    const encoded = encoding === 'identity' ? {} : { 'Content-Encoding': encoding };
    const headers = { ...this.#immutable, Vary: 'Accept-Encoding', ...encoded };
    const made = new PreparedReply({ bytes, contentType: PLAYLIST_TYPE, etag, headers });
    this.#playlistReplies.set(playlist, made);
    return made;
  }

  async #directFile(session: LiveSession, name: string): Promise<Reply> {
    const { media, record } = session;
    if (record.offer.delivery !== 'direct' || name !== directFileName(session))
      throw new FerriteError('SEGMENT_NOT_FOUND', 'the session has no such file');
    const facts = await stat(media.path).catch(cause => {
      throw new FerriteError('MEDIA_CHANGED', 'the media file is gone', { cause });
    });
    if (facts.size !== media.byteLength || Math.trunc(facts.mtimeMs) !== media.mtimeMs) {
      throw new FerriteError('MEDIA_CHANGED', 'the media file was replaced since it was scanned');
    }
    if (this.#options.sessions.find(record.id) !== session) throw new FerriteError('TOKEN_REVOKED', 'the session has ended');
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

/** Refused at once when the session ends meanwhile, as by a revocation. */
async function whileOpen<T>(session: LiveSession, gone: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const over = new AbortController();
  const ended = Promise.withResolvers<never>();
  const release = session.whenEnded(() => {
    over.abort();
    ended.reject(new FerriteError('TOKEN_REVOKED', 'the session has ended'));
  });
  try {
    return await Promise.race([ended.promise, work(AbortSignal.any([gone, over.signal]))]);
  } finally {
    release();
  }
}

type WantedWhole = { readonly track: TrackLayout; readonly name: SegmentName; readonly chunk: null };
type WantedChunk = { readonly track: TrackLayout; readonly name: number; readonly chunk: ChunkNumber };
type WantedSegment = WantedWhole | WantedChunk;

const isChunk = (wanted: WantedSegment): wanted is WantedChunk => wanted.chunk !== null;

function parseSegmentPath(session: LiveSession, path: string): WantedSegment | null {
  const slash = path.lastIndexOf('/');
  const track = session.layout.tracks.get(path.slice(0, slash));
  if (track === undefined) return null;
  const chunk = chunkNumberOf(path);
  if (chunk === null) {
    const name = parseSegmentName(path, slash + 1, track.segmentCount);
    return name === null ? null : { track, name, chunk };
  }
  const { splitIndex } = session.layout;
  const isOffered = splitIndex !== null && track.rendition.kind === 'video-encode';
  return isOffered && path.slice(slash + 1) === `${splitIndex}.${chunk}.m4s` ? { track, name: splitIndex, chunk } : null;
}

/** Of `<n>.0.m4s` and `<n>.1.m4s`. */
function chunkNumberOf(path: string): ChunkNumber | null {
  if (path.endsWith('.0.m4s')) return 0;
  return path.endsWith('.1.m4s') ? 1 : null;
}

const ZERO = 48;
const NINE = 57;

/** `init.mp4` or `<n>.m4s` from `from` on, with one spelling for each number; null for everything else. */
function parseSegmentName(path: string, from: number, segmentCount: number): SegmentName | null {
  if (!path.endsWith('.m4s')) return path.endsWith('init.mp4') && path.length === from + 'init.mp4'.length ? 'init' : null;
  const end = path.length - '.m4s'.length;
  if (end <= from || (path.charCodeAt(from) === ZERO && end > from + 1)) return null;
  let index = 0;
  for (let at = from; at < end; at++) {
    const digit = path.charCodeAt(at);
    if (digit < ZERO || digit > NINE) return null;
    index = index * 10 + digit - ZERO;
    if (index >= segmentCount) return null;
  }
  return index;
}

const segmentType = (track: TrackLayout): string => (track.track.kind === 'video' ? 'video/mp4' : 'audio/mp4');

/** With the length: a segment that was evicted and encoded again may have other bytes. */
const segmentTag = ({ track, name, chunk }: WantedSegment, byteLength: number): string =>
  `"${track.key}-${name}${chunk === null ? '' : `.${chunk}`}-${byteLength.toString(36)}"`;

/** The token in the address is one viewer's right: a shared cache would go on answering after it was revoked. */
const cacheControl = (sharedCacheMs: number): string =>
  sharedCacheMs === 0
    ? `private, max-age=${DAY_S}, immutable`
    : `public, max-age=${DAY_S}, s-maxage=${Math.ceil(sharedCacheMs / 1000)}, immutable`;

/** The name of the file as a player sees it: its extension tells what is in it. */
export const directFileName = (session: Pick<LiveSession, 'media'>): string => `file${extname(session.media.path).toLowerCase() || '.bin'}`;
