// The bare uWebSockets.js server in a process of its own: what an answer from memory costs when nothing is decided.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { spawnOn, stopChild } from '../machine/processes.ts';

const PROGRAM = fileURLToPath(new URL('./memory-server.ts', import.meta.url));
const START_DEADLINE_MS = 10_000;

export class MemoryPeer {
  readonly url: string;
  readonly pid: number;
  readonly #process: ChildProcess;
  readonly #folder: string;

  /** Serves each body under its name; a text is the path of a file that holds it. */
  static async start(core: number | null, bodies: Readonly<Record<string, Buffer | string>>): Promise<MemoryPeer> {
    const folder = await mkdtemp(join(tmpdir(), 'ferrite-memory-peer-'));
    const args = [PROGRAM];
    for (const [name, body] of Object.entries(bodies)) {
      const path = typeof body === 'string' ? body : join(folder, name);
      if (typeof body !== 'string') await writeFile(path, body);
      args.push(`${name}=${path}`);
    }
    const child = spawnOn(core, process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      if (child.pid === undefined || !child.stdout) throw new Error('the memory server did not start');
      const [port] = await once(createInterface({ input: child.stdout }), 'line', { signal: AbortSignal.timeout(START_DEADLINE_MS) });
      return new MemoryPeer(`http://127.0.0.1:${port}`, { pid: child.pid, child, folder });
    } catch (error) {
      await stopChild(child);
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  private constructor(url: string, { pid, child, folder }: { pid: number; child: ChildProcess; folder: string }) {
    this.url = url;
    this.pid = pid;
    this.#process = child;
    this.#folder = folder;
  }

  async stop(): Promise<void> {
    await stopChild(this.#process);
    await rm(this.#folder, { recursive: true, force: true });
  }
}
