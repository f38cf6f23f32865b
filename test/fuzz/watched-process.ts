// A program that reads files which may do anything: in a process of its own, with bounded memory, ended when it falls silent.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const HEAP_MB = 96;
/** A file takes a second at most where nothing else runs. */
const DEADLINE_MS = 30_000;

export class WatchedProcess<Report> {
  readonly #child: ChildProcess;
  readonly #watchdog: NodeJS.Timeout;
  #isHanging = false;

  /** `program` is a file beside this one; it writes its reports to stdout, a line of JSON each. */
  constructor(program: string, args: readonly string[]) {
    const path = fileURLToPath(new URL(program, import.meta.url));
    const flags = [`--max-old-space-size=${HEAP_MB}`, '--max-semi-space-size=8'];
    this.#child = spawn(process.execPath, [...flags, path, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#watchdog = setTimeout(() => {
      this.#isHanging = true;
      this.#child.kill('SIGKILL');
    }, DEADLINE_MS);
  }

  send(line: string): void {
    this.#watchdog.refresh();
    this.#child.stdin?.write(`${line}\n`);
  }

  /** Until the process is gone. */
  async *reports(): AsyncGenerator<Report> {
    const { stdout } = this.#child;
    if (!stdout) return;
    for await (const line of createInterface({ input: stdout })) {
      this.#watchdog.refresh();
      yield JSON.parse(line) as Report;
    }
  }

  /** Why it went away without being asked. */
  get end(): string {
    return this.#isHanging ? 'it took too long' : 'its reader died, as of too much memory';
  }

  stop(): void {
    clearTimeout(this.#watchdog);
    this.#child.kill('SIGKILL');
  }
}
