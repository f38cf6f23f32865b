// Runs the pulse process on the load core and hands back its measurements.
import { fileURLToPath } from 'node:url';
import { LOAD_CORE } from '../machine/processes.ts';
import { runProgram } from '../machine/programs.ts';

const PROGRAM = fileURLToPath(new URL('./pulse-process.ts', import.meta.url));
const GRACE_MS = 60_000;

export type PulseOptions = {
  readonly url: string;
  readonly seconds: number;
  readonly requestsPerSecond: number;
  /** Seconds before the counted ones, in which a fresh process warms up. */
  readonly warmUpSeconds: number;
  /** Asked for in turn. */
  readonly paths: readonly string[];
};

/** Milliseconds of each request, in the order of the paths. */
export type Pulse = { readonly waits: readonly (readonly number[])[]; readonly failures: number };

export async function takePulse({ url, seconds, requestsPerSecond, warmUpSeconds, paths }: PulseOptions): Promise<Pulse> {
  const numbers = [seconds, requestsPerSecond, warmUpSeconds].map(String);
  const args = ['-c', String(LOAD_CORE), process.execPath, PROGRAM, url, ...numbers, ...paths];
  return parsePulse(await runProgram('taskset', args, (warmUpSeconds + seconds) * 1000 + GRACE_MS));
}

const parsePulse = (text: string): Pulse => JSON.parse(text) as Pulse;
