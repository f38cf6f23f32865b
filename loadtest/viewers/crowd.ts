// A slow crowd in a process of its own, on the load core at the lowest priority: a client that measures beside the crowd waits for the server, not for the core.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { LOAD_CORE, spawnOn, stopChild } from '../machine/processes.ts';

const PROGRAM = fileURLToPath(new URL('./crowd-process.ts', import.meta.url));
const ORDER_DEADLINE_MS = 60_000;

export type CrowdOrder =
  | { readonly kind: 'idle'; readonly count: number; readonly path: string }
  /** The paths that the crowd's connections request, in turn. */
  | { readonly kind: 'slowReaders'; readonly count: number; readonly paths: readonly string[]; readonly bytesPerSecond: number }
  | { readonly kind: 'endlessHeads'; readonly count: number }
  | { readonly kind: 'drops'; readonly perSecond: number; readonly path: string }
  | { readonly kind: 'leave' };

/** The crowd's counts up to now. */
export type CrowdFacts = {
  readonly bytesRead: number;
  readonly dropped: number;
  readonly failures: number;
  readonly closedByServer: number;
};

export type CrowdAnswer = { readonly facts: CrowdFacts } | { readonly failure: string };

export class Crowd {
  readonly #process: ChildProcess;

  static async start(url: string): Promise<Crowd> {
    const child = spawnOn(LOAD_CORE, process.execPath, [PROGRAM, url], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    try {
      await once(child, 'message', { signal: AbortSignal.timeout(ORDER_DEADLINE_MS) });
      return new Crowd(child);
    } catch (error) {
      await stopChild(child);
      throw error;
    }
  }

  private constructor(child: ChildProcess) {
    this.#process = child;
  }

  /** Resolves when every connection of the order is open; orders are obeyed one after another. */
  async obey(order: CrowdOrder): Promise<CrowdFacts> {
    const answered = once(this.#process, 'message', { signal: AbortSignal.timeout(ORDER_DEADLINE_MS) });
    this.#process.send(order);
    const [answer] = (await answered) as [CrowdAnswer];
    if ('failure' in answer) throw new Error(`the crowd could not ${order.kind}: ${answer.failure}`);
    return answer.facts;
  }

  async stop(): Promise<void> {
    await stopChild(this.#process);
  }
}
