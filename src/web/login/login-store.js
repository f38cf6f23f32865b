// The login of this browser, shared by its tabs: tokens in localStorage, and the lock under which one tab at a time renews them.

/** @typedef {{ id: string, username: string, role: 'admin' | 'viewer' }} User */
/** @typedef {{ accessToken: string, refreshToken: string, renewAtMs: number, user: User }} Login */

const LOGIN_KEY = 'ferrite.login';
const LEASE_KEY = 'ferrite.refresh-lease';
const LEASE_MS = 20_000;
/** Renewed this long before the access token ends, so that no request is made twice. */
const RENEW_BEFORE_MS = 30_000;

/** @returns {Login | null} */
export function readLogin() {
  const text = localStorage.getItem(LOGIN_KEY);
  if (text === null) return null;
  try {
    const login = JSON.parse(text);
    return typeof login?.accessToken === 'string' && typeof login.refreshToken === 'string' ? login : null;
  } catch {
    // Written by something else: the same as not signed in.
    return null;
  }
}

/**
 * @param {{ accessToken: string, refreshToken: string, expiresInMs: number, user: User }} answer
 * @returns {Login}
 */
export function saveLogin({ accessToken, refreshToken, expiresInMs, user }) {
  const renewAtMs = Date.now() + Math.max(expiresInMs - RENEW_BEFORE_MS, expiresInMs * 0.8);
  const login = { accessToken, refreshToken, renewAtMs, user };
  localStorage.setItem(LOGIN_KEY, JSON.stringify(login));
  return login;
}

export const isAdmin = () => readLogin()?.user.role === 'admin';

export function clearLogin() {
  localStorage.removeItem(LOGIN_KEY);
}

/** Calls back when another tab signs out. @param {() => void} callback */
export function onSignedOutElsewhere(callback) {
  addEventListener('storage', event => {
    if (event.key === LOGIN_KEY && event.newValue === null) callback();
  });
}

/**
 * A refresh token works once, and its second use revokes the login: two tabs must never send the same token.
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export function withRefreshLock(work) {
  // Only there in secure contexts: a server in the home network is often reached by plain HTTP.
  if (navigator.locks === undefined) return withLease(work);
  return navigator.locks.request('ferrite-refresh', work);
}

let lastInThisTab = Promise.resolve();

/**
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
function withLease(work) {
  const run = lastInThisTab.then(async () => {
    await takeLease();
    try {
      return await work();
    } finally {
      localStorage.removeItem(LEASE_KEY);
    }
  });
  lastInThisTab = run.then(
    () => undefined,
    () => undefined,
  );
  return run;
}

async function takeLease() {
  const name = String(Math.random());
  const deadlineMs = Date.now() + LEASE_MS;
  while (Date.now() < deadlineMs) {
    const [, untilMs] = readLease();
    if (untilMs < Date.now()) {
      localStorage.setItem(LEASE_KEY, `${name} ${Date.now() + LEASE_MS}`);
      // Another tab may have written at the same moment: the tab that wrote last holds the lock.
      await pause(50);
      if (readLease()[0] === name) return;
    }
    await pause(100);
  }
}

/** @returns {[name: string, untilMs: number]} */
function readLease() {
  const [name = '', untilMs = '0'] = (localStorage.getItem(LEASE_KEY) ?? '').split(' ');
  return [name, Number(untilMs)];
}

/** @param {number} ms */
const pause = ms => new Promise(resolve => setTimeout(resolve, ms));
