// CPU per request of playlists and segments in memory, as a multiple of the bare uWebSockets.js answer of the same bytes in the same run.
import { fileURLToPath } from 'node:url';
import { cpuNanoseconds, LOAD_CORE, SERVER_CORE } from '../machine/processes.ts';
import { runProgram, versionOf } from '../machine/programs.ts';
import { MemoryPeer } from '../peers/memory-peer.ts';
import { KINDS, type Kind, withHotFiles } from '../scenarios/serving/hot-world.ts';
import type { Finding, Tolerance } from './baseline.ts';
import type { GateWorld } from './world.ts';

const CLIENT = fileURLToPath(new URL('./client.ts', import.meta.url));
/** On a busy machine some rounds are quiet: enough rounds for each side to meet a quiet one. */
const ROUNDS = 15;
const REQUESTS: Readonly<Record<Kind, number>> = { playlist: 6_000, segment: 300 };
const WARM_UP_ROUNDS = 2;
const CONNECTIONS = 32;
const DEADLINE_MS = 60_000;

const CPU: Tolerance = { factor: 1.3, slack: 0.1, why: 'CPU shares caches and cores with whatever else the machine does' };

export async function requestCostFindings({ server }: GateWorld): Promise<Finding[]> {
  // Copied segments: no encode runs beside what is measured.
  return withHotFiles(server.remote, 'remux', async files => {
    const isPinned = versionOf('taskset') !== null;
    const peer = await MemoryPeer.start(isPinned ? SERVER_CORE : null, { playlist: files.playlist.body, segment: files.segment.body });
    try {
      const findings: Finding[] = [];
      for (const kind of KINDS) {
        const product = { pid: server.pid, address: files[kind].address };
        const bare = { pid: peer.pid, address: `${peer.url}/${kind}` };
        const value = await costRatio({ product, bare, requests: REQUESTS[kind], isPinned });
        findings.push({ name: `CPU per hot ${kind} / bare uWebSockets.js`, value, tolerance: CPU });
      }
      return findings;
    } finally {
      await peer.stop();
    }
  });
}

type Target = { readonly pid: number; readonly address: string };
type Costing = { readonly product: Target; readonly bare: Target; readonly requests: number; readonly isPinned: boolean };

/** The ratio of each side's least cost in any round: a disturbance can only add to a round's cost. */
async function costRatio({ product, bare, requests, isPinned }: Costing): Promise<number> {
  const [ofProduct, ofBare]: [number[], number[]] = [[], []];
  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
    const costs = [await cpuPerRequest(product, requests, isPinned), await cpuPerRequest(bare, requests, isPinned)] as const;
    if (round < WARM_UP_ROUNDS) continue;
    ofProduct.push(costs[0]);
    ofBare.push(costs[1]);
  }
  return Math.min(...ofProduct) / Math.min(...ofBare);
}

async function cpuPerRequest({ pid, address }: Target, requests: number, isPinned: boolean): Promise<number> {
  const before = cpuNanoseconds(pid);
  const client = [process.execPath, CLIENT, address, String(requests), String(CONNECTIONS)];
  const [file = '', ...args] = isPinned ? ['taskset', '-c', String(LOAD_CORE), ...client] : client;
  await runProgram(file, args, DEADLINE_MS);
  return (cpuNanoseconds(pid) - before) / requests;
}
