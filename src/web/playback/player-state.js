// `window.ferrite`: the player's state, for tests and for people who report a fault.

/** @type {import('./playback.js').Playback | null} */
let playback = null;

/** @param {import('./playback.js').Playback | null} present */
export function publishPlayer(present) {
  playback = present;
}

export function exposePlayerState() {
  const state = Object.freeze({
    get sessionId() {
      return playback?.info?.sessionId ?? null;
    },
    get delivery() {
      return playback?.info?.delivery ?? null;
    },
    get reasons() {
      return playback?.info?.reasons ?? [];
    },
    get status() {
      return playback?.status ?? null;
    },
    get positionMs() {
      return playback?.positionMs ?? null;
    },
    get levels() {
      return playback?.delivery?.levels ?? [];
    },
    get sessionCount() {
      return playback?.sessionCount ?? 0;
    },
    get stats() {
      return playback?.stats ?? null;
    },
  });
  Object.defineProperty(window, 'ferrite', { value: state });
}
