// Adding and changing a user, or a group.
import { request } from '../api.js';
import { element, fill } from '../dom.js';
import { icon } from '../icons.js';
import { field } from '../login/login.js';
import { readLogin } from '../login/login-store.js';
import { explainError } from '../messages.js';
import { check, limitFields } from './limits.js';

/** @typedef {{ groups: any[] | null, libraries: { id: string, name: string }[], onDone: () => void }} Options `groups`: null where this server has none */

/** @param {{ user: any } & Options} options `user`: null: a new one */
export function showUserDialog({ user, groups, libraries, onDone }) {
  const isSelf = user !== null && user.id === readLogin()?.user.id;
  const name = field('User name', {
    name: 'username',
    value: user?.username ?? '',
    required: true,
    autocomplete: 'off',
    autocapitalize: 'none',
    spellcheck: 'false',
  });
  const password = field(user === null ? 'Password' : 'New password', {
    name: 'password',
    type: 'password',
    autocomplete: 'new-password',
    minlength: 8,
    required: user === null,
  });
  const role = select(
    'Role',
    [
      ['viewer', 'Viewer'],
      ['admin', 'Administrator'],
    ],
    user?.role ?? 'viewer',
  );
  const enabled = element('input', { type: 'checkbox', checked: user?.enabled ?? true, disabled: isSelf });
  const group = select(
    'Group',
    [['', 'none'], ...(groups ?? []).map(({ id, name: text }) => /** @type {[string, string]} */ ([id, text]))],
    user?.groupId ?? '',
  );
  const limits = limitFields(user?.limits ?? {}, libraries);
  const path = user === null ? '/api/v1/users' : `/api/v1/users/${encodeURIComponent(user.id)}`;
  showForm({
    title: user === null ? 'Add a user' : `Change ${user.username}`,
    rows: [
      name.row,
      password.row,
      element('div', { class: 'row' }, role.row, groups === null ? null : group.row),
      check(enabled, 'May sign in'),
      ...(groups === null ? [] : [element('h3', {}, 'Limits'), ...limits.rows]),
    ],
    save: () => {
      const changed = password.input.value === '' ? {} : { password: password.input.value };
      const ofGroups = groups === null ? {} : { groupId: group.input.value === '' ? null : group.input.value, limits: limits.read() };
      const body = { username: name.input.value.trim(), role: role.input.value, enabled: enabled.checked, ...changed, ...ofGroups };
      return request(user === null ? 'POST' : 'PATCH', path, { body });
    },
    remove:
      user === null || isSelf
        ? null
        : { question: `Remove ${user.username}, with everything saved for them?`, act: () => request('DELETE', path) },
    onDone,
  });
}

/** @param {{ group: any } & Options} options `group`: null: a new one */
export function showGroupDialog({ group, libraries, onDone }) {
  const name = field('Name', { name: 'name', value: group?.name ?? '', required: true, maxlength: 100 });
  const limits = limitFields(group?.limits ?? {}, libraries);
  const path = group === null ? '/api/v1/groups' : `/api/v1/groups/${encodeURIComponent(group.id)}`;
  showForm({
    title: group === null ? 'Add a group' : `Change ${group.name}`,
    rows: [name.row, element('h3', {}, 'Limits'), ...limits.rows],
    save: () => request(group === null ? 'POST' : 'PATCH', path, { body: { name: name.input.value.trim(), limits: limits.read() } }),
    remove: group === null ? null : { question: `Remove the group ${group.name}?`, act: () => request('DELETE', path) },
    onDone,
  });
}

/**
 * @param {{ title: string, rows: HTMLElement[], save: () => Promise<unknown>, remove: { question: string, act: () => Promise<unknown> } | null, onDone: () => void }} options
 */
function showForm({ title, rows, save, remove, onDone }) {
  const failure = element('p', { class: 'form-error', role: 'alert', hidden: true });
  const close = element(
    'button',
    { class: 'control', type: 'button', 'aria-label': 'Close', onclick: () => dialog.close() },
    icon('close'),
  );
  const button = element('button', { class: 'button primary', type: 'submit' }, 'Save');
  const form = element('form', { class: 'dialog-form' });
  fill(
    form,
    ...rows,
    failure,
    element(
      'div',
      { class: 'row' },
      button,
      remove === null
        ? null
        : element(
            'button',
            { class: 'button quiet', type: 'button', onclick: () => confirm(remove.question) && void run(remove.act) },
            'Remove',
          ),
    ),
  );
  const dialog = element(
    'dialog',
    { class: 'dialog', 'aria-labelledby': 'form-title' },
    element('div', { class: 'section-head' }, element('h2', { id: 'form-title' }, title), close),
    form,
  );
  form.addEventListener('submit', event => {
    event.preventDefault();
    void run(save);
  });
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  form.querySelector('input')?.focus();

  /** @param {() => Promise<unknown>} work */
  async function run(work) {
    button.disabled = true;
    failure.hidden = true;
    try {
      await work();
      dialog.close();
      onDone();
    } catch (error) {
      failure.textContent = explainError(error);
      failure.hidden = false;
    } finally {
      button.disabled = false;
    }
  }
}

/** @param {string} label @param {[string, string][]} options @param {string} value */
function select(label, options, value) {
  const input = element(
    'select',
    { class: 'select wide' },
    ...options.map(([id, text]) => element('option', { value: id, selected: id === value }, text)),
  );
  return { input, row: element('label', { class: 'field' }, element('span', {}, label), input) };
}
