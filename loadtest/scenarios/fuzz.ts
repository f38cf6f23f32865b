// Damaged films by the thousand, read as the server reads them: none may hang its reader, make it grow, or fail it otherwise than by a refusal.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Result, Scenario, ScenarioOptions } from '../scenario.ts';

const MUTANTS = 20_000;
const MAX_MEMORY_MB = 250;

/** A program of the tests: the readers are of the product's insides, which are no business of load tests. */
const PROGRAM = fileURLToPath(new URL('../../test/fuzz/main.ts', import.meta.url));

export const fuzz: Scenario = {
  about: 'mutants of small MP4 and Matroska films through the in-process readers: --rounds is how many',
  needs: ['ffmpeg'],
  allowsRemote: false,
  run: async options => report(options.rounds ?? MUTANTS, await readMutants(options)),
};

type Outcome = {
  /** Empty when nothing failed. */
  readonly failure: string;
  readonly seed: number;
  readonly kinds: Readonly<Record<string, number>>;
  readonly maxRssBytes: number;
};

async function readMutants({ rounds, say }: ScenarioOptions): Promise<Outcome> {
  const seed = Date.now() % 2 ** 31;
  const args = ['--mutants', String(rounds ?? MUTANTS), '--seed', String(seed)];
  say(`fuzz: seed ${seed}`);
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const exit = once(child, 'exit');
  try {
    const complaints = collect(child.stderr, say);
    const [answer = ''] = await collect(child.stdout);
    await exit;
    const { kinds = {}, maxRssBytes = 0 } = JSON.parse(answer || '{}') as Partial<Outcome>;
    return {
      seed,
      kinds,
      maxRssBytes,
      failure: answer ? '' : (await complaints).filter(line => !line.startsWith('fuzz:')).join('\n') || 'no answer',
    };
  } finally {
    child.kill();
  }
}

async function collect(stream: NodeJS.ReadableStream, say: (line: string) => void = () => undefined): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of createInterface({ input: stream })) {
    lines.push(line);
    if (line.startsWith('fuzz:')) say(line);
  }
  return lines;
}

function report(mutants: number, { failure, seed, kinds, maxRssBytes }: Outcome): Result {
  const memoryMb = Math.round(maxRssBytes / 2 ** 20);
  const survived = {
    what: `${mutants} mutants`,
    aim: 'a refusal or an index each',
    measured: failure || 'as aimed',
    isMet: failure === '',
  };
  const memory = {
    what: 'memory of the reader',
    aim: `at most ${MAX_MEMORY_MB} MB`,
    measured: `${memoryMb} MB`,
    isMet: memoryMb <= MAX_MEMORY_MB,
  };
  return {
    tables: [{ title: 'What became of the mutants', columns: ['outcome', 'mutants'], rows: Object.entries(kinds) }],
    aims: failure === '' ? [survived, memory] : [survived],
    notes: [`Seed ${seed}. A failure names its mutant: node test/fuzz/main.ts --seed ${seed} --first <mutant> --mutants 1`],
    samples: {},
  };
}
