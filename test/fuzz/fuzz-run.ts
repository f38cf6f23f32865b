// A run of the fuzzer: mutants are read in a process of its own, whose memory is bounded and which is ended when one of them takes too long.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeFilms } from './films.ts';
import { WatchedProcess } from './watched-process.ts';

export type FuzzOptions = {
  readonly seed: number;
  /** Number of the first mutant: a failure names seed and number, which give the same file again. */
  readonly first: number;
  readonly count: number;
  readonly onMutant?: (number: number) => void;
};

export type FuzzResult = { readonly kinds: Readonly<Record<string, number>>; readonly maxRssBytes: number };

type Report = { readonly mutant?: number; readonly failure?: string } & Partial<FuzzResult>;

/** @throws naming the seed and the mutant that hung, grew or threw what is no FerriteError. */
export async function runFuzz(options: FuzzOptions): Promise<FuzzResult> {
  const folder = await mkdtemp(join(tmpdir(), 'ferrite-fuzz-'));
  try {
    return await readMutants(options, folder, await makeFilms(folder));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readMutants({ seed, first, count, onMutant }: FuzzOptions, folder: string, films: readonly string[]): Promise<FuzzResult> {
  const reader = new WatchedProcess<Report>('mutant-process.ts', [String(seed), String(first), String(count), folder, ...films]);
  let current = first;
  const failed = (why: string) => new Error(`seed ${seed}, mutant ${current}: ${why}`);
  try {
    for await (const { mutant, failure, kinds, maxRssBytes } of reader.reports()) {
      if (failure !== undefined) throw failed(failure);
      if (kinds && maxRssBytes !== undefined) return { kinds, maxRssBytes };
      current = mutant ?? current;
      onMutant?.(current);
    }
    throw failed(reader.end);
  } finally {
    reader.stop();
  }
}
