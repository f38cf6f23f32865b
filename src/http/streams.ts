// Playlists, segments and files of a session. The token in the path is checked by signature, expiry and revocation alone: no user, no database, no JSON.
import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { FerriteError } from '#domain/errors.ts';
import type { SegmentName } from '#domain/rendition.ts';
import type { StreamTokens } from '#src/auth/stream-tokens.ts';
import type { TrackLayout } from '#src/playback/layout.ts';
import type { LiveSession } from '#src/playback/live-session.ts';
import type { Segments } from '#src/playback/segments.ts';
import type { PlaybackSessions } from '#src/playback/sessions.ts';
import type { Metrics } from '#src/telemetry.ts';
import type { WorkerPool } from '#src/worker-pool.ts';
import type { StreamDecision } from '#storage/auth-decisions.ts';
import { type Reply, type Route, route } from './route.ts';

export type StreamRouteOptions = {
  readonly tokens: StreamTokens;
  readonly sessions: PlaybackSessions;
  readonly segments: Segments;
  readonly workers: () => WorkerPool;
  readonly metrics: Metrics;
};

type StreamRequest = {
  readonly params: { readonly sessionId: string; readonly token: string; readonly rest: string };
  readonly signal: AbortSignal;
};

// A segment of a static plan never changes; the token in its address makes it one viewer's.
const IMMUTABLE = { 'Cache-Control': 'private, max-age=86400, immutable' };
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
      handler: request => {
        const startedMs = performance.now();
        const decision = options.tokens.decide(request.params.token, Date.now());
        if (decision instanceof Promise) return decision.then(decided => answer(options, request, decided));
        options.metrics.authHotPath.observe(performance.now() - startedMs);
        return answer(options, request, decision);
      },
    }),
  ];
}

function answer(options: StreamRouteOptions, request: StreamRequest, decision: StreamDecision): Reply | Promise<Reply> {
  const { sessionId, rest } = request.params;
  // A token for another session is as good as none.
  if (decision.sessionId !== sessionId) throw new FerriteError('UNAUTHENTICATED', 'the token is for another session');
  const session = options.sessions.find(decision.sessionId);
  if (!session) throw new FerriteError('SESSION_NOT_FOUND', 'the session has ended');
  session.seen(Date.now());
  if (rest.endsWith('.m3u8')) return playlist(session, rest);
  if (rest.startsWith('file.')) return directFile(session, rest);
  return segment(options, session, request);
}

function playlist(session: LiveSession, path: string): Reply {
  const found = session.layout.playlist(path);
  if (!found) throw new FerriteError('SEGMENT_NOT_FOUND', 'there is no such playlist');
  return { status: 200, headers: IMMUTABLE, bytes: found.bytes, contentType: PLAYLIST_TYPE, etag: found.etag };
}

function segment(options: StreamRouteOptions, session: LiveSession, request: StreamRequest): Reply | Promise<Reply> {
  const { rest } = request.params;
  const slash = rest.lastIndexOf('/');
  const track = session.layout.tracks.get(rest.slice(0, slash));
  const name = track && parseSegmentName(rest.slice(slash + 1), track.segmentCount);
  if (!track || name === undefined) throw new FerriteError('SEGMENT_NOT_FOUND', 'there is no such segment, rung or track');
  follow(options, session, track, name);
  const hot = options.segments.hot(track, name);
  return hot ? segmentReply(track, name, hot) : coldSegment(options, { session, track, name, signal: request.signal });
}

async function coldSegment(
  { sessions, segments, metrics }: StreamRouteOptions,
  { session, track, name, signal }: { session: LiveSession; track: TrackLayout; name: SegmentName; signal: AbortSignal },
): Promise<Reply> {
  const { record } = session;
  const startedMs = performance.now();
  // Copies and sound cost little; a picture to encode needs a place.
  if (track.rendition.kind === 'video-encode') await sessions.admit(session);
  const wish = { mediaId: record.mediaId, sessionId: record.id, layout: track, name, positionMs: session.positionMs };
  const bytes = await segments.get(wish, signal);
  metrics.segmentWait.observe({ delivery: record.offer.delivery, rung: track.rung }, performance.now() - startedMs);
  return segmentReply(track, name, bytes);
}

/** Notes what is being watched; an encode that waits for its viewer hears that it has come nearer. */
function follow(options: StreamRouteOptions, session: LiveSession, track: TrackLayout, name: SegmentName): void {
  const kind = track.track.kind;
  const hasChanged = session[kind] !== track;
  session[kind] = track;
  // A copy needs nobody, but an encode that is no longer watched must hear of it.
  if (name === 'init' || !(track.isEncoded || hasChanged)) return;
  const { id, mediaId } = session.record;
  options.workers().notify(mediaId, { kind: 'served', sessionId: id, track: track.track, index: name });
}

const segmentReply = (track: TrackLayout, name: SegmentName, bytes: Buffer): Reply => ({
  status: 200,
  headers: IMMUTABLE,
  bytes,
  contentType: track.track.kind === 'video' ? 'video/mp4' : 'audio/mp4',
  etag: `"${track.key}-${name}"`,
});

/** `init.mp4` or `<n>.m4s` with one spelling for each number; undefined for everything else. */
function parseSegmentName(file: string, segmentCount: number): SegmentName | undefined {
  if (file === 'init.mp4') return 'init';
  if (!file.endsWith('.m4s')) return undefined;
  const digits = file.slice(0, -4);
  const index = Number(digits);
  return Number.isInteger(index) && index >= 0 && index < segmentCount && String(index) === digits ? index : undefined;
}

/** The name of the file as a player sees it: its extension tells what is in it. */
export const directFileName = (session: Pick<LiveSession, 'media'>): string => `file${extname(session.media.path).toLowerCase() || '.bin'}`;

async function directFile(session: LiveSession, name: string): Promise<Reply> {
  const { media, record } = session;
  if (record.offer.delivery !== 'direct' || name !== directFileName(session))
    throw new FerriteError('SEGMENT_NOT_FOUND', 'the session has no such file');
  const facts = await stat(media.path).catch(cause => {
    throw new FerriteError('MEDIA_CHANGED', 'the media file is gone', { cause });
  });
  if (facts.size !== media.byteLength || Math.trunc(facts.mtimeMs) !== media.mtimeMs) {
    throw new FerriteError('MEDIA_CHANGED', 'the media file was replaced since it was scanned');
  }
  return {
    status: 200,
    headers: { 'Cache-Control': 'private, max-age=86400' },
    file: {
      path: media.path,
      byteLength: media.byteLength,
      etag: `"${media.version}"`,
      lastModifiedMs: media.mtimeMs,
      contentType: CONTENT_TYPES[extname(name)] ?? 'application/octet-stream',
    },
  };
}
