// Child processes that a scenario owns, and what the kernel says of processes: CPU, memory, descriptors, children.
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { runProgram } from './programs.ts';

/** Linux counts CPU time of processes in hundredths of a second. */
const TICKS_PER_SECOND = 100;
const STOP_DEADLINE_MS = 20_000;

/** Counted before this process is moved: then it sees only its own. */
const CORES = availableParallelism();

/** The core that servers get, and the one for what loads them; the same one where there is no other. */
export const SERVER_CORE = 0;
export const LOAD_CORE = CORES > 1 ? 1 : 0;

/** On `core` alone, children included; null leaves it to the scheduler. */
export function spawnOn(core: number | null, file: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  return core === null ? spawn(file, args, options) : spawn('taskset', ['-c', String(core), file, ...args], options);
}

/** Moves this process, all threads, to one core; null gives it all of them back. */
export async function moveSelf(core: number | null): Promise<void> {
  const cores = core === null ? `0-${CORES - 1}` : String(core);
  await runProgram('taskset', ['-a', '-c', '-p', cores, String(process.pid)], 5_000);
}

/** Ends one child and waits until it is gone. */
export async function stopChild(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exited = new Promise<void>(resolve => child.once('exit', () => resolve()));
  child.kill(signal);
  const deadline = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
  await exited;
  clearTimeout(deadline);
}

/** CPU seconds that a process has used, all its threads, its children not. */
export function cpuSeconds(pid: number): number {
  // The program's name may hold spaces and brackets: fields are counted from its end.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** The same in nanoseconds, where the kernel counts them; for what takes less than a second. */
export function cpuNanoseconds(pid: number): number {
  const counted = readdirSync(`/proc/${pid}/task`).map(task => textOrEmpty(`/proc/${pid}/task/${task}/schedstat`));
  if (counted.every(text => text === '')) return cpuSeconds(pid) * 1e9;
  return counted.reduce((sum, text) => sum + Number(text.split(' ')[0]), 0);
}

export function residentBytes(pid: number): number {
  const [, kilobytes] = readFileSync(`/proc/${pid}/status`, 'utf8').match(/^VmRSS:\s+(\d+) kB/m) ?? [];
  return Number(kilobytes) * 1024;
}

export const openDescriptors = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

export type Process = { readonly pid: number; readonly argv: readonly string[] };

/** Every descendant of a process, with its command line. */
export function descendants(pid: number): Process[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap(task => childrenOf(`/proc/${pid}/task/${task}/children`));
  return children.flatMap(child => {
    const argv = textOrEmpty(`/proc/${child}/cmdline`).split('\0').slice(0, -1);
    // Gone between two reads: not a descendant any more.
    if (argv.length === 0) return [];
    return [{ pid: child, argv }, ...descendantsOrNone(child)];
  });
}

/** Everything that a server has started, what has lost its parent too: it is marked with the address of the server's process starter. */
export function startedBy(serverPid: number): Process[] {
  const starter = descendants(serverPid).find(({ argv }) => argv.some(one => one.endsWith('spawner.ts')));
  const mark = `FERRITE_SPAWNER=${starter?.argv.at(-1)}`;
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && textOrEmpty(`/proc/${name}/environ`).split('\0').includes(mark))
    .map(name => ({ pid: Number(name), argv: textOrEmpty(`/proc/${name}/cmdline`).split('\0').slice(0, -1) }));
}

function descendantsOrNone(pid: number): Process[] {
  try {
    return descendants(pid);
  } catch {
    return [];
  }
}

const childrenOf = (path: string): number[] => textOrEmpty(path).split(' ').filter(Boolean).map(Number);

/** Processes end while one looks at them. */
function textOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
