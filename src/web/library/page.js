// What every page of lists has in common: loading, failing, and asking again.
import { request } from '../api.js';
import { element, fill } from '../dom.js';
import { explainError } from '../messages.js';

/** @typedef {{ navigate: (path: string, options?: { replace?: boolean }) => void }} PageOptions */

/**
 * Loads what a page shows, and shows it; a failure is told, with a way to try again.
 * @template T
 * @param {HTMLElement} root
 * @param {AbortSignal} signal of the page
 * @param {() => Promise<T>} load
 * @param {(loaded: T) => void} show
 */
export async function loadInto(root, signal, load, show) {
  root.setAttribute('aria-busy', 'true');
  try {
    const loaded = await load();
    if (signal.aborted) return;
    show(loaded);
  } catch (error) {
    if (!signal.aborted)
      fill(
        root,
        failed(error, () => void loadInto(root, signal, load, show)),
      );
  } finally {
    root.removeAttribute('aria-busy');
  }
}

/** @param {unknown} error @param {() => void} retry */
export function failed(error, retry) {
  return element(
    'div',
    { class: 'empty', role: 'alert' },
    element('h1', { class: 'empty-title' }, 'That did not work'),
    element('p', {}, explainError(error)),
    element('button', { class: 'button', type: 'button', onclick: retry }, 'Try again'),
  );
}

/** The answer; null where this server has no such thing, or not for this caller. @param {string} path @param {AbortSignal} signal */
export async function readIfThere(path, signal) {
  try {
    return await request('GET', path, { signal });
  } catch (error) {
    if (error instanceof Error && 'status' in error && [403, 404, 405, 501].includes(Number(error.status))) return null;
    throw error;
  }
}

/** @param {string} text */
export function setTitle(text) {
  document.title = text === '' ? 'Ferrite' : `${text} · Ferrite`;
}
