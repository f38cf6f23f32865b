// Opens one damaged copy of a data folder after the other as a server does, reads and writes what is in them, and says a line for each. A damage may end it by a signal.
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newUserId } from '#domain/ids.ts';
import { DataFolder, explained } from '#src/data-folder.ts';
import { exitCodeOf, inOneLine } from '#src/start-failure.ts';
import type { Database } from '#storage/database.ts';
import { cuts, scribbles } from './store-damages.ts';

export type DamageVerdict = { readonly what: string; readonly code: number; readonly message: string };

const [source = '', scratch = '', rounds = ''] = process.argv.slice(2);
const whole = readFileSync(join(source, 'ferrite.lmdb'));
const lengths = Array.from({ length: 12 }, (_, step) => Math.floor((whole.byteLength * step) / 12) + (step % 3));

for (const { what, bytes } of [...cuts(whole, [...lengths, 1, 200, 4_096, 8_192]), ...scribbles(whole, Number(rounds))]) {
  console.log(JSON.stringify({ what, code: -1, message: 'begun' } satisfies DamageVerdict));
  rmSync(scratch, { recursive: true, force: true });
  cpSync(source, scratch, { recursive: true });
  writeFileSync(join(scratch, 'ferrite.lmdb'), bytes);
  const verdict = await open(scratch).then(
    message => ({ what, code: 0, message }),
    error => ({ what, code: exitCodeOf(explained(error, scratch)), message: inOneLine(explained(error, scratch)) }),
  );
  console.log(JSON.stringify(verdict satisfies DamageVerdict));
}

async function open(dataDir: string): Promise<string> {
  const folder = await DataFolder.open({ dataDir, cacheDir: join(dataDir, 'cache') });
  try {
    return await use(folder.database);
  } finally {
    await folder.close();
  }
}

/** What a start and its first requests read, and a few writes. */
async function use(database: Database): Promise<string> {
  const { users, libraries, media, keyframeMaps, sessions, segmentIndex } = database;
  if (!users.hasAdministrator()) return 'the setup is open';
  users.list({ limit: 100, cursor: null });
  libraries.list();
  for (const film of media.all()) keyframeMaps.get(film);
  sessions.list();
  for (const record of segmentIndex.all()) void record;
  for (let count = 0; count < 3; count++) {
    const id = newUserId();
    await users.create(
      { id, username: `new-${count}`, role: 'viewer', enabled: true, passwordHash: 'x'.repeat(3_000), tokenGeneration: 0, createdAtMs: 1 },
      () => undefined,
    );
  }
  return 'used';
}
