// The page's player, driven through whatever evaluates an expression in a browser.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { ThrottlingProxy } from '../../support/throttling-proxy.ts';
import { numberOf, SAMPLE_RATE } from '../clock.ts';
import type { Look, Opening, Playing } from '../player.ts';

/** Evaluates an expression whose value is a promise of a text. */
export type Evaluate = (expression: string) => Promise<string>;
export type Engine = 'native' | 'hls' | 'shaka';

export const PAGE = '/clients/player.html';
const LOOKS = 5;
const DEADLINE_MS = 25_000;
const WINDOW = 4_096;

/** The proxy serves the page beside the server's own answers, so that all is of one origin. */
export async function servePage(proxy: ThrottlingProxy): Promise<void> {
  const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
  const files: [string, string, string][] = [
    [PAGE, 'text/html', here('../page/player.html')],
    ['/clients/player.js', 'text/javascript', here('../page/player.js')],
    ['/clients/hls.js', 'text/javascript', fileURLToPath(import.meta.resolve('hls.js/dist/hls.min.js'))],
    ['/clients/shaka.js', 'text/javascript', fileURLToPath(import.meta.resolve('shaka-player/dist/shaka-player.compiled.js'))],
  ];
  for (const [path, type, file] of files) proxy.own.set(path, { type, body: await readFile(file) });
}

type Seen = { readonly clockS: number; readonly squares: readonly number[] };
type Heard = { readonly clockS: number; readonly samples: string };

export class PagePlayer implements Playing {
  readonly #evaluate: Evaluate;
  readonly #engine: Engine;
  readonly #isHeard: boolean;

  /** `isHeard`: its sound can be led through a graph without disturbing it. */
  constructor(evaluate: Evaluate, engine: Engine, isHeard = true) {
    this.#evaluate = evaluate;
    this.#engine = engine;
    this.#isHeard = isHeard;
  }

  async open(opening: Opening): Promise<void> {
    await this.#run('open', { ...opening, engine: this.#engine, isHeard: this.#isHeard });
  }

  async seek(positions: readonly number[], intervalMs: number): Promise<void> {
    await this.#run('seek', { positions, intervalMs });
  }

  async look(): Promise<Look> {
    const { pictures, sounds } = await this.#run<{ pictures: Seen[]; sounds: Heard[] }>('look', { count: LOOKS, isHeard: this.#isHeard });
    return {
      pictures: pictures.map(({ clockS, squares }) => ({ clockS, number: numberOf(squares) })),
      sounds: sounds.map(({ clockS, samples }) => ({ clockS: clockS - WINDOW / 2 / SAMPLE_RATE, samples: toFloats(samples) })),
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
    const text = await this.#evaluate(`clients(${JSON.stringify(name)}, ${JSON.stringify({ deadlineMs: DEADLINE_MS, ...options })})`);
    const { answer, error } = JSON.parse(text) as { answer?: T; error?: string };
    if (error !== undefined) throw new Error(error);
    return answer as T;
  }
}

/** Base64 of 16-bit samples. */
export function toFloats(text: string): Float32Array {
  const bytes = Buffer.from(text, 'base64');
  return Float32Array.from({ length: bytes.length / 2 }, (_, at) => bytes.readInt16LE(at * 2) / 32_768);
}
