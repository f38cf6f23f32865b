// The programs that scenarios need beside Node, and one clear line when one is missing.
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';

const PROGRAMS = {
  ffmpeg: { versionArgument: '-version', packageName: 'ffmpeg' },
  nginx: { versionArgument: '-v', packageName: 'nginx-light' },
  wrk: { versionArgument: '-v', packageName: 'wrk' },
  taskset: { versionArgument: '--version', packageName: 'util-linux' },
} as const;

export type ProgramName = keyof typeof PROGRAMS;

const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

export class MissingProgramError extends Error {
  constructor(names: readonly ProgramName[]) {
    const packages = names.map(name => PROGRAMS[name].packageName).join(' ');
    super(`missing: ${names.join(', ')}; install with: apt-get install ${packages}`);
    this.name = 'MissingProgramError';
  }
}

/** @throws MissingProgramError that names all of them. */
export function requirePrograms(names: readonly ProgramName[]): void {
  const missing = names.filter(name => versionOf(name) === null);
  if (missing.length > 0) throw new MissingProgramError(missing);
}

/** The first line of what a program says of its version; null when it can not be started. */
export function versionOf(name: ProgramName): string | null {
  const { stdout, stderr, error } = spawnSync(name, [PROGRAMS[name].versionArgument], { encoding: 'utf8', timeout: 10_000 });
  if (error) return null;
  return `${stdout}${stderr}`.split('\n')[0] ?? '';
}

/** Runs a program to its end. @throws when it fails or takes too long. */
export async function runProgram(file: string, args: readonly string[], deadlineMs: number): Promise<string> {
  const { stdout } = await promisify(execFile)(file, args, { timeout: deadlineMs, killSignal: 'SIGKILL', maxBuffer: MAX_OUTPUT_BYTES });
  return stdout;
}
