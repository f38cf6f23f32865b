// Finds the video files below a library's folders. Never leaves them: a link counts only if its target lies inside.
import type { Dirent } from 'node:fs';
import { lstat, open, readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, sep } from 'node:path';
import { type Sidecar, scannedFile } from '#domain/media.ts';
import { isSidecar, type NamedSidecar, sidecarsOf } from './sidecar-names.ts';

export type FoundFile = {
  /** Absolute and without links, so that the checked file is the one that will be opened. */
  readonly path: string;
  /** Inside its library folder, `/` between names. */
  readonly name: string;
  readonly rootIndex: number;
  readonly byteLength: number;
  readonly mtimeMs: number;
  /** Subtitle files beside it, by name. */
  readonly sidecars: readonly Sidecar[];
};

/** The files of a folder that a film's subtitles may be among. */
type Folder = { readonly films: readonly string[]; readonly others: readonly string[] };

export type WalkListener = {
  found(file: FoundFile): void;
  /** A path that can not be read; `isFolder`: the files below it are unknown, not gone. */
  unreadable(failure: { readonly name: string; readonly message: string; readonly isFolder: boolean }): void;
};

const VIDEO_EXTENSIONS = new Set(
  [
    ...['mp4', 'm4v', 'mov', '3gp', '3g2', 'f4v', 'mkv', 'webm', 'avi', 'divx', 'ts', 'm2ts', 'mts', 'm2t', 'mpg', 'mpeg', 'vob'],
    ...['wmv', 'asf', 'flv', 'ogv', 'ogm', 'mxf'],
  ].map(extension => `.${extension}`),
);
/** More belong to no film. */
const MAX_SIDECARS = 100;
/** A program stream of MPEG begins with it: the `.sub` of VobSub holds pictures. */
const PACK_START = '000001ba';
/** Folders that systems and network drives keep for themselves. */
const SYSTEM_FOLDERS = new Set(['@eadir', '#recycle', '$recycle.bin', 'lost+found', 'system volume information']);

/** Rejects when a root can not be opened, or with the signal's reason. */
export async function walkVideos(roots: readonly string[], listener: WalkListener, signal: AbortSignal): Promise<void> {
  const seen = new Set<string>();
  for (const [rootIndex, root] of roots.entries()) {
    const walk = new Walk({ root: await realpath(root), rootIndex, seen, listener, signal });
    await walk.run();
  }
}

type WalkOptions = {
  readonly root: string;
  readonly rootIndex: number;
  /** Real paths already met: loops end and nothing is listed twice, not even under overlapping roots. */
  readonly seen: Set<string>;
  readonly listener: WalkListener;
  readonly signal: AbortSignal;
};

class Walk {
  readonly #options: WalkOptions;
  readonly #folders: string[];
  /** Links wait until all real entries are known, so that a file's own name wins over a link to it. */
  readonly #links: string[] = [];
  /** Those that have subtitle files. */
  readonly #sidecars = new Map<string, Folder>();

  constructor(options: WalkOptions) {
    this.#options = options;
    this.#folders = [options.root];
  }

  async run(): Promise<void> {
    for (;;) {
      this.#options.signal.throwIfAborted();
      const folder = this.#folders.pop();
      const link = folder === undefined ? this.#links.shift() : undefined;
      if (folder !== undefined) await this.#readFolder(folder);
      else if (link !== undefined) await this.#follow(link);
      else return;
    }
  }

  async #readFolder(folder: string): Promise<void> {
    const { root, seen } = this.#options;
    const real = await realpath(folder).catch(() => folder);
    if (seen.has(real)) return;
    seen.add(real);
    let entries: Dirent[];
    try {
      entries = await readdir(folder, { withFileTypes: true });
    } catch (cause) {
      if (folder === root) throw cause;
      this.#report(folder, { message: 'the folder can not be read', isFolder: true });
      return;
    }
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    this.#noteSidecars(folder, entries);
    for (const entry of entries) await this.#visit(folder, entry);
  }

  async #visit(folder: string, entry: Dirent): Promise<void> {
    if (entry.name.startsWith('.') || SYSTEM_FOLDERS.has(entry.name.toLowerCase())) return;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) this.#folders.push(path);
    else if (entry.isSymbolicLink()) this.#links.push(path);
    else if (entry.isFile() && isVideo(entry.name)) await this.#add(path, path);
  }

  async #follow(link: string): Promise<void> {
    const { root } = this.#options;
    try {
      const target = await realpath(link);
      if (target !== root && !target.startsWith(root + sep)) {
        this.#report(link, { message: 'a link that leads out of the library', isFolder: false });
        return;
      }
      const facts = await stat(target);
      if (facts.isDirectory()) this.#folders.push(link);
      else if (facts.isFile() && isVideo(link)) await this.#add(link, target);
    } catch {
      if (isVideo(link)) this.#report(link, { message: 'a link that leads nowhere', isFolder: false });
    }
  }

  async #add(path: string, linkTarget: string): Promise<void> {
    const { rootIndex, seen, listener } = this.#options;
    try {
      // A folder above may have been reached by a link.
      const real = await realpath(linkTarget);
      if (seen.has(real)) return;
      seen.add(real);
      const facts = await stat(real);
      const sidecars = await this.#sidecarsOf(path);
      listener.found({ path: real, name: this.#nameOf(path), rootIndex, ...scannedFile(facts), sidecars });
    } catch {
      // A name that is not UTF-8 reads back with U+FFFD and then names nothing.
      const message = path.includes('\ufffd') ? 'the file name is not valid UTF-8' : 'the file went away during the scan';
      this.#report(path, { message, isFolder: false });
    }
  }

  #noteSidecars(folder: string, entries: readonly Dirent[]): void {
    const names = entries.filter(entry => entry.isFile() && !entry.name.startsWith('.')).map(({ name }) => name);
    if (!names.some(isSidecar)) return;
    const films = entries.map(({ name }) => name).filter(isVideo);
    this.#sidecars.set(folder, { films, others: names.filter(name => isSidecar(name) || /\.idx$/i.test(name)) });
  }

  /** What can not be read is left out: the film plays without it. */
  async #sidecarsOf(path: string): Promise<readonly Sidecar[]> {
    const folder = this.#sidecars.get(dirname(path));
    if (folder === undefined) return [];
    const named = sidecarsOf(basename(path), folder).slice(0, MAX_SIDECARS);
    const found = await Promise.all(named.map(one => readSidecarFacts(join(dirname(path), one.fileName), one).catch(() => null)));
    return found.filter(sidecar => sidecar !== null);
  }

  #report(path: string, failure: { message: string; isFolder: boolean }): void {
    this.#options.listener.unreadable({ name: this.#nameOf(path), ...failure });
  }

  #nameOf(path: string): string {
    return relative(this.#options.root, path).split(sep).join('/');
  }
}

const isVideo = (name: string): boolean => VIDEO_EXTENSIONS.has(extname(name).toLowerCase());

/** Null for what holds pictures. */
async function readSidecarFacts(path: string, { fileName: _, ...named }: NamedSidecar): Promise<Sidecar | null> {
  const facts = await lstat(path);
  if (!facts.isFile() || facts.size === 0 || (named.format === 'sub' && (await beginsWithPack(path)))) return null;
  return { path, ...scannedFile(facts), ...named };
}

async function beginsWithPack(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.toString('hex', 0, bytesRead) === PACK_START;
  } finally {
    await file.close();
  }
}
