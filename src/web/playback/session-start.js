// Starts a session: the body of the request, and patience with a server that is busy or restarting.
import { ApiError, isTransient } from '../api.js';
import { describeTurn } from '../messages.js';
import { readSeekMode } from '../player/seek-mode.js';
import { PlaybackSession } from './session.js';

/** @typedef {{ delivery: 'auto' | 'transcode', rung: string | null, audioTrack: number | null }} Wanted */

const GIVE_UP_MS = 120_000;

/**
 * @param {string} mediaId
 * @param {import('./capabilities.js').Capabilities} capabilities
 * @param {Wanted} wanted
 * @param {number | null} positionMs null: the saved progress
 */
export function startBody(mediaId, capabilities, { delivery, audioTrack }, positionMs) {
  return {
    mediaId,
    // The film's page has chosen the version.
    exact: true,
    client: { capabilities },
    ...(positionMs === null ? {} : { startPositionMs: Math.round(positionMs) }),
    delivery,
    seekMode: readSeekMode(),
    ...(audioTrack === null ? {} : { audioTrack }),
    priority: 'interactive',
  };
}

/**
 * The same as a question: what would be delivered. The names in a list are said one by one.
 * @param {string} mediaId
 * @param {import('./capabilities.js').Capabilities} capabilities
 * @param {Wanted} wanted
 */
export function decisionUrl(mediaId, capabilities, { delivery, audioTrack }) {
  const query = new URLSearchParams({ delivery });
  if (audioTrack !== null) query.set('audioTrack', String(audioTrack));
  for (const [name, value] of Object.entries(capabilities)) {
    const said = Array.isArray(value) ? value : [value];
    // A list without names is said too: it is not the same as nothing.
    for (const one of said.length === 0 ? [''] : said) query.append(name, String(one));
  }
  return `/api/v1/media/${encodeURIComponent(mediaId)}/decision?${query}`;
}

/**
 * @param {{ body: object, snapshot: () => import('./session.js').Snapshot, signal: AbortSignal, onWait: (message: string) => void }} options
 * @returns {Promise<PlaybackSession>}
 */
export async function startSession({ body, snapshot, signal, onWait }) {
  const startedMs = performance.now();
  const slow = setTimeout(() => onWait('Waiting for the server…'), 2_500);
  try {
    for (let attempt = 0; ; attempt++) {
      try {
        const session = await PlaybackSession.start(body, snapshot, signal);
        clearTimeout(slow);
        await session
          .waitForTurn(signal, turn => onWait(describeTurn(turn)))
          .catch(error => {
            session.stop();
            throw error;
          });
        return session;
      } catch (error) {
        if (signal.aborted || !(error instanceof ApiError) || !isTransient(error) || performance.now() - startedMs > GIVE_UP_MS)
          throw error;
        onWait(`${error.message} Trying again…`);
        await new Promise(resolve => setTimeout(resolve, error.retryAfterMs ?? Math.min(500 * 2 ** attempt, 5_000)));
        if (signal.aborted) throw error;
      }
    }
  } finally {
    clearTimeout(slow);
  }
}
