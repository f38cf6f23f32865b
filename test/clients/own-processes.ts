// What a run leaves behind when it is ended from outside: nothing. Its processes are found by their parents, and killed by their ids.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** Everything that is made in the folder for temporary files from here on goes with the run; a signal ends the run with all that it has started. */
export function ownRun(): { end(): void } {
  const scratch = mkdtempSync(join(tmpdir(), 'ferrite-clients-run-'));
  process.env.TMPDIR = scratch;
  const end = (): void => rmSync(scratch, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  for (const [signal, code] of Object.entries(SIGNALS)) {
    process.once(signal, () => {
      for (const pid of descendantsOf(process.pid)) kill(pid);
      end();
      process.exit(code);
    });
  }
  return { end };
}

/** A group or a session of its own changes nothing about who its parent is. */
export function descendantsOf(root: number): number[] {
  const parents = new Map(
    readdirSync('/proc')
      .filter(name => /^\d+$/.test(name))
      .map(name => [Number(name), parentOf(name)]),
  );
  const isBelow = (pid: number): boolean => {
    const parent = parents.get(pid) ?? 0;
    return parent === root || (parent !== 0 && isBelow(parent));
  };
  return [...parents.keys()].filter(isBelow);
}

/** The name in brackets before it may hold anything. 0 for a process that has gone meanwhile. */
function parentOf(pid: string): number {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return 0;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It went by itself.
  }
}
