// The limits of a program's memory, processor time and priority, and the command line in front of it that enforces them.
import { accessSync, constants, existsSync, writeFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';

export type ProgramLimits = {
  /** All that it may map. For a program that maps what it uses. */
  readonly addressSpaceBytes?: number;
  /** What it may write to of its own: for a program that maps far more than it uses, such as Node, or ffmpeg with many threads. */
  readonly dataBytes?: number;
  readonly cpuSeconds?: number;
  /** `background`: others go first, and it is held where viewers wait (background.ts). */
  readonly priority?: 'background';
};

const GIB = 1024 ** 3;

/** Whoever plays waits for it, so its time is its own; its memory ends where no encode of a real film comes near to. */
export const ENCODER_LIMITS: ProgramLimits = { dataBytes: 8 * GIB };

/** A tenth of what others get. With less, or in the kernel's idle class, nothing would be read on a machine that is always busy. */
const BACKGROUND_NICENESS = 10;

/**
 * `nice -n 10 prlimit --as=… ffprobe …`, each of which becomes the next: no shell, one process. Where a tool is missing
 * (both are there on every Linux) the program runs without it, and deadlines and bounds of output are what is left.
 */
export function limited(file: string, args: readonly string[], limits: ProgramLimits): readonly [file: string, args: readonly string[]] {
  // A program that is not there fails as itself.
  if (!isThere(file)) return [file, args];
  const words = [...priorityWords(limits), ...prlimitWords(limits), file, ...args];
  return [words[0] ?? file, words.slice(1)];
}

function priorityWords({ priority }: ProgramLimits): string[] {
  return priority === 'background' && isThere('nice') ? ['nice', '-n', String(BACKGROUND_NICENESS)] : [];
}

function prlimitWords({ addressSpaceBytes, dataBytes, cpuSeconds }: ProgramLimits): string[] {
  // A signal it can be told by at the bound, and the end right behind.
  const cpu = cpuSeconds === undefined ? undefined : `${cpuSeconds}:${cpuSeconds + 1}`;
  const bounds = Object.entries({ as: addressSpaceBytes, data: dataBytes, cpu });
  const words = bounds.flatMap(([name, bound]) => (bound === undefined ? [] : [`--${name}=${bound}`]));
  // One that is ended by a limit leaves no core file of that size behind.
  return words.length > 0 && isThere('prlimit') ? ['prlimit', '--core=0', ...words] : [];
}

const found = new Set<string>();

function isThere(program: string): boolean {
  if (found.has(program)) return true;
  const folders = program.includes('/') ? [''] : (process.env.PATH ?? '').split(':');
  const isFound = folders.some(folder => isExecutable(isAbsolute(program) || folder === '' ? program : join(folder, program)));
  if (isFound) found.add(program);
  return isFound;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const AUTOGROUP_ATTEMPTS = 5;
/** The kernel takes one such change in a tenth of a second from whoever is not root. */
const AUTOGROUP_RETRY_MS = 120;

/**
 * Each program is a session of its own, and where the kernel groups processes by session (autogroup) it shares time between groups first:
 * priority counts within one alone. So its group is made as nice as it is itself.
 */
export function makeGroupNice(pid: number, { priority }: ProgramLimits, attempts = AUTOGROUP_ATTEMPTS): void {
  const path = `/proc/${pid}/autogroup`;
  if (priority === undefined || attempts === 0 || !existsSync(path)) return;
  try {
    writeFileSync(path, String(BACKGROUND_NICENESS));
  } catch {
    // Asked too often, or it has ended: without it the program is only less polite.
    setTimeout(() => makeGroupNice(pid, { priority }, attempts - 1), AUTOGROUP_RETRY_MS).unref();
  }
}
