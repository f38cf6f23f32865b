// Progress in and out of a data folder from the command line: import-progress, import and export.
import { existsSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Database, openDatabase, storePath } from '#storage/database.ts';
import type { Config } from './config.ts';
import { DataFolder } from './data-folder.ts';
import type { UserId } from './domain/ids.ts';
import { compileCheck } from './http/contract/validation.ts';
import { readCsv } from './progress/legacy/csv.ts';
import { readLegacy } from './progress/legacy/legacy-import.ts';
import { LegacyFailure, type LegacyTable } from './progress/legacy/legacy-table.ts';
import { readSqlite } from './progress/legacy/sqlite.ts';
import { planImport } from './progress/transfer/import-plan.ts';
import { type ImportReport, inWords, reportOf, writeReport } from './progress/transfer/import-report.ts';
import { planUserImport, writeImport } from './progress/transfer/import-user.ts';
import { MediaMatcher } from './progress/transfer/media-matcher.ts';
import { exportUser, UserFile } from './progress/transfer/user-file.ts';
import { EXIT, StartFailure } from './start-failure.ts';

export type ImportOptions = {
  readonly file: string;
  readonly user: string | null;
  readonly isDryRun: boolean;
  readonly report: string | null;
  /** Of positions that do not tell it. */
  readonly unit: 'ms' | 's' | null;
};

const SQLITE_HEAD = 'SQLite format 3\0';

/** The progress of an old server: a database or a table as text. Says what became of it in a line. */
export async function importProgress(config: Config, options: ImportOptions): Promise<string> {
  const table = await readTable(options.file);
  return await withStore(config, options, async database => {
    const matcher = await MediaMatcher.read(database.media);
    const defaultUser = options.user === null ? null : requireUser(database, options.user).id;
    const nowMs = Date.now();
    const { candidates, refusals } = explaining(options.file, () =>
      readLegacy(table, {
        matcher,
        findUser: called => userCalled(database, called)?.id,
        defaultUser,
        unit: options.unit,
        rules: config.progressRules,
        nowMs,
      }),
    );
    const planned = planImport(candidates, (userId, mediaId) => database.progress.get(userId, mediaId));
    const plan = { ...planned, refusals: [...refusals, ...planned.refusals] };
    if (!options.isDryRun) {
      await database.progress.change(tx => {
        for (const candidate of plan.writes) database.progress.putIn(tx, candidate.userId, candidate, nowMs);
      });
    }
    return await told(config, options, reportOf(plan, { source: options.file, atMs: nowMs, isDryRun: options.isDryRun }));
  });
}

/** What `export` wrote, into the account that it names or another one. */
export async function importUser(config: Config, options: ImportOptions): Promise<string> {
  const file = await readUserFile(options.file);
  return await withStore(config, options, async database => {
    const name = options.user ?? file.username;
    if (name === undefined) throw new StartFailure(EXIT.failed, `${options.file} names no user: say whose it is with --user`);
    const { id: userId } = requireUser(database, name);
    const nowMs = Date.now();
    const { plan, history } = await planUserImport(database, userId, file, nowMs);
    let isNew = 0;
    if (!options.isDryRun) {
      await database.progress.change(tx => {
        isNew = writeImport(tx, database, { writes: plan.writes, entries: history, userId, nowMs });
      });
    }
    const text = await told(config, options, reportOf(plan, { source: options.file, atMs: nowMs, isDryRun: options.isDryRun }));
    return options.isDryRun ? text : `${text}; ${isNew} new in the history`;
  });
}

/** Also while the server runs: it only reads. */
export async function exportTo(
  config: Config,
  { user, write }: { readonly user: string; readonly write: (text: string) => unknown },
): Promise<void> {
  const database = await openToRead(config);
  try {
    for await (const piece of exportUser(database, requireUser(database, user), { withPaths: true, nowMs: Date.now() })) write(piece);
  } finally {
    await database.close();
  }
}

async function withStore<T>(config: Config, { isDryRun }: ImportOptions, use: (database: Database) => Promise<T>): Promise<T> {
  if (isDryRun) {
    const database = await openToRead(config);
    return await use(database).finally(() => database.close());
  }
  requireStore(config);
  const folder = await DataFolder.open(config).catch((error: unknown) => {
    if (!(error instanceof StartFailure) || error.exitCode !== EXIT.dataFolderInUse) throw error;
    throw new StartFailure(
      EXIT.dataFolderInUse,
      `the server is running with the data folder ${config.dataDir}: stop it, import, and start it again (with --dry-run nothing is written, and it may run; POST /api/v1/me/import takes what export wrote while it runs)`,
    );
  });
  return await use(folder.database).finally(() => folder.close());
}

async function openToRead(config: Config): Promise<Database> {
  requireStore(config);
  return await openDatabase(config.dataDir, { readOnly: true });
}

function requireStore({ dataDir }: Config): void {
  if (!existsSync(storePath(dataDir)))
    throw new StartFailure(
      EXIT.failed,
      `there is no store in the data folder ${dataDir}: start the server once, or name another with FERRITE_DATA_DIR`,
    );
}

async function readTable(path: string): Promise<LegacyTable> {
  const isDatabase = (await reading(path, () => firstBytes(path, SQLITE_HEAD.length))).toString('latin1') === SQLITE_HEAD;
  if (!isDatabase) return readCsv(await reading(path, () => readFile(path, 'utf8')));
  return await readSqlite(path).catch((error: unknown) => {
    throw explained(path, error);
  });
}

async function firstBytes(path: string, count: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(count), 0, count, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

async function readUserFile(path: string): Promise<UserFile> {
  const text = await reading(path, () => readFile(path, 'utf8'));
  try {
    return compileCheck(UserFile)(JSON.parse(text)) as UserFile;
  } catch (cause) {
    throw new StartFailure(EXIT.failed, `${path} is not what ferrite export writes`, { cause });
  }
}

async function reading<T>(path: string, read: () => Promise<T>): Promise<T> {
  return await read().catch((cause: unknown) => {
    throw new StartFailure(EXIT.failed, `${path} can not be read`, { cause });
  });
}

function explaining<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw explained(path, error);
  }
}

const explained = (path: string, error: unknown): unknown =>
  error instanceof LegacyFailure ? new StartFailure(EXIT.failed, `${path} ${error.message}`, { cause: error.cause }) : error;

const userCalled = ({ users }: Database, called: string) => users.findByUsername(called) ?? users.get(called as UserId);

function requireUser(database: Database, called: string) {
  const user = userCalled(database, called);
  if (user === undefined) throw new StartFailure(EXIT.failed, `there is no user ${called}`);
  return user;
}

/** Rows that were left out are never told on the screen alone. */
async function told({ dataDir }: Config, { report: path, isDryRun }: ImportOptions, report: ImportReport): Promise<string> {
  const name = `import-${new Date(report.atMs).toISOString().replaceAll(':', '-')}.json`;
  const kept = path ?? (report.rows.length > 0 && !isDryRun ? join(dataDir, 'imports', name) : null);
  if (kept !== null) await writeReport(kept, report);
  return `${inWords(report)}${kept === null ? '' : `; the report is ${kept}`}`;
}
