// How many connections the process may have descriptors for: past that the system refuses them itself, and the listening socket spins.
import { readFileSync } from 'node:fs';

/** For the store, files being sent, threads, ffmpeg and everything else that is open. */
const RESERVED = 1_024;
const LIMIT = /^Max open files\s+(\d+)/m;

export function connectionsPossible(): number {
  const limit = Number(LIMIT.exec(readLimits())?.[1] ?? Number.POSITIVE_INFINITY);
  // A limit that small leaves hardly anything either way.
  return Math.max(limit - RESERVED, Math.floor(limit / 2));
}

/** Linux has it; elsewhere only the setting bounds. */
function readLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return '';
  }
}
