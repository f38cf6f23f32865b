// Signing in, and on a new server making the first administrator.
import { requestPublic, signIn } from '../api.js';
import { element, fill } from '../dom.js';
import { explainError } from '../messages.js';
import { hasPasskeys, signInWithPasskey } from './passkey.js';
import { finishProviderSignIn, providerButtons } from './providers.js';

/**
 * @param {HTMLElement} root
 * @param {{ onSignedIn: () => void }} options
 * @returns {() => void}
 */
export function showLogin(root, { onSignedIn }) {
  const closed = new AbortController();
  root.className = 'login-screen';
  document.title = 'Sign in · Ferrite';
  void ask();
  return () => closed.abort();

  async function ask() {
    /** @type {unknown} */
    let failure = null;
    try {
      if (await finishProviderSignIn()) return onSignedIn();
    } catch (error) {
      failure = error;
    }
    try {
      const { required, codeRequired } = await requestPublic('GET', '/api/v1/setup', { signal: closed.signal });
      if (closed.signal.aborted) return;
      fill(root, required ? setupForm(onSignedIn, codeRequired === true) : loginForm(onSignedIn, failure, closed.signal));
    } catch (error) {
      if (closed.signal.aborted) return;
      const retry = element('button', { class: 'button primary', type: 'button', onclick: () => void ask() }, 'Try again');
      fill(root, element('div', { class: 'card' }, brand(), element('p', { role: 'alert' }, explainError(error)), retry));
    }
  }
}

const usernameField = () =>
  field('User name', { name: 'username', autocomplete: 'username', autocapitalize: 'none', spellcheck: 'false', required: true });

/**
 * @param {() => void} onSignedIn
 * @param {unknown} failure of a sign-in with a provider that has come back
 * @param {AbortSignal} signal
 */
function loginForm(onSignedIn, failure, signal) {
  const username = usernameField();
  const password = field('Password', { name: 'password', type: 'password', autocomplete: 'current-password', required: true });
  const node = form('Sign in', 'Sign in', [username.row, password.row], async () => {
    await signIn({ username: username.input.value.trim(), password: password.input.value });
    onSignedIn();
  });
  if (failure !== null) node.append(element('p', { class: 'form-error', role: 'alert' }, explainError(failure)));
  if (hasPasskeys()) node.append(passkeyButton(onSignedIn));
  void providerButtons(signal).then(buttons => node.append(...buttons));
  return node;
}

/** @param {() => void} onSignedIn */
function passkeyButton(onSignedIn) {
  const failure = element('p', { class: 'form-error', role: 'alert', hidden: true });
  const button = element('button', { class: 'button wide', type: 'button', onclick: () => void run() }, 'Sign in with a passkey');
  return element('div', { class: 'other-ways' }, failure, button);

  async function run() {
    button.disabled = true;
    failure.hidden = true;
    try {
      await signInWithPasskey();
      onSignedIn();
    } catch (error) {
      // The user's own no is not a failure.
      if (error instanceof DOMException && ['NotAllowedError', 'AbortError'].includes(error.name)) return;
      failure.textContent = explainError(error);
      failure.hidden = false;
    } finally {
      button.disabled = false;
    }
  }
}

/**
 * @param {() => void} onSignedIn
 * @param {boolean} asksForCode from anywhere but the machine itself
 */
function setupForm(onSignedIn, asksForCode) {
  const username = usernameField();
  const password = field('Password', { name: 'password', type: 'password', autocomplete: 'new-password', required: true, minlength: 8 });
  const again = field('Password again', { name: 'again', type: 'password', autocomplete: 'new-password', required: true });
  const code = field('Code from the log of the server', {
    name: 'code',
    autocomplete: 'one-time-code',
    spellcheck: 'false',
    required: true,
  });
  const welcome = element('p', { class: 'muted' }, 'This server is new. Create the administrator, then add your films.');
  const rows = [welcome, ...(asksForCode ? [code.row] : []), username.row, password.row, again.row];
  return form('Welcome to Ferrite', 'Create the administrator', rows, async () => {
    const credentials = { username: username.input.value.trim(), password: password.input.value };
    if (credentials.password !== again.input.value) throw new FormError('The two passwords are not the same.');
    await requestPublic('POST', '/api/v1/setup', { body: asksForCode ? { ...credentials, code: code.input.value.trim() } : credentials });
    await signIn(credentials);
    onSignedIn();
  });
}

class FormError extends Error {}

/**
 * @param {string} title
 * @param {string} action
 * @param {Node[]} rows
 * @param {() => Promise<void>} submit
 */
function form(title, action, rows, submit) {
  const failure = element('p', { class: 'form-error', role: 'alert', hidden: true });
  const button = element('button', { class: 'button primary wide', type: 'submit' }, action);
  const node = element('form', { class: 'card' }, brand(), element('h1', {}, title), ...rows, failure, button);
  node.addEventListener('submit', event => {
    event.preventDefault();
    void run();
  });
  queueMicrotask(() => node.querySelector('input')?.focus());
  return node;

  async function run() {
    button.disabled = true;
    failure.hidden = true;
    try {
      await submit();
    } catch (error) {
      failure.textContent = error instanceof FormError ? error.message : explainError(error);
      failure.hidden = false;
      node.querySelector('input')?.select();
    } finally {
      button.disabled = false;
    }
  }
}

/**
 * @param {string} label
 * @param {Record<string, unknown>} settings
 */
export function field(label, settings) {
  const input = element('input', { type: 'text', class: 'input', ...settings });
  return { input, row: element('label', { class: 'field' }, element('span', {}, label), input) };
}

export function brand() {
  const mark = element('span', { class: 'brand-mark', 'aria-hidden': 'true' });
  return element('div', { class: 'brand' }, mark, 'Ferrite');
}
