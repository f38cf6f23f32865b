// The server's HTTP interface: bearer token with automatic renewal, and failures as ApiError with a text for people.
import { clearLogin, readLogin, saveLogin, withRefreshLock } from './login/login-store.js';
import { explain } from './messages.js';

/** @typedef {{ body?: unknown, signal?: AbortSignal, timeoutMs?: number, keepalive?: boolean, prefer?: string }} Options */

const TIMEOUT_MS = 15_000;
const GET_RETRIES = 2;

/** Fires `signed-out` when the login can not be renewed. */
export const authEvents = new EventTarget();

export class ApiError extends Error {
  /**
   * @param {string} code
   * @param {{ status?: number, detail?: string, retryAfterMs?: number | null }} [facts]
   */
  constructor(code, { status = 0, detail = '', retryAfterMs = null } = {}) {
    super(explain(code, detail));
    this.name = 'ApiError';
    this.code = code;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * An answer as parsed JSON; null for an empty one.
 * @param {string} method
 * @param {string} path
 * @param {Options} [options]
 * @returns {Promise<any>}
 */
export async function request(method, path, options = {}) {
  for (let attempt = 0; ; attempt++) {
    try {
      return await requestAuthorized(method, path, options);
    } catch (error) {
      if (method !== 'GET' || attempt >= GET_RETRIES || !isTransient(error) || options.signal?.aborted) throw error;
      await new Promise(resolve => setTimeout(resolve, 400 * 2 ** attempt));
    }
  }
}

/**
 * Calls that need no login.
 * @param {string} method
 * @param {string} path
 * @param {Options} [options]
 * @returns {Promise<any>}
 */
export async function requestPublic(method, path, options = {}) {
  return readAnswer(await send(method, path, options, null));
}

/** @param {{ username: string, password: string }} credentials */
export async function signIn(credentials) {
  return saveLogin(await requestPublic('POST', '/api/v1/auth/login', { body: credentials }));
}

export async function signOut() {
  try {
    await request('POST', '/api/v1/auth/logout', { body: {}, timeoutMs: 4_000 });
  } finally {
    clearLogin();
  }
}

/** True for failures that pass by themselves. @param {unknown} error */
export function isTransient(error) {
  if (!(error instanceof ApiError)) return false;
  return (
    ['NETWORK', 'TIMEOUT', 'OVERLOADED', 'DRAINING', 'WORKER_LOST'].includes(error.code) || error.status === 502 || error.status === 503
  );
}

/**
 * @param {string} method
 * @param {string} path
 * @param {Options} options
 */
async function requestAuthorized(method, path, options) {
  let login = readLogin();
  if (login === null) throw signedOut();
  if (login.renewAtMs < Date.now()) login = await renew(login.accessToken);
  let response = await send(method, path, options, login.accessToken);
  if (response.status === 401) {
    login = await renew(login.accessToken);
    response = await send(method, path, options, login.accessToken);
  }
  return readAnswer(response);
}

/**
 * @param {string} usedToken the access token that is no good any more
 * @returns {Promise<import('./login/login-store.js').Login>}
 */
function renew(usedToken) {
  return withRefreshLock(async () => {
    const login = readLogin();
    if (login === null) throw signedOut();
    if (login.accessToken !== usedToken) return login;
    try {
      return saveLogin(await requestPublic('POST', '/api/v1/auth/refresh', { body: { refreshToken: login.refreshToken } }));
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      const now = readLogin();
      if (now !== null && now.refreshToken !== login.refreshToken) return now;
      clearLogin();
      throw signedOut();
    }
  });
}

function signedOut() {
  authEvents.dispatchEvent(new Event('signed-out'));
  return new ApiError('UNAUTHENTICATED', { status: 401 });
}

/**
 * @param {string} method
 * @param {string} path
 * @param {Options} options
 * @param {string | null} accessToken
 */
async function send(method, path, { body, signal, timeoutMs = TIMEOUT_MS, keepalive = false, prefer }, accessToken) {
  /** @type {Record<string, string>} */
  const headers = { accept: 'application/json' };
  if (accessToken !== null) headers.authorization = `Bearer ${accessToken}`;
  if (prefer !== undefined) headers.prefer = prefer;
  if (body !== undefined) headers['content-type'] = 'application/json';
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    return await fetch(path, {
      method,
      headers,
      keepalive,
      cache: 'no-store',
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(timeout.aborted ? 'TIMEOUT' : 'NETWORK');
  }
}

/** @param {Response} response */
async function readAnswer(response) {
  const text = await response.text().catch(() => {
    throw new ApiError('NETWORK');
  });
  const json = parseJson(text);
  if (response.ok) return json;
  throw toApiError(response.status, json, response.headers.get('retry-after'));
}

/**
 * @param {number} status
 * @param {any} problem RFC 9457
 * @param {string | null} retryAfter
 */
export function toApiError(status, problem, retryAfter) {
  const code = typeof problem?.code === 'string' ? problem.code : codeOfStatus(status);
  const seconds = retryAfter === null ? Number.NaN : Number(retryAfter);
  const retryAfterMs = typeof problem?.retryAfterMs === 'number' ? problem.retryAfterMs : Number.isFinite(seconds) ? seconds * 1000 : null;
  return new ApiError(code, { status, detail: detailOf(problem), retryAfterMs });
}

/** @param {any} problem */
function detailOf(problem) {
  const fields = problem?.errors ?? problem?.fields;
  const lines = Array.isArray(fields) ? fields.map(field => `${String(field.path ?? '').replace(/^\//, '')}: ${field.message}`) : [];
  if (lines.length > 0) return lines.join('; ');
  return typeof problem?.detail === 'string' ? problem.detail : '';
}

/** @param {number} status of an answer that carried no code, such as a proxy's own page */
function codeOfStatus(status) {
  if (status === 401) return 'UNAUTHENTICATED';
  if (status === 403) return 'FORBIDDEN';
  if (status === 404) return 'NOT_FOUND';
  if (status === 429) return 'TOO_MANY_REQUESTS';
  return status >= 502 ? 'NETWORK' : 'INTERNAL';
}

/** @param {string} text */
export function parseJson(text) {
  if (text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    // A proxy's error page: its status says enough.
    return null;
  }
}
