// Processor time of another process, as Linux counts it: what it has worked, and none of what it has waited.
import { readFileSync } from 'node:fs';

/** Of `/proc`: USER_HZ, the same on every machine that Node runs on. */
const TICK_MS = 10;

/** Null where it can not be told: the process is gone, or the system has no such file. */
export function processorMs(pid: number): number | null {
  try {
    // The name of the program, in parentheses, may hold anything.
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  } catch {
    return null;
  }
}
