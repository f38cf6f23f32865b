// The caller's own account: password, passkeys, signing out everywhere, and what was watched.
import { request } from '../api.js';
import { element, fill } from '../dom.js';
import { setTitle } from '../library/page.js';
import { field } from '../login/login.js';
import { clearLogin, readLogin, saveLogin } from '../login/login-store.js';
import { explainError } from '../messages.js';
import { historyPart } from './history.js';
import { passkeysPart } from './passkeys.js';

/**
 * @param {HTMLElement} root
 * @param {{ navigate: (path: string) => void }} options
 * @returns {() => void}
 */
export function showAccount(root, { navigate }) {
  const closed = new AbortController();
  const user = readLogin()?.user;
  root.className = 'page-narrow account';
  setTitle('Account');
  fill(
    root,
    element(
      'div',
      { class: 'list-head' },
      element('h1', {}, user?.username ?? 'Account'),
      element('span', { class: 'muted' }, user?.role === 'admin' ? 'Administrator' : 'Viewer'),
    ),
    passwordPart(),
    passkeysPart(closed.signal),
    everywherePart(navigate),
    historyPart(closed.signal),
  );
  return () => closed.abort();
}

function passwordPart() {
  // Managers of passwords need the name beside them.
  const name = element('input', { type: 'text', autocomplete: 'username', value: readLogin()?.user.username ?? '', hidden: true });
  const present = field('Present password', { name: 'present', type: 'password', autocomplete: 'current-password', required: true });
  const next = field('New password', { name: 'next', type: 'password', autocomplete: 'new-password', required: true, minlength: 8 });
  const again = field('New password again', { name: 'again', type: 'password', autocomplete: 'new-password', required: true });
  const told = element('p', { role: 'status' });
  const button = element('button', { class: 'button primary', type: 'submit' }, 'Change the password');
  const form = element(
    'form',
    { class: 'part' },
    element('h2', {}, 'Password'),
    name,
    present.row,
    element('div', { class: 'row' }, next.row, again.row),
    told,
    element('div', {}, button),
  );
  form.addEventListener('submit', event => {
    event.preventDefault();
    void change();
  });
  return form;

  async function change() {
    if (next.input.value !== again.input.value) return tell('The two passwords are not the same.', true);
    button.disabled = true;
    try {
      const body = { currentPassword: present.input.value, password: next.input.value };
      saveLogin(await request('PUT', '/api/v1/me/password', { body }));
      form.reset();
      tell('The password is changed. Every other login has ended.', false);
    } catch (error) {
      const isWrong = error instanceof Error && 'code' in error && error.code === 'INVALID_CREDENTIALS';
      tell(isWrong ? 'The present password is wrong.' : explainError(error), true);
    } finally {
      button.disabled = false;
    }
  }

  /** @param {string} text @param {boolean} isFailure */
  function tell(text, isFailure) {
    told.className = isFailure ? 'form-error' : 'form-done';
    told.textContent = text;
  }
}

/** @param {(path: string) => void} navigate */
function everywherePart(navigate) {
  const failure = element('p', { class: 'form-error', role: 'alert', hidden: true });
  const leave = async () => {
    if (!confirm('Sign out on every device, this one among them? What plays there stops.')) return;
    try {
      await request('POST', '/api/v1/auth/logout', { body: { everywhere: true } });
      clearLogin();
      navigate('/login');
    } catch (error) {
      failure.textContent = explainError(error);
      failure.hidden = false;
    }
  };
  return element(
    'section',
    { class: 'part' },
    element('h2', {}, 'Devices'),
    element('p', { class: 'muted' }, 'Ends every login of this account and everything that plays with it.'),
    failure,
    element('div', {}, element('button', { class: 'button', type: 'button', onclick: () => void leave() }, 'Sign out everywhere')),
  );
}
