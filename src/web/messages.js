// Each failure in words for the person watching: code → a sentence that says what happened and what to do.

/** @type {Record<string, string>} */
const SENTENCES = {
  NETWORK: 'The server can not be reached. Check the connection.',
  TIMEOUT: 'The server did not answer in time.',
  UNAUTHENTICATED: 'Please sign in again.',
  INVALID_CREDENTIALS: 'Wrong user name or password.',
  PASSKEY_REFUSED: 'That passkey was not accepted. Sign in another way.',
  SIGN_IN_REFUSED: 'That account may not sign in here, or the sign-in took too long. Ask an administrator.',
  PROVIDER_FAILED: 'The sign-in provider did not answer as it should. Try again.',
  TOKEN_EXPIRED: 'Your login has expired. Please sign in again.',
  TOKEN_REVOKED: 'You were signed out. Please sign in again.',
  FORBIDDEN: 'Your account may not do this. Ask an administrator.',
  NOT_FOUND: 'There is nothing here.',
  LIBRARY_NOT_FOUND: 'That library is not there any more.',
  MEDIA_NOT_FOUND: 'This film is not in the library any more.',
  SESSION_NOT_FOUND: 'The playback session has ended.',
  SEGMENT_NOT_FOUND: 'A part of this film can not be found.',
  SETUP_CODE_NEEDED: 'That is not the code. The log of the server shows it.',
  SETUP_DONE: 'This server is already set up. Please sign in.',
  MEDIA_UNREADABLE: 'The file of this film can not be read. It may be damaged or missing.',
  MEDIA_UNSUPPORTED: 'This film can not be played that way.',
  MEDIA_CHANGED: 'The file of this film was changed while it was playing.',
  TOO_MANY_REQUESTS: 'Too many attempts. Wait a moment, then try again.',
  ENCODE_FAILED: 'The server could not convert this film.',
  ENCODE_STALLED: 'Converting this film is taking too long. A lower quality may help.',
  STORAGE_FAILED: 'The server has trouble with its disk.',
  INTERNAL: 'Something went wrong on the server.',
  OVERLOADED: 'The server is busy converting films for others.',
  TOO_MANY_SESSIONS: 'You are watching in too many places. Stop one of them, then try again.',
  DRAINING: 'The server is restarting.',
  WORKER_LOST: 'The server is recovering from a fault.',
  DECODE: 'This browser can not play the film.',
  PLAYER: 'The player could not be loaded.',
  REVOKED: 'Playback was ended because your access was withdrawn.',
};

/** Codes whose text from the server names the mistake in the input. */
const TELLING = new Set(['INVALID_REQUEST', 'CONFLICT', 'BODY_TOO_LARGE']);

/**
 * @param {string} code
 * @param {string} detail the server's own words
 */
export function explain(code, detail) {
  if (TELLING.has(code) && detail !== '') return detail;
  return SENTENCES[code] ?? (detail !== '' ? detail : 'Something went wrong.');
}

/** @param {unknown} error */
export const explainError = error => (error instanceof Error && 'code' in error ? error.message : 'Something went wrong in this page.');

/** Why a film is not delivered as it is. @param {string} reason */
export const explainReason = reason => reason.replaceAll('-', ' ');

/** @param {{ position: number, estimatedWaitMs: number | null }} turn */
export function describeTurn({ position, estimatedWaitMs }) {
  const seconds = estimatedWaitMs === null ? 0 : Math.ceil(estimatedWaitMs / 1000);
  return `Waiting for a transcoder, place ${position}${seconds > 0 ? ` (about ${seconds} s)` : ''}`;
}
