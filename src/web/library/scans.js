// Follows the scans of the libraries: often while one runs, seldom otherwise.
import { request } from '../api.js';

/** @typedef {{ name: string, code: string, message: string }} ScanFailure */
/**
 * @typedef {{ libraryId: string, name: string, state: 'idle' | 'running' | 'done' | 'failed', found: number, probed: number, failed: number, total: number,
 *   errors: ScanFailure[] }} Scan
 */

const RUNNING_MS = 1_000;
const IDLE_MS = 20_000;

/** @param {AbortSignal} [signal] @returns {Promise<{ id: string, name: string, kind: 'movies' | 'shows', paths: string[] }[]>} */
export async function readLibraries(signal) {
  const { items } = await request('GET', '/api/v1/libraries', signal === undefined ? {} : { signal });
  return items;
}

/** @param {{ id: string, name: string }} library @returns {Promise<Scan>} */
export async function readScan({ id, name }) {
  const scan = await request('GET', `/api/v1/libraries/${encodeURIComponent(id)}/scan`);
  return {
    libraryId: id,
    name,
    state: scan.state,
    found: scan.found ?? 0,
    // Files that did not change since the last scan are done without being probed again.
    probed: (scan.probed ?? 0) + (scan.unchanged ?? 0),
    failed: scan.failed ?? 0,
    total: scan.total ?? 0,
    errors: scan.errors ?? [],
  };
}

/**
 * @param {{ libraryId?: string, onProgress: (running: Scan[]) => void, onFilmsAdded: () => void, signal: AbortSignal }} options `libraryId`: this one alone
 * @returns {{ refresh: () => void }}
 */
export function watchScans({ libraryId, onProgress, onFilmsAdded, signal }) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let isRunning = false;
  let probedBefore = 0;
  let round = 0;
  const look = async () => {
    clearTimeout(timer);
    const thisRound = ++round;
    // After a request that failed the next one is made as usual.
    const scans = await readLibraries()
      .then(libraries => Promise.all(libraries.filter(({ id }) => libraryId === undefined || id === libraryId).map(readScan)))
      .catch(() => []);
    if (signal.aborted || thisRound !== round) return;
    const running = scans.filter(scan => scan.state === 'running');
    const probed = running.reduce((sum, scan) => sum + scan.probed, 0);
    if ((isRunning && running.length === 0) || (probed > probedBefore && isNearTop())) onFilmsAdded();
    isRunning = running.length > 0;
    probedBefore = probed;
    onProgress(running);
    timer = setTimeout(() => void look(), isRunning ? RUNNING_MS : IDLE_MS);
  };
  signal.addEventListener('abort', () => clearTimeout(timer));
  void look();
  return { refresh: () => void look() };
}

/** The list is not reloaded while a person has scrolled far down in it. */
const isNearTop = () => scrollY < 200;
