// The playback machine's context and events, and how its snapshots are read: status, position, whether it is to play.

/** @typedef {import('../player/seek-mode.js').SeekMode} SeekMode */
/** @typedef {import('./session.js').Turn} Turn */
/** @typedef {import('./session-start.js').Wanted} Wanted */
/** @typedef {'direct' | 'remux' | 'transcode'} DeliveryKind */
/** @typedef {{ targetMs: number, mode: SeekMode }} Seek */
/** Facts that only the page knows, sent with every event. @typedef {{ shownMs: number, nowMs: number, isEnded: boolean }} Facts */
/** @typedef {{ context: Context, matches(state: any): boolean }} Snapshot */
/** @typedef {{ delivery: DeliveryKind, startPositionMs: number }} Opened */
/** @typedef {{ wanted: Wanted, startMs: number | null }} OpeningInput */
/**
 * `startMs`: where the session being opened begins; null: where the person stopped last time. `attached`: the delivery that feeds the video
 * element. `heldMs`: where playback stands while the element does not show it yet; `aimed`, `gathered`: where the newest seek goes.
 * @typedef {{
 *   wanted: Wanted, startMs: number | null, attached: DeliveryKind | null, sessionCount: number, canPlayOriginal: boolean, restartsMs: readonly number[],
 *   heldMs: number | null, aimed: Seek | null, gathered: Seek | null, message: string, turn: Turn | null
 * }} Context
 */
/**
 * Orders (`noun.verb`) and facts (`noun.pastVerb`), before the page adds its own facts.
 * @typedef {(
 *   | { type: 'playback.start', positionMs: number | null }
 *   | { type: 'playback.play' } | { type: 'playback.pause' } | { type: 'playback.retry' } | { type: 'playback.suspend' } | { type: 'playback.close' }
 *   | { type: 'settings.choose', changes: Partial<Wanted> }
 *   | ({ type: 'seek.to' } & Seek) | ({ type: 'seek.step' } & Seek) | ({ type: 'seek.begun' } & Seek) | ({ type: 'landing.ask' } & Seek)
 *   | ({ type: 'session.opened' } & Opened)
 *   | { type: 'session.delayed' | 'session.refused' | 'session.lost' | 'session.revoked', message: string }
 *   | { type: 'session.queued', turn: Turn | null }
 *   | { type: 'delivery.attached' } | { type: 'delivery.recovered' } | { type: 'delivery.troubled', message: string }
 *   | { type: 'delivery.failed', code: string, message: string }
 *   | { type: 'picture.shown', hasPicture: boolean } | { type: 'picture.paused', isReloading: boolean }
 *   | { type: 'sound.refused' }
 * )} Report
 */
/** @typedef {Report & Facts} Event */

/** Where playback is for a person: where the newest seek goes, else where the picture is. @param {Context} context @param {number} shownMs */
export const positionOf = ({ gathered, aimed, heldMs }, shownMs) => gathered?.targetMs ?? aimed?.targetMs ?? heldMs ?? shownMs;

/**
 * The session's status as a person sees it. `waiting`: a request is tried again without anybody's doing; `failed`: a person has to press Retry.
 * @typedef {{ name: 'starting' } | { name: 'ready' } | { name: 'waiting', message: string } | { name: 'failed', message: string } | { name: 'closed' }} Status
 */

/** @param {Snapshot} snapshot @returns {Status} */
export function statusOf(snapshot) {
  const { message } = snapshot.context;
  /** @param {object | string} session */
  const isIn = session => snapshot.matches({ watching: { session } });
  if (snapshot.matches('closed')) return { name: 'closed' };
  if (isIn('failed')) return { name: 'failed', message };
  if (isIn({ opening: 'waiting' }) || isIn({ ready: 'troubled' })) return { name: 'waiting', message };
  return { name: isIn('idle') || isIn({ opening: 'starting' }) ? 'starting' : 'ready' };
}

/** @param {Snapshot} snapshot */
export const wantsPlay = snapshot => snapshot.matches({ watching: { intent: 'playing' } });
