// Waits for a moment in which no other process uses the machine; tells how busy the machine was when none came.
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const SAMPLE_MS = 300;
const QUIET_SHARE = 0.12;
const DEADLINE_MS = 15_000;

/** The busy share of all cores just before measuring. */
export async function quietMoment(): Promise<number> {
  const giveUpAtMs = performance.now() + DEADLINE_MS;
  for (;;) {
    const share = await busyShare();
    if (share <= QUIET_SHARE || performance.now() > giveUpAtMs) return share;
  }
}

async function busyShare(): Promise<number> {
  const before = cpuTicks();
  await delay(SAMPLE_MS);
  const after = cpuTicks();
  return 1 - (after.idle - before.idle) / (after.total - before.total);
}

function cpuTicks(): { idle: number; total: number } {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n');
  const ticks = line.trim().split(/\s+/).slice(1, 9).map(Number);
  return { idle: (ticks[3] ?? 0) + (ticks[4] ?? 0), total: ticks.reduce((sum, value) => sum + value, 0) };
}
