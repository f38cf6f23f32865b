// Playback sessions as clients see them: the answer to a start, a session in a list, its ladder and addresses.

import {
  directFileOf,
  FONT_LIST,
  IMAGES,
  MULTIVARIANT,
  mediaPlaylistOf,
  sourceFileOf,
  streamAddress,
  wholeTextOf,
} from '#domain/addresses.ts';
import type { SubtitleRendition } from '#domain/rendition.ts';
import { offeredSubtitles } from '#domain/subtitles/offer.ts';
import { isStyled, sourceExtension, subtitleKind } from '#domain/subtitles/tracks.ts';
import { previewPlan } from '#domain/trick-play/previews.ts';
import type { Standing } from '#src/playback/admission/admission.ts';
import { HEARTBEAT_INTERVAL_MS, type LiveSession } from '#src/playback/session/live-session.ts';
import type { StartedSession } from '#src/playback/session/session-starts.ts';

export function startAnswer(started: StartedSession): Record<string, unknown> {
  return { ...startFields(started), state: 'ready', streamUrl: streamUrl(started.session, started.token) };
}

/** Its turn is still to come. */
export function queuedAnswer(started: StartedSession, queue: Standing | null): Record<string, unknown> {
  return { ...startFields(started), state: 'queued', queue };
}

function startFields({ session, token, queueWaitMs }: StartedSession): Record<string, unknown> {
  const { record, media } = session;
  const { offer } = record;
  return {
    sessionId: record.id,
    mediaId: record.mediaId,
    delivery: offer.delivery,
    reasons: offer.reasons,
    controlUrl: `/api/v1/sessions/${record.id}/control?token=${token}`,
    startPositionMs: record.startPositionMs,
    durationMs: media.durationMs,
    expiresAtMs: session.expiresAtMs,
    heartbeatIntervalMs: HEARTBEAT_INTERVAL_MS,
    queueWaitMs,
    tracks: { ...media.streams, subtitles: offeredSubtitles(offer).map(one => shownSubtitles(session, one)) },
    subtitleTrack: offer.subtitleTrack,
    ladder: ladderOf(session),
    previews: previewsOf(session, token),
  };
}

/** The small pictures for a seek bar: picture `k`, of `k * intervalMs`, stands in tile `floor(k / (columns * rows))`, row by row. */
function previewsOf({ record, media }: LiveSession, token: string): Record<string, unknown> | null {
  const plan = previewPlan(media);
  if (plan === null) return null;
  const { intervalMs, count, width, height, columns, rows } = plan;
  const playlistUrl = streamAddress(record.id, token, mediaPlaylistOf(IMAGES));
  return { playlistUrl, intervalMs, count, width, height, columns, rows };
}

/**
 * As they are offered. Below the session's stream URL: `wholeUrl`, text for who plays the film's own file, null where there is none;
 * `sourceUrl`, the track as it was authored, whose times are media time when `sourceOffsetMs` has been added; `fontsUrl`, where it is styled.
 */
function shownSubtitles(
  { sourceOffsetsMs }: LiveSession,
  { streamIndex: _, sidecar, ...track }: SubtitleRendition,
): Record<string, unknown> {
  const kind = subtitleKind(track.codec);
  return {
    ...track,
    kind,
    isExternal: sidecar !== null,
    wholeUrl: kind === 'text' ? wholeTextOf(track.track) : null,
    sourceUrl: sourceFileOf(track.track, sourceExtension(track.codec)),
    sourceOffsetMs: sourceOffsetsMs[sidecar === null ? 'stream' : 'file'],
    fontsUrl: isStyled(track.codec) ? FONT_LIST : null,
  };
}

/** A stream URL that runs out is followed by another. */
export function heartbeatAnswer(session: LiveSession, { expiresAtMs, streamToken }: { expiresAtMs: number; streamToken?: string }) {
  return { expiresAtMs, ...(streamToken === undefined ? {} : { streamUrl: streamUrl(session, streamToken) }) };
}

const streamUrl = (session: LiveSession, token: string): string =>
  streamAddress(session.record.id, token, session.record.offer.delivery === 'direct' ? directFileOf(session.media) : MULTIVARIANT);

/** The answer fields for a client that did not wait, once its turn has come; none for other clients. */
export const arrivedStream = (session: LiveSession): { streamUrl?: string } =>
  session.arrivedToken === null ? {} : { streamUrl: streamUrl(session, session.arrivedToken) };

export const ladderOf = ({ record }: LiveSession): Record<string, unknown>[] =>
  record.offer.video.map(({ rungId, width, height, bandwidthBps, codecs }) => ({ rung: rungId, width, height, bandwidthBps, codecs }));

/** The view of a session for its owner, the only one who gets the stream URL. */
export function describeOwn(session: LiveSession, queue: Standing | null): Record<string, unknown> {
  return { ...describe(session, queue), ...arrivedStream(session) };
}

export function describe(session: LiveSession, queue: Standing | null): Record<string, unknown> {
  const { record, status } = session;
  return {
    sessionId: record.id,
    mediaId: record.mediaId,
    userId: record.userId,
    state: queue === null ? session.shownState : 'queued',
    delivery: record.offer.delivery,
    reasons: record.offer.reasons,
    rung: session.video?.rung ?? null,
    positionMs: session.positionMs,
    createdAtMs: record.createdAtMs,
    expiresAtMs: session.expiresAtMs,
    encodes: status?.encodes ?? [],
    queue,
  };
}
