// wrk on the load core: requests, rate and latency of one address or of a list of them in turn. autocannon stops at 62 MB/s on bodies over 64 KiB, wrk does not.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LOAD_CORE } from '../machine/processes.ts';
import { runProgram } from '../machine/programs.ts';

const GRACE_MS = 30_000;

export type LoadOptions = { readonly seconds: number; readonly connections: number };

/** The counts of a load generator. */
export type Loaded = {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
};

/** The same address over and over, or all of them in turn. @throws when the server refuses a request. */
export async function wrk(addresses: readonly string[], options: LoadOptions): Promise<Loaded> {
  const [first = ''] = addresses;
  if (addresses.length === 1) return runWrk([], first, options);
  const folder = await mkdtemp(join(tmpdir(), 'ferrite-wrk-'));
  try {
    const script = join(folder, 'in-turn.lua');
    await writeFile(script, inTurn(addresses));
    return await runWrk(['-s', script], first, options);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runWrk(script: readonly string[], address: string, { seconds, connections }: LoadOptions): Promise<Loaded> {
  const load = ['-t', '1', '-c', String(connections), '-d', `${seconds}s`, '--latency', ...script, address];
  const output = await runProgram('taskset', ['-c', String(LOAD_CORE), 'wrk', ...load], seconds * 1000 + GRACE_MS);
  if (/Non-2xx/.test(output)) throw new Error(`the server refused requests of wrk: ${output}`);
  const [, requests] = output.match(/(\d+) requests in/) ?? [];
  const [, perSecond] = output.match(/Requests\/sec:\s+([\d.]+)/) ?? [];
  return { requests: Number(requests), requestsPerSecond: Number(perSecond), p50Ms: latencyMs(output, 50), p99Ms: latencyMs(output, 99) };
}

function latencyMs(output: string, part: number): number {
  const [, value, unit = 'ms'] = output.match(new RegExp(`${part}%\\s+([\\d.]+)(us|ms|s)`)) ?? [];
  const toMs = { us: 0.001, ms: 1, s: 1000 }[unit] ?? Number.NaN;
  return Number(value) * toMs;
}

/** Addresses hold nothing that a Lua string would take for its end. */
function inTurn(addresses: readonly string[]): string {
  const paths = addresses.map(address => `  "${new URL(address).pathname}${new URL(address).search}",`);
  return `local paths = {\n${paths.join('\n')}\n}\nlocal at = 0\nrequest = function()\n  at = at % #paths + 1\n  return wrk.format("GET", paths[at])\nend\n`;
}
