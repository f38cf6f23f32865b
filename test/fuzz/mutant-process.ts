// Reads mutants one after the other until one of them does what no file may do. Started by fuzz-run.ts, which sees to it that it ends.
// Arguments: seed, first mutant, how many, folder for the mutant, films.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exercise } from './exercise.ts';
import { mutate } from './mutations.ts';
import { Random } from './random.ts';
import { BOXES, ELEMENTS } from './trees.ts';

const [seed = '', first = '', count = '', folder = '', ...paths] = process.argv.slice(2);
const films = await Promise.all(
  paths.map(async path => ({ bytes: await readFile(path), format: path.endsWith('.mp4') ? BOXES : ELEMENTS })),
);

const MAX_HELD_BYTES = 100 * 1024 * 1024;

const say = (report: object): void => {
  process.stdout.write(`${JSON.stringify(report)}\n`);
};

/** Equal for an equal seed and number, whichever mutants were read before. */
async function readMutant(number: number): Promise<string> {
  const random = new Random(Math.imul(Number(seed), 0x9e3779b1) ^ number);
  const film = random.of(films);
  const path = join(folder, 'mutant');
  await writeFile(path, mutate(film.bytes, film.format, random));
  const { kind } = await exercise(path);
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  if (arrayBuffers + heapUsed > MAX_HELD_BYTES) throw new Error(`${arrayBuffers + heapUsed} bytes are held`);
  return kind;
}

const kinds: Record<string, number> = {};
for (let number = Number(first); number < Number(first) + Number(count); number++) {
  say({ mutant: number });
  try {
    const kind = await readMutant(number);
    kinds[kind] = (kinds[kind] ?? 0) + 1;
  } catch (error) {
    say({ failure: error instanceof Error ? error.stack : String(error) });
    process.exit(1);
  }
}
say({ kinds, maxRssBytes: process.resourceUsage().maxRSS * 1024 });
