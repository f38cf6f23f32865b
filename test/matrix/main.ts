// `npm run matrix [-- --full] [-- --only <text>]`: plays every film that ffmpeg can make, and writes docs/matrix.md. Exits 1 where one failed.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { combinations, nameOf } from './films.ts';
import { DELIVERIES } from './play.ts';
import { foldersIn, runMatrix } from './run.ts';
import { failuresOf, matrixPage } from './table.ts';

const PAGE = fileURLToPath(new URL('../../docs/matrix.md', import.meta.url));

const { values } = parseArgs({ options: { full: { type: 'boolean', default: false }, only: { type: 'string' } } });
const wanted = combinations({ isFull: values.full }).filter(one => nameOf(one).includes(values.only ?? ''));
const root = await mkdtemp(join(tmpdir(), 'ferrite-matrix-'));
try {
  const folders = foldersIn(root);
  for (const folder of Object.values(folders)) await mkdir(folder);
  const cells = await runMatrix(wanted, folders, cell => {
    if (!('outcomes' in cell)) return;
    const words = DELIVERIES.map(delivery => `${delivery} ${JSON.stringify(cell.outcomes[delivery])}`);
    console.log(`${nameOf(cell.combination)}: ${words.join(', ')}`);
  });
  const { stdout } = await execa('ffmpeg', ['-version']);
  const version = /^ffmpeg version (\S+)/.exec(stdout)?.[1] ?? '';
  if (values.only === undefined) await writeFile(PAGE, matrixPage(cells, { version, isFull: values.full }));
  const failures = failuresOf(cells);
  for (const failure of failures) console.log(`FAILED ${failure}`);
  process.exitCode = failures.length === 0 ? 0 : 1;
} finally {
  await rm(root, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
}
