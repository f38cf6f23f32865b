// Counts the ffmpeg and ffprobe processes below a server: how many at most at once, how many in all.
import { basename } from 'node:path';
import { descendants } from '../machine/processes.ts';

const LOOK_EVERY_MS = 20;

export class EncodeWatch {
  readonly #serverPid: number;
  readonly #timer: NodeJS.Timeout;
  readonly #encodes = new Set<number>();
  readonly #probes = new Set<number>();
  #mostEncodes = 0;

  constructor(serverPid: number) {
    this.#serverPid = serverPid;
    this.#look();
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  /** Picture encodes that ran at once, warm ones that wait for work too. */
  get mostEncodes(): number {
    return this.#mostEncodes;
  }

  /** Processes that were seen; one that ended between two looks may be missing. */
  get encodes(): number {
    return this.#encodes.size;
  }

  get probes(): number {
    return this.#probes.size;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const family = descendants(this.#serverPid);
    const encodes = family.filter(isPictureEncode);
    for (const { pid } of encodes) this.#encodes.add(pid);
    for (const { pid, argv } of family) if (basename(argv[0] ?? '') === 'ffprobe') this.#probes.add(pid);
    this.#mostEncodes = Math.max(this.#mostEncodes, encodes.length);
  }
}

/** A shell that is about to execute ffmpeg has its name in the command line too. */
export const isPictureEncode = ({ argv }: { readonly argv: readonly string[] }): boolean =>
  basename(argv[0] ?? '') === 'ffmpeg' && argv.includes('libx264');
