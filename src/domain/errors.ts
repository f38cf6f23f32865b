// Every failure that the product can report: code → status, whether retrying helps, and what to do. `docs/errors.md` is kept equal to this table by a test.

type ErrorRow = { readonly status: number; readonly title: string; readonly remedy: string; readonly retryAfterMs?: number };

export const ERRORS = {
  INVALID_REQUEST: { status: 400, title: 'The request is not valid', remedy: 'Correct the fields named in the answer.' },
  UNAUTHENTICATED: { status: 401, title: 'Not signed in', remedy: 'Sign in and send the access token as a Bearer token.' },
  INVALID_CREDENTIALS: { status: 401, title: 'Wrong user name or password', remedy: 'Check both and try again.' },
  TOKEN_EXPIRED: {
    status: 401,
    title: 'The token has expired',
    remedy: 'Refresh the access token, or ask the session for a new stream URL by a heartbeat.',
  },
  TOKEN_REVOKED: { status: 401, title: 'The token was revoked', remedy: 'Sign in again.' },
  PASSKEY_REFUSED: { status: 401, title: 'The passkey was not accepted', remedy: 'Try again, or sign in another way.' },
  FORBIDDEN: { status: 403, title: 'Not allowed', remedy: 'Ask an administrator.' },
  SIGN_IN_REFUSED: { status: 403, title: 'The sign-in was refused', remedy: 'Begin again; else ask an administrator for an account.' },
  SETUP_CODE_NEEDED: {
    status: 403,
    title: 'The setup asks for a code',
    remedy: 'Send the code that the log of the server shows as `code`.',
  },
  NOT_FOUND: { status: 404, title: 'There is nothing at this address', remedy: 'See /openapi.json for what there is.' },
  USER_NOT_FOUND: { status: 404, title: 'No such user', remedy: 'List the users.' },
  GROUP_NOT_FOUND: { status: 404, title: 'No such group', remedy: 'List the groups.' },
  LIBRARY_NOT_FOUND: { status: 404, title: 'No such library', remedy: 'List the libraries.' },
  MEDIA_NOT_FOUND: { status: 404, title: 'No such media', remedy: 'Search the library again: the file may have been removed.' },
  SHOW_NOT_FOUND: {
    status: 404,
    title: 'No such show',
    remedy: 'List the shows: its episodes may have been removed, or be called otherwise.',
  },
  SEASON_NOT_FOUND: { status: 404, title: 'No such season', remedy: 'Look at the show again.' },
  SESSION_NOT_FOUND: { status: 404, title: 'No such playback session', remedy: 'Start a new session: this one ended or expired.' },
  SESSION_EXPIRED: { status: 410, title: 'The playback session has expired', remedy: 'Start a new session where the last one was.' },
  SEGMENT_NOT_FOUND: { status: 404, title: 'No such segment, rung or track', remedy: 'Use the addresses in the playlist.' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'This address does not take that method', remedy: 'See /openapi.json.' },
  CONFLICT: { status: 409, title: 'This conflicts with what there is', remedy: 'Read the detail.' },
  SETUP_DONE: { status: 409, title: 'The server is already set up', remedy: 'Sign in as the administrator.' },
  BODY_TOO_LARGE: { status: 413, title: 'The request body is too large', remedy: 'Send less.' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: 'The body is not JSON', remedy: 'Send application/json.' },
  RANGE_NOT_SATISFIABLE: { status: 416, title: 'The range lies outside the file', remedy: 'Ask for a range within Content-Range.' },
  MEDIA_UNREADABLE: {
    status: 422,
    title: 'The media file can not be read',
    remedy: 'Check that the file is whole and readable, then scan again.',
  },
  MEDIA_UNSUPPORTED: { status: 422, title: 'The media can not be delivered that way', remedy: 'Ask for delivery "auto".' },
  MEDIA_CHANGED: { status: 410, title: 'The media file changed while it was playing', remedy: 'Start a new session.' },
  TOO_MANY_REQUESTS: { status: 429, title: 'Too many attempts', remedy: 'Wait before trying again.', retryAfterMs: 30_000 },
  TOO_MANY_SESSIONS: {
    status: 429,
    title: 'The account has too many open sessions',
    remedy: 'Stop one of them, or raise FERRITE_MAX_SESSIONS_PER_USER.',
    retryAfterMs: 30_000,
  },
  CANCELLED: { status: 499, title: 'The client went away', remedy: 'Nothing to do.' },
  ENCODE_FAILED: { status: 500, title: 'The transcoder failed', remedy: 'Try again; the server log has the end of its error output.' },
  STORAGE_FAILED: { status: 500, title: 'The data folder can not be read or written', remedy: 'Check disk space and rights.' },
  INTERNAL: { status: 500, title: 'Internal error', remedy: 'Report it with the time: the server log has the details.' },
  PROVIDER_FAILED: {
    status: 502,
    title: 'The sign-in provider did not answer as it should',
    remedy: 'Try again; the log of the server says more.',
  },
  OVERLOADED: { status: 503, title: 'Every transcoder is busy', remedy: 'Try again after Retry-After.', retryAfterMs: 5_000 },
  METADATA_UNAVAILABLE: {
    status: 503,
    title: 'A database of films can not be asked now',
    remedy: 'Between the server and its providers only: no client is shown it.',
    retryAfterMs: 60_000,
  },
  PREVIEWS_NOT_READY: {
    status: 503,
    title: 'The small pictures of the film are being made',
    remedy: 'Try again after Retry-After.',
    retryAfterMs: 3_000,
  },
  GRANT_NEEDED: {
    status: 503,
    title: 'A new encode needs a grant first',
    remedy: 'Between threads only: no client is shown it.',
    retryAfterMs: 1_000,
  },
  DRAINING: { status: 503, title: 'The server is shutting down', remedy: 'Try again after Retry-After.', retryAfterMs: 5_000 },
  WORKER_LOST: {
    status: 503,
    title: 'The session host was lost and is being replaced',
    remedy: 'Try again after Retry-After.',
    retryAfterMs: 1_000,
  },
  MEDIA_HELD: {
    status: 503,
    title: 'The media twice made its session host stop answering',
    remedy: 'Try again after Retry-After; scan the library again when the file was replaced.',
    retryAfterMs: 60_000,
  },
  INSPECTOR_LOST: {
    status: 500,
    title: 'A file ended the process that read it, or took more of it than a file may',
    remedy: 'Between a scan and its inspectors only: no client is shown it.',
  },
  INSPECTION_DEFERRED: {
    status: 503,
    title: 'The file could not be read in time, by no fault of its own',
    remedy: 'Scan the library again when the machine or its disk has less to do; what is listed stays listed.',
    retryAfterMs: 60_000,
  },
  SUBTITLES_PENDING: {
    status: 503,
    title: 'The subtitles are still being read from the film',
    remedy: 'Try again after Retry-After; the film plays meanwhile.',
    retryAfterMs: 3_000,
  },
  ENCODE_STALLED: {
    status: 504,
    title: 'The transcoder made no progress',
    remedy: 'Try again, or choose a lower quality.',
    retryAfterMs: 2_000,
  },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

/** An error as it crosses a thread or the network: errors lose their class between threads. */
export type ErrorRecord = { readonly code: ErrorCode; readonly message: string };

/** A field of a request that was refused. `path` is a JSON pointer. */
export type FieldError = { readonly path: string; readonly message: string };

export class FerriteError extends Error {
  readonly code: ErrorCode;
  readonly fields: readonly FieldError[];
  readonly retryAfterMs: number | undefined;
  /** Members of the answer that belong to this code alone, such as `queueDepth` with OVERLOADED. */
  readonly details: Readonly<Record<string, number | string>>;
  constructor(
    code: ErrorCode,
    message: string,
    options: {
      cause?: unknown;
      fields?: readonly FieldError[];
      retryAfterMs?: number;
      details?: Readonly<Record<string, number | string>>;
    } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'FerriteError';
    this.code = code;
    this.fields = options.fields ?? [];
    this.details = options.details ?? {};
    const row: ErrorRow = ERRORS[code];
    this.retryAfterMs = options.retryAfterMs ?? row.retryAfterMs;
  }
  toRecord(): ErrorRecord {
    return { code: this.code, message: this.message };
  }
}

/** Anything that is not a FerriteError is a bug: its text stays inside. */
export function toErrorRecord(error: unknown): ErrorRecord {
  return error instanceof FerriteError ? error.toRecord() : { code: 'INTERNAL', message: 'an unexpected failure' };
}

export const fromErrorRecord = ({ code, message }: ErrorRecord): FerriteError => new FerriteError(code, message);
