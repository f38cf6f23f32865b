// The caller's passkeys: those there are, adding one of this device, and removing one.
import { request } from '../api.js';
import { element, fill } from '../dom.js';
import { readIfThere } from '../library/page.js';
import { createPasskey, hasPasskeys } from '../login/passkey.js';
import { explainError } from '../messages.js';

/** Hidden where this server or this browser has none. @param {AbortSignal} signal */
export function passkeysPart(signal) {
  const list = element('ul', { class: 'rows' });
  const failure = element('p', { class: 'form-error', role: 'alert', hidden: true });
  const add = element('button', { class: 'button', type: 'button', onclick: () => void act(register) }, 'Add a passkey');
  const text = 'Sign in with this device, its fingerprint or its code, without a password.';
  const part = element(
    'section',
    { class: 'part', hidden: true },
    element('h2', {}, 'Passkeys'),
    element('p', { class: 'muted' }, text),
    list,
    failure,
    element('div', {}, add),
  );
  void load();
  return part;

  async function load() {
    // Without them the rest of the page stands.
    const page = await readIfThere('/api/v1/me/passkeys', signal).catch(() => null);
    if (signal.aborted || page === null) return;
    fill(list, ...page.items.map(row));
    add.hidden = !hasPasskeys();
    part.hidden = !hasPasskeys() && page.items.length === 0;
  }

  async function register() {
    const options = await request('POST', '/api/v1/auth/passkeys/register/options', { body: {} });
    await request('POST', '/api/v1/auth/passkeys/register/verify', { body: await createPasskey(options) });
  }

  /** @param {() => Promise<unknown>} work */
  async function act(work) {
    failure.hidden = true;
    try {
      await work();
      await load();
    } catch (error) {
      const isRefused = error instanceof DOMException;
      failure.textContent = isRefused ? 'No passkey was made.' : explainError(error);
      failure.hidden = false;
    }
  }

  /** @param {any} passkey */
  function row({ id, name, createdAtMs }) {
    const remove = () =>
      confirm('Remove this passkey?') && void act(() => request('DELETE', `/api/v1/me/passkeys/${encodeURIComponent(id)}`));
    const label = name ?? 'Passkey';
    return element(
      'li',
      { class: 'row-line' },
      element(
        'span',
        { class: 'row-text' },
        element('strong', {}, label),
        element('span', { class: 'muted' }, `since ${new Date(createdAtMs).toLocaleDateString()}`),
      ),
      element('button', { class: 'button small', type: 'button', 'aria-label': `Remove ${label}`, onclick: remove }, 'Remove'),
    );
  }
}
