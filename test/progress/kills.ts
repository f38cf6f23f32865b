// Kills a process that saves progress, again and again on one store, and looks for what it had acknowledged.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { MediaId, UserId } from '#domain/ids.ts';
import { openDatabase } from '#storage/database.ts';
import { randomOf } from './support.ts';

const SAVER = fileURLToPath(new URL('endless-saver.ts', import.meta.url));
/** It is killed after so many acknowledgements, at most. */
const MAX_ACKNOWLEDGED = 400;
const DEADLINE_MS = 120_000;

export type Kills = { readonly kills: number; readonly acknowledged: number; readonly records: number; readonly lost: readonly string[] };

export async function killSavers(
  dataDir: string,
  { kills, seed, onKill }: { kills: number; seed: number; onKill?: (count: number) => void },
): Promise<Kills> {
  const random = randomOf(seed);
  /** By user and film: the last position that was acknowledged. */
  const promised = new Map<string, number>();
  const lost: string[] = [];
  let acknowledged = 0;
  let next = 1;
  for (let kill = 1; kill <= kills; kill++) {
    const wanted = 1 + random(MAX_ACKNOWLEDGED);
    for (const [key, position] of await savedUntilKilled(dataDir, { from: next, seed: seed * 1_000 + kill, wanted })) {
      acknowledged++;
      promised.set(key, Math.max(promised.get(key) ?? 0, position));
    }
    // Past whatever it wrote without being heard.
    next = Math.max(next, ...promised.values()) + 1_000_000;
    const database = await openDatabase(dataDir);
    for (const [key, position] of promised) {
      const [userId, mediaId] = key.split(' ');
      const found = database.progress.get(userId as UserId, mediaId as MediaId);
      if (found === undefined || found.positionMs < position)
        lost.push(`kill ${kill}: ${key} at ${position}, found ${found?.positionMs ?? 'nothing'}`);
    }
    await database.close();
    onKill?.(kill);
  }
  return { kills, acknowledged, records: promised.size, lost };
}

async function savedUntilKilled(
  dataDir: string,
  { from, seed, wanted }: { from: number; seed: number; wanted: number },
): Promise<[key: string, position: number][]> {
  const saver = spawn(process.execPath, [SAVER, dataDir, String(from), String(seed)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const deadline = setTimeout(() => saver.kill('SIGKILL'), DEADLINE_MS);
  const ended = once(saver, 'exit');
  const found: [string, number][] = [];
  try {
    for await (const line of createInterface({ input: saver.stdout })) {
      const [, key, position] = /^(\S+ \S+) (\d+)$/.exec(line) ?? [];
      // The last line may be torn: then nobody has heard it.
      if (key !== undefined && position !== undefined) found.push([key, Number(position)]);
      if (found.length === wanted) saver.kill('SIGKILL');
    }
  } finally {
    clearTimeout(deadline);
    saver.kill('SIGKILL');
  }
  await ended;
  if (found.length < wanted) throw new Error(`the process ended by itself after ${found.length} acknowledgements`);
  return found;
}
