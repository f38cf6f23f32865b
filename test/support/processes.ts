// What runs on this machine on behalf of a test: found by the test's own folder in its arguments, watched through /proc.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

export type RunningProcess = { readonly pid: number; readonly args: readonly string[] };

const POLL_INTERVAL_MS = 20;

/** Every process, of whatever parent, that names the folder among its arguments, or was started by a process starter in it. */
export function processesNaming(folder: string): RunningProcess[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap(name => {
      const args = listOf(name, 'cmdline');
      const starter = listOf(name, 'environ').find(entry => entry.startsWith('FERRITE_SPAWNER='));
      return [...args, starter ?? ''].some(text => text.includes(folder)) ? [{ pid: Number(name), args }] : [];
    });
}

/** What only runs of posters, small pictures and fingerprints are given. */
const BACKGROUND = ['mjpeg', 'chromaprint'];

/** The encodes among them: the starter's own arguments name no output. */
export const encodesNaming = (folder: string): RunningProcess[] =>
  processesNaming(folder).filter(({ args }) => args.includes('pipe:1') && !BACKGROUND.some(word => args.includes(word)));

export const spawnersNaming = (folder: string): RunningProcess[] =>
  processesNaming(folder).filter(({ args }) => args.some(arg => arg.endsWith('spawner.ts')));

export const isRunning = (pid: number): boolean => listOf(String(pid), 'cmdline').length > 0;

export const openFiles = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

export function residentBytes(pid: number): number {
  const [, kib] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) * 1024;
}

/** What the probe gives once it gives something; it is asked again and again until the deadline. */
export async function until<T>(
  what: string,
  probe: () => T | null | undefined | false | Promise<T | null | undefined | false>,
  deadlineMs = 30_000,
): Promise<T> {
  const endsAtMs = performance.now() + deadlineMs;
  for (;;) {
    const found = await probe();
    if (found !== null && found !== undefined && found !== false) return found;
    assert.ok(performance.now() < endsAtMs, `not within ${deadlineMs} ms: ${what}`);
    await delay(POLL_INTERVAL_MS);
  }
}

export const noneLeft = (folder: string, deadlineMs = 30_000): Promise<true> =>
  until(`no process naming ${folder}`, () => processesNaming(folder).length === 0, deadlineMs);

/** Empty for a process that is gone, or a zombie. */
function listOf(pid: string, what: 'cmdline' | 'environ'): string[] {
  try {
    return readFileSync(`/proc/${pid}/${what}`, 'utf8').split('\0').filter(Boolean);
  } catch {
    return [];
  }
}
