// Waiting for what tells nobody when it happens: the state of another process, a file that goes.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const INTERVAL_MS = 10;

/** Resolves when `isSo` holds; fails after the deadline. */
export async function until(isSo: () => boolean | Promise<boolean>, what: string, deadlineMs = 30_000): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await isSo())) {
    assert.ok(performance.now() < deadline, `${what}: not within ${deadlineMs} ms`);
    await delay(INTERVAL_MS);
  }
}

/** A dead process that nobody has asked for yet still has its entry: that is not alive. */
export function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
