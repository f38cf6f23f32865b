// A player in a process of its own that takes a command and gives an answer, a line of JSON each.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { toFloats } from '../browsers/page-player.ts';
import { numberOf } from '../clock.ts';
import type { Look, Opening, PlayerProgram, Playing } from '../player.ts';

// Debian's own: the bindings of its libraries are there.
const PYTHON = '/usr/bin/python3';
const DEADLINE_S = 25;

type Seen = { readonly clockS: number; readonly squares: readonly number[] };
type Heard = { readonly clockS: number; readonly samples: string };

class ScriptPlayer implements Playing {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #answers: AsyncIterator<string>;

  constructor(child: ChildProcessByStdio<Writable, Readable, null>, lines: Interface) {
    this.#child = child;
    this.#answers = lines[Symbol.asyncIterator]();
  }

  async open(opening: Opening): Promise<void> {
    await this.#run('open', opening);
  }

  async seek(positions: readonly number[], intervalMs: number): Promise<void> {
    await this.#run('seek', { positions, intervalMs });
  }

  async look(): Promise<Look> {
    const { pictures, sounds } = await this.#run<{ pictures: Seen[]; sounds: Heard[] }>('look');
    return {
      pictures: pictures.map(({ clockS, squares }) => ({ clockS, number: numberOf(squares) })),
      sounds: sounds.map(({ clockS, samples }) => ({ clockS, samples: toFloats(samples) })),
    };
  }

  async pause(): Promise<void> {
    await this.#run('pause');
  }

  async play(): Promise<void> {
    await this.#run('play');
  }

  async clockS(): Promise<number> {
    return (await this.#run<{ clockS: number }>('clock')).clockS;
  }

  async chooseAudio(index: number): Promise<void> {
    await this.#run('chooseAudio', { index });
  }

  async chooseText(index: number): Promise<void> {
    await this.#run('chooseText', { index });
  }

  texts(): Promise<{ clockS: number; texts: string[] }> {
    return this.#run('texts');
  }

  async close(): Promise<void> {
    await this.#run('close');
  }

  async #run<T>(name: string, options: Record<string, unknown> = {}): Promise<T> {
    this.#child.stdin.write(`${JSON.stringify({ name, deadlineS: DEADLINE_S, ...options })}\n`);
    const { done, value } = await this.#answers.next();
    if (done) throw new Error('the player has gone');
    // A library that gives up says so among the answers.
    if (!value.startsWith('{')) throw new Error(`the player has gone: ${value.slice(0, 200)}`);
    const { answer, error } = JSON.parse(value) as { answer?: T; error?: string };
    if (error !== undefined) throw new Error(error);
    return answer as T;
  }
}

export async function startScript(script: string): Promise<PlayerProgram> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(PYTHON, [path], {
    stdio: ['pipe', 'pipe', process.env.FERRITE_CLIENTS_LOUD ? 'inherit' : 'ignore'],
  }) as ChildProcessByStdio<Writable, Readable, null>;
  child.stdin.on('error', () => {});
  const player = new ScriptPlayer(child, createInterface({ input: child.stdout }));
  return {
    playing: () => player,
    end: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}
