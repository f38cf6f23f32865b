// The file of the index: opened where it is whole and of this format, made anew where it is not. Everything in it can be derived again.

import { rmSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { sqlite } from '#storage/sqlite.ts';

/** Raised when tables, tokens or the meaning of a column change. */
export const INDEX_FORMAT = 1;

/** Why there was nothing to open. */
export type Beginning = 'kept' | 'missing' | 'damaged' | 'other-format';

const SCHEMA = `
CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE documents (
  number INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  digest TEXT NOT NULL,
  titleKey TEXT NOT NULL,
  title TEXT NOT NULL,
  also TEXT NOT NULL,
  people TEXT NOT NULL,
  libraries TEXT NOT NULL,
  genres TEXT NOT NULL,
  year INTEGER,
  ageRating INTEGER,
  place INTEGER NOT NULL,
  document TEXT NOT NULL
);
CREATE INDEX documentsByTitle ON documents (titleKey, number);
CREATE VIRTUAL TABLE names USING fts5 (title, also, people, scope, content = '', contentless_delete = 1, tokenize = 'ascii', prefix = '1 2 3');
CREATE VIRTUAL TABLE texts USING fts5 (text, scope, content = '', contentless_delete = 1, tokenize = 'ascii', prefix = '3');
INSERT INTO names (names, rank) VALUES ('automerge', 8);
INSERT INTO texts (texts, rank) VALUES ('automerge', 8);
CREATE VIRTUAL TABLE vocabulary USING fts5vocab (names, 'col');
`;

/** SQLite's own codes: what is damaged, or no database at all. */
const DAMAGE_CODES: ReadonlySet<number> = new Set([11, 26]);
const TABLES = ['facts', 'documents', 'names', 'texts', 'vocabulary'];

export const isDamage = (error: unknown): boolean =>
  error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' && DAMAGE_CODES.has(error.errcode & 0xff);

/** ':memory:' for an index that is not kept. */
export function openIndexFile(path: string): { readonly database: DatabaseSync; readonly beginning: Beginning } {
  const opened = tryOpen(path);
  if (typeof opened !== 'string') return { database: opened, beginning: 'kept' };
  removeIndexFile(path);
  return { database: create(path), beginning: opened };
}

export function removeIndexFile(path: string): void {
  if (path === ':memory:') return;
  for (const end of ['', '-wal', '-shm', '-journal']) rmSync(path + end, { force: true });
}

function tryOpen(path: string): DatabaseSync | Exclude<Beginning, 'kept'> {
  let database: DatabaseSync | null = null;
  try {
    database = connect(path);
    const tables = database.prepare('SELECT count(*) AS count FROM sqlite_schema').get()?.count;
    if (tables === 0) return close(database, 'missing');
    const format = database.prepare('PRAGMA user_version').get()?.user_version;
    if (format !== INDEX_FORMAT) return close(database, 'other-format');
    const count = `SELECT count(*) AS count FROM sqlite_schema WHERE name IN (${TABLES.map(() => '?').join(', ')})`;
    if (database.prepare(count).get(...TABLES)?.count !== TABLES.length) return close(database, 'damaged');
    const check = database.prepare('PRAGMA quick_check(1)').get()?.quick_check;
    return check === 'ok' ? database : close(database, 'damaged');
  } catch (error) {
    if (database !== null) close(database, 'damaged');
    if (isDamage(error)) return 'damaged';
    throw error;
  }
}

function close<T>(database: DatabaseSync, beginning: T): T {
  database.close();
  return beginning;
}

function create(path: string): DatabaseSync {
  const database = connect(path);
  database.exec(`BEGIN; ${SCHEMA} PRAGMA user_version = ${INDEX_FORMAT}; COMMIT;`);
  return database;
}

function connect(path: string): DatabaseSync {
  const { DatabaseSync } = sqlite();
  const database = new DatabaseSync(path);
  // A crash of the machine may lose the last changes, which the next start finds missing.
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY;');
  return database;
}
