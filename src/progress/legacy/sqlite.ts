// The SQLite database of an old server. A copy of it is read: opening a database may write beside it, even to read.
import { copyFile, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { sqlite } from '#storage/sqlite.ts';
import { LegacyFailure, type LegacyTable } from './legacy-table.ts';

const TABLE = 'playback_progress';
const TITLE_TABLES = ['media', 'media_items', 'items', 'videos', 'movies', 'files', 'library_items'];
const TITLE_PATHS = ['path', 'file_path', 'media_path', 'filepath', 'file'];
const USER_TABLES = ['users', 'user', 'accounts', 'profiles'];
const USER_NAMES = ['username', 'user_name', 'name', 'login'];

/** @throws LegacyFailure */
export async function readSqlite(path: string): Promise<LegacyTable> {
  const folder = await mkdtemp(join(tmpdir(), 'ferrite-import-'));
  try {
    const copy = join(folder, 'source.db');
    await copyFile(path, copy);
    // What was written last may lie in the log beside it.
    if (await exists(`${path}-wal`)) await copyFile(`${path}-wal`, `${copy}-wal`);
    return readCopy(copy);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function readCopy(path: string): LegacyTable {
  const { DatabaseSync } = sqlite();
  const database = new DatabaseSync(path);
  try {
    const tables = [...query(database, "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")].map(({ name }) => String(name));
    const table = tables.find(name => name.toLowerCase() === TABLE);
    if (table === undefined) throw new LegacyFailure(`has no table ${TABLE}; its tables are: ${tables.join(', ') || 'none'}`);
    const rows = [...query(database, `SELECT * FROM ${quoted(table)}`)].map((values, at) => ({ row: `row ${at + 1}`, values }));
    return {
      columns: columnsOf(database, table),
      rows,
      titles: namesIn(database, tables, { among: TITLE_TABLES, called: TITLE_PATHS }),
      users: namesIn(database, tables, { among: USER_TABLES, called: USER_NAMES }),
    };
  } catch (error) {
    if (error instanceof LegacyFailure) throw error;
    throw new LegacyFailure('can not be read as an SQLite database', { cause: error });
  } finally {
    database.close();
  }
}

function* query(database: DatabaseSync, text: string): Generator<Record<string, unknown>> {
  const statement = database.prepare(text);
  // A number of 64 bits is no failure.
  statement.setReadBigInts(true);
  for (const row of statement.iterate()) {
    yield Object.fromEntries(Object.entries(row).map(([name, value]) => [name, typeof value === 'bigint' ? Number(value) : value]));
  }
}

const columnsOf = (database: DatabaseSync, table: string): string[] =>
  [...query(database, `PRAGMA table_info(${quoted(table)})`)].map(({ name }) => String(name));

/** id → name, of the first table that has both. */
function namesIn(
  database: DatabaseSync,
  tables: readonly string[],
  { among, called }: { among: readonly string[]; called: readonly string[] },
): Map<string, string> {
  for (const wanted of among) {
    const table = tables.find(name => name.toLowerCase() === wanted);
    if (table === undefined) continue;
    const columns = columnsOf(database, table);
    const id = columns.find(name => name.toLowerCase() === 'id');
    const name = called.flatMap(one => columns.find(column => column.toLowerCase() === one) ?? [])[0];
    if (id === undefined || name === undefined) continue;
    const rows = query(database, `SELECT ${quoted(id)} AS id, ${quoted(name)} AS name FROM ${quoted(table)}`);
    return new Map([...rows].filter(row => row.name !== null).map(row => [String(row.id), String(row.name)]));
  }
  return new Map();
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
