// The program as somebody starts it who has made a mistake: what it says, and how it ends.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));
const DEADLINE_MS = 60_000;

export type Ending = {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly errors: string;
  readonly output: string;
  /** It was fit to serve, and was asked to stop. */
  readonly hasServed: boolean;
};

/** Runs until it ends by itself, or serves; then it is asked to stop. */
export async function launch(env: Readonly<Record<string, string>>, args: readonly string[] = ['serve']): Promise<Ending> {
  const child = spawn(process.execPath, [CLI, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      FERRITE_PORT: '0',
      FERRITE_MAX_TRANSCODES: '5',
      FERRITE_HARDWARE: 'off',
      FERRITE_CODECS: 'off',

      FERRITE_PREDICT_RATES: 'no',
      FERRITE_FIND_MARKERS: 'no',
      ...env,
    },
  });
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  let hasServed = false;
  child.stdout.on('data', (chunk: Buffer) => {
    if (hasServed || !chunk.includes('"listening"')) return;
    hasServed = true;
    child.kill('SIGTERM');
  });
  const deadline = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
  const [errors, output, [code, signal]] = await Promise.all([text(child.stderr), text(child.stdout), exited]);
  clearTimeout(deadline);
  return { code, signal, errors, output, hasServed };
}
