// Runs the pulse process on the load core and hands back what it measured.
import { fileURLToPath } from 'node:url';
import { LOAD_CORE } from '../machine/processes.ts';
import { runProgram } from '../machine/programs.ts';

const PROGRAM = fileURLToPath(new URL('./pulse-process.ts', import.meta.url));
const GRACE_MS = 60_000;

export type PulseWish = {
  readonly url: string;
  readonly seconds: number;
  readonly requestsPerSecond: number;
  /** Before those seconds: what a fresh process takes longer for is not counted. */
  readonly warmUpSeconds: number;
  /** Asked for in turn. */
  readonly paths: readonly string[];
};

/** Milliseconds of each request, in the order of the paths. */
export type Pulse = { readonly waits: readonly (readonly number[])[]; readonly failures: number };

export async function takePulse({ url, seconds, requestsPerSecond, warmUpSeconds, paths }: PulseWish): Promise<Pulse> {
  const numbers = [seconds, requestsPerSecond, warmUpSeconds].map(String);
  const args = ['-c', String(LOAD_CORE), process.execPath, PROGRAM, url, ...numbers, ...paths];
  return parsePulse(await runProgram('taskset', args, (warmUpSeconds + seconds) * 1000 + GRACE_MS));
}

const parsePulse = (text: string): Pulse => JSON.parse(text) as Pulse;
