// The small pictures of films on disk: a folder for each version of a film, there whole or not at all, all of them together within a bound.
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { tileFile } from '#domain/addresses.ts';
import type { MediaId } from '#domain/ids.ts';
import { PREVIEW_FORMAT, PREVIEW_INDEX, PREVIEW_SEGMENTS, type PreviewIndex } from '#domain/trick-play/previews.ts';

export type PreviewKey = { readonly id: MediaId; readonly version: string };

/** What is known of a film's small pictures: where they lie, or that there are none to be had. */
export type KeptPreviews = { readonly folder: string; readonly ends: readonly number[]; readonly byteLength: number };
type Entry = KeptPreviews | 'none';

const UNFINISHED = '.tmp';

export class PreviewFiles {
  readonly #folder: string;
  readonly #maxBytes: number;
  /** By name; those used last come last. */
  readonly #entries = new Map<string, Entry>();
  #byteLength = 0;

  /** `maxBytes` 0: nothing is kept. */
  constructor(dataDir: string, maxBytes: number) {
    this.#folder = resolve(dataDir, 'previews');
    this.#maxBytes = maxBytes;
  }

  /** What an earlier run has kept. What it had begun, what is of another format, and what is of no film any more is removed. */
  async load(isKnown: (name: string) => boolean): Promise<void> {
    const names = await readdir(this.#folder).catch(() => []);
    const found: { name: string; entry: Entry; usedAtMs: number }[] = [];
    for (const name of names) {
      const read = name.endsWith(UNFINISHED) || !isKnown(name) ? null : await readEntry(join(this.#folder, name));
      if (read === null) await rm(join(this.#folder, name), { recursive: true, force: true });
      else found.push({ name, ...read });
    }
    for (const { name, entry } of found.sort((a, b) => a.usedAtMs - b.usedAtMs)) this.#put(name, entry);
    await this.#makeRoom('');
  }

  get isFull(): boolean {
    return this.#byteLength >= this.#maxBytes;
  }

  get mayKeep(): boolean {
    return this.#maxBytes > 0;
  }

  /** Undefined: not made yet, or not kept. */
  get(key: PreviewKey): Entry | undefined {
    return this.#entries.get(nameOf(key));
  }

  /** The same, for somebody who looks at them. */
  use(key: PreviewKey): Entry | undefined {
    const name = nameOf(key);
    const entry = this.#entries.get(name);
    if (entry === undefined) return undefined;
    this.#entries.delete(name);
    this.#entries.set(name, entry);
    // The order for the next start: nothing is lost where it can not be noted.
    const now = new Date();
    if (entry !== 'none') void utimes(join(entry.folder, PREVIEW_INDEX), now, now).catch(() => undefined);
    return entry;
  }

  /** `make` fills an empty folder; a film of which it says `none` is not tried again before it changes. */
  async add(key: PreviewKey, make: (folder: string) => Promise<'made' | 'none'>): Promise<void> {
    const unfinished = join(this.#folder, `${randomUUID()}${UNFINISHED}`);
    const folder = join(this.#folder, nameOf(key));
    await mkdir(unfinished, { recursive: true, mode: 0o700 });
    try {
      if ((await make(unfinished)) === 'none') {
        const index: PreviewIndex = { format: PREVIEW_FORMAT, ends: [], byteLength: 0 };
        await rm(unfinished, { recursive: true, force: true });
        await mkdir(unfinished, { mode: 0o700 });
        await writeFile(join(unfinished, PREVIEW_INDEX), JSON.stringify(index), { mode: 0o600 });
      }
      await rm(folder, { recursive: true, force: true });
      await rename(unfinished, folder);
    } finally {
      await rm(unfinished, { recursive: true, force: true });
    }
    const read = await readEntry(folder);
    if (read) this.#put(nameOf(key), read.entry);
    await this.#makeRoom(nameOf(key));
  }

  async remove(key: PreviewKey): Promise<void> {
    await this.#drop(nameOf(key));
  }

  #put(name: string, entry: Entry): void {
    this.#forget(name);
    this.#entries.set(name, entry);
    if (entry !== 'none') this.#byteLength += entry.byteLength;
  }

  #forget(name: string): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    this.#entries.delete(name);
    if (entry !== 'none') this.#byteLength -= entry.byteLength;
  }

  async #drop(name: string): Promise<void> {
    this.#forget(name);
    await rm(join(this.#folder, name), { recursive: true, force: true });
  }

  /** Those used longest ago go first; never the one that was just made. */
  async #makeRoom(latest: string): Promise<void> {
    for (const [name, entry] of [...this.#entries]) {
      if (this.#byteLength <= this.#maxBytes) return;
      if (entry !== 'none' && name !== latest) await this.#drop(name);
    }
  }
}

export const previewName = ({ id, version }: PreviewKey): string => `${id}-${version}`;
const nameOf = previewName;

export const tilePath = ({ folder }: KeptPreviews, tile: number): string => join(folder, tileFile(tile));
export const segmentsPath = ({ folder }: KeptPreviews): string => join(folder, PREVIEW_SEGMENTS);

async function readEntry(folder: string): Promise<{ entry: Entry; usedAtMs: number } | null> {
  try {
    const path = join(folder, PREVIEW_INDEX);
    const { format, ends, byteLength } = JSON.parse(await readFile(path, 'utf8')) as PreviewIndex;
    if (format !== PREVIEW_FORMAT) return null;
    const { mtimeMs } = await stat(path);
    return { entry: ends.length === 0 ? 'none' : { folder, ends, byteLength }, usedAtMs: mtimeMs };
  } catch {
    // Cut off, or none of ours.
    return null;
  }
}
