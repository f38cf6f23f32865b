// What was taken out of films, kept for the next who wants it: each in a folder of its own, which is there whole or not at all. The ones used longest ago go first.
// Every thread has its own of these, over one folder: nothing is locked, for what is added is renamed into its place, and what was found lately stays.
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join, resolve } from 'node:path';

/** Left behind by a process that was ended: nobody fills a folder for so long. */
const STALE_MS = 3_600_000;
/** Whoever has found something has as long to open it: other threads make room beside. */
const IN_USE_MS = 60_000;
const UNFINISHED = '.tmp';

type Entry = { readonly path: string; readonly byteLength: number; readonly usedAtMs: number };

export class ExtractedFiles {
  readonly #dir: string;
  readonly #maxBytes: number;

  constructor({ dir, maxBytes }: { readonly dir: string; readonly maxBytes: number }) {
    this.#dir = resolve(dir);
    this.#maxBytes = maxBytes;
  }

  /** The folder of that name, which counts as used now; null where there is none. */
  async find(name: string): Promise<string | null> {
    const path = join(this.#dir, name);
    const now = new Date();
    return utimes(path, now, now).then(
      () => path,
      () => null,
    );
  }

  /** Fills a new folder and gives it its name. Others may have done so meanwhile: theirs stays. */
  async add(name: string, fill: (folder: string) => Promise<void>): Promise<string> {
    const path = join(this.#dir, name);
    const unfinished = `${path}.${randomUUID()}${UNFINISHED}`;
    await mkdir(unfinished, { recursive: true, mode: 0o700 });
    try {
      await fill(unfinished);
      await rename(unfinished, path).catch(async error => {
        if ((await this.find(name)) === null) throw error;
      });
    } finally {
      await rm(unfinished, { recursive: true, force: true });
    }
    await this.#evict(path);
    return path;
  }

  async #evict(added: string): Promise<void> {
    const entries = await this.#entries();
    let byteLength = entries.reduce((sum, entry) => sum + entry.byteLength, 0);
    for (const entry of entries.toSorted((a, b) => a.usedAtMs - b.usedAtMs)) {
      if (byteLength <= this.#maxBytes) return;
      if (entry.path === added || (await this.#isInUse(entry.path))) continue;
      // Who has a file of it open reads on.
      await rm(entry.path, { recursive: true, force: true });
      byteLength -= entry.byteLength;
    }
  }

  /** As it is now: it may have been found since the folders were listed. */
  async #isInUse(path: string): Promise<boolean> {
    const facts = await stat(path).catch(() => null);
    return facts !== null && Date.now() - facts.mtimeMs < IN_USE_MS;
  }

  async #entries(): Promise<Entry[]> {
    const names = await readdir(this.#dir);
    const entries: Entry[] = [];
    for (const name of names) {
      const path = join(this.#dir, name);
      const facts = await stat(path).catch(() => null);
      if (facts === null) continue;
      if (!name.endsWith(UNFINISHED)) entries.push({ path, byteLength: await sizeOf(path), usedAtMs: facts.mtimeMs });
      else if (Date.now() - facts.mtimeMs > STALE_MS) await rm(path, { recursive: true, force: true });
    }
    return entries;
  }
}

async function sizeOf(folder: string): Promise<number> {
  let byteLength = 0;
  for (const name of await readdir(folder).catch(() => [])) {
    const facts = await stat(join(folder, name)).catch(() => null);
    byteLength += facts?.size ?? 0;
  }
  return byteLength;
}
