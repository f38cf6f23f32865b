// npm run clients [-- --only chromium-native,mpv] [--quick] [--resume] [--types] [--list]: real players on every delivery; writes docs/clients.md, or docs/segment-types.md.
import { readFile, rename, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CLIENTS } from './clients.ts';
import { makeFilms } from './films.ts';
import { QUICK, runMatrix } from './matrix.ts';
import { ownRun } from './own-processes.ts';
import { type MeasuredCell, pageOf } from './page-of-results.ts';
import { tryTypes } from './segment-types.ts';

const OPTIONS = {
  only: { type: 'string' },
  quick: { type: 'boolean', default: false },
  /** Goes on with a run that was broken off: cells that it has are not run again. */
  resume: { type: 'boolean', default: false },
  types: { type: 'boolean', default: false },
  list: { type: 'boolean', default: false },
} as const;

const PAGE = fileURLToPath(new URL('../../docs/clients.md', import.meta.url));
const TYPES_PAGE = fileURLToPath(new URL('../../docs/segment-types.md', import.meta.url));
const FOLDER = join(tmpdir(), 'ferrite-clients-films');
const RESULTS = join(FOLDER, 'results.json');
const WRONG_USE = 2;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.list) {
    for (const { name, label, needs } of CLIENTS) console.log(`${name.padEnd(20)}${label} (${needs.join(', ')})`);
    return;
  }
  const names = values.only?.split(',') ?? CLIENTS.map(({ name }) => name);
  const unknown = names.find(name => !CLIENTS.some(client => client.name === name));
  if (unknown !== undefined) {
    console.error(`no player is called ${unknown}: --list names them`);
    process.exitCode = WRONG_USE;
    return;
  }
  console.error('making the films, unless they are there …');
  const library = await makeFilms(FOLDER);
  const clients = CLIENTS.filter(({ name }) => names.includes(name));
  const say = (line: string): void => console.error(line);
  if (values.types) {
    const before = (): Promise<string> => readFile(TYPES_PAGE, 'utf8').catch(() => '');
    const { page, isWrong } = await tryTypes({ clients, library, before, say });
    await replace(TYPES_PAGE, page);
    process.exitCode = isWrong ? 1 : 0;
    return;
  }
  const isWhole = values.only === undefined && !values.quick && !values.resume;
  if (isWhole) await replace(RESULTS, '[]');
  const done = values.resume ? await keptResults() : [];
  const sitting = new Date().toISOString();
  let isWrong = done.some(({ steps }) => Object.values(steps).some(({ is }) => is === 'wrong'));
  await runMatrix({
    clients,
    library,
    ...(values.quick ? { steps: QUICK } : {}),
    say,
    isDone: (client, film, delivery) => done.some(one => one.client === client && one.film === film && one.delivery === delivery),
    onCell: async result => {
      isWrong ||= Object.values(result.steps).some(({ is }) => is === 'wrong');
      // A part of the steps is no table of what a player can do.
      if (!values.quick) await keep({ ...result, load: loadavg()[0] ?? 0, sitting });
    },
  });
  if (!values.quick) console.error(`written: ${PAGE}`);
  process.exitCode = isWrong ? 1 : 0;
}

/** A run that is cut short loses nothing; rows that were not run stay as their last run left them. */
async function keep(result: MeasuredCell): Promise<void> {
  const kept = await keptResults();
  const isAnother = ({ client, film, delivery }: MeasuredCell): boolean =>
    client !== result.client || film !== result.film || delivery !== result.delivery;
  const all = [...kept.filter(isAnother), result];
  await replace(RESULTS, JSON.stringify(all));
  await replace(PAGE, pageOf(all));
}

const keptResults = (): Promise<MeasuredCell[]> =>
  readFile(RESULTS, 'utf8').then(
    text => JSON.parse(text) as MeasuredCell[],
    () => [],
  );

async function replace(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

const run = ownRun();
try {
  await main();
} finally {
  run.end();
}
