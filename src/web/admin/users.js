// For administrators: who may sign in, what each may watch, and groups that share limits.
import { request } from '../api.js';
import { element, fill } from '../dom.js';
import { loadInto, readIfThere, setTitle } from '../library/page.js';
import { readLibraries } from '../library/scans.js';
import { readLogin } from '../login/login-store.js';
import { limitsText } from './limits.js';
import { showGroupDialog, showUserDialog } from './user-dialog.js';

const PAGE = 200;

/**
 * @param {HTMLElement} root
 * @returns {() => void}
 */
export function showUsers(root) {
  const closed = new AbortController();
  const { signal } = closed;
  root.className = 'page-narrow admin';
  setTitle('Users');
  const load = async () => {
    const [users, groups, libraries] = await Promise.all([readUsers(signal), readIfThere('/api/v1/groups', signal), readLibraries(signal)]);
    return { users, groups: groups?.items ?? null, libraries };
  };
  const refresh = () => loadInto(root, signal, load, show);
  void refresh();
  return () => closed.abort();

  /** @param {Awaited<ReturnType<typeof load>>} loaded */
  function show({ users, groups, libraries }) {
    const options = { groups, libraries, onDone: () => void refresh() };
    const addUser = element(
      'button',
      { class: 'button primary', type: 'button', onclick: () => showUserDialog({ user: null, ...options }) },
      'Add a user',
    );
    const addGroup = element(
      'button',
      { class: 'button', type: 'button', onclick: () => showGroupDialog({ group: null, ...options }) },
      'Add a group',
    );
    fill(
      root,
      element('div', { class: 'list-head' }, element('h1', {}, 'Users'), addUser),
      element('ul', { class: 'rows' }, ...users.map(user => userRow(user, groups, () => showUserDialog({ user, ...options })))),
      groups === null ? null : element('div', { class: 'list-head' }, element('h2', {}, 'Groups'), addGroup),
      groups === null
        ? null
        : element(
            'ul',
            { class: 'rows' },
            ...groups.map((/** @type {any} */ group) => groupRow(group, libraries, () => showGroupDialog({ group, ...options }))),
          ),
      groups?.length === 0
        ? element('p', { class: 'muted' }, 'A group gives its members limits: libraries, ages, rates, places at once.')
        : null,
    );
  }
}

/** All of them: pages follow each other. @param {AbortSignal} signal */
async function readUsers(signal) {
  const users = [];
  /** @type {string | null} */
  let cursor = null;
  do {
    const query = new URLSearchParams({ limit: String(PAGE), ...(cursor === null ? {} : { cursor }) });
    const page = await request('GET', `/api/v1/users?${query}`, { signal });
    users.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return users;
}

/** @param {any} user @param {any[] | null} groups @param {() => void} change */
function userRow(user, groups, change) {
  const group = groups?.find(({ id }) => id === user.groupId)?.name;
  const facts = [
    user.role === 'admin' ? 'Administrator' : 'Viewer',
    group,
    user.enabled ? null : 'disabled',
    user.id === readLogin()?.user.id ? 'you' : null,
  ];
  return row(user.username, facts.filter(Boolean).join(' · '), change, user.enabled ? '' : 'is-off');
}

/** @param {any} group @param {{ id: string, name: string }[]} libraries @param {() => void} change */
function groupRow(group, libraries, change) {
  return row(group.name, limitsText(group.limits, libraries), change, '');
}

/** @param {string} name @param {string} facts @param {() => void} change @param {string} look */
function row(name, facts, change, look) {
  return element(
    'li',
    { class: `row-line ${look}` },
    element('span', { class: 'row-text' }, element('strong', {}, name), element('span', { class: 'muted' }, facts)),
    element('button', { class: 'button small', type: 'button', onclick: change, 'aria-label': `Change ${name}` }, 'Change'),
  );
}
