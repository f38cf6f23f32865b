// Finds the video files below a library's folders. Never leaves them: a link counts only if its target lies inside.
import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, sep } from 'node:path';
import { type Sidecar, scannedFile } from '#domain/media.ts';
import { type FilmSubtitles, readFilmSubtitles } from './film-subtitles.ts';

export type FoundFile = {
  /** Absolute and without links, so that the checked file is the one that will be opened. */
  readonly path: string;
  /** Inside its library folder, `/` between names. */
  readonly name: string;
  readonly rootIndex: number;
  readonly byteLength: number;
  readonly mtimeMs: number;
  /** Subtitle files beside it and in folders of them, by name. */
  readonly sidecars: readonly Sidecar[];
};

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
  /** Of folders with films, by the path under which they were met. */
  readonly #subtitles = new Map<string, FilmSubtitles>();
  /** Folders that were read before their turn. */
  readonly #entries = new Map<string, Dirent[]>();

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
      entries = this.#entries.get(folder) ?? (await readdir(folder, { withFileTypes: true }));
    } catch (cause) {
      if (folder === root) throw cause;
      this.#report(folder, { message: 'the folder can not be read', isFolder: true });
      return;
    }
    this.#entries.delete(folder);
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    await this.#noteSubtitles(folder, { real, entries });
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
      const sidecars = (await this.#subtitles.get(dirname(path))?.of(basename(path))) ?? [];
      listener.found({ path: real, name: this.#nameOf(path), rootIndex, ...scannedFile(facts), sidecars });
    } catch {
      // A name that is not UTF-8 reads back with U+FFFD and then names nothing.
      const message = path.includes('\ufffd') ? 'the file name is not valid UTF-8' : 'the file went away during the scan';
      this.#report(path, { message, isFolder: false });
    }
  }

  /** The folders of subtitles are read here, and not again in their turn. */
  async #noteSubtitles(folder: string, { real, entries }: { real: string; entries: readonly Dirent[] }): Promise<void> {
    const films = entries
      .filter(entry => !entry.name.startsWith('.') && !entry.isDirectory())
      .map(({ name }) => name)
      .filter(isVideo);
    if (films.length === 0) return;
    const list = async (name: string): Promise<readonly Dirent[]> => {
      const below = await readdir(join(folder, name), { withFileTypes: true });
      this.#entries.set(join(folder, name), below);
      return below;
    };
    const subtitles = await readFilmSubtitles(real, { films, entries, list });
    if (subtitles !== null) this.#subtitles.set(folder, subtitles);
  }

  #report(path: string, failure: { message: string; isFolder: boolean }): void {
    this.#options.listener.unreadable({ name: this.#nameOf(path), ...failure });
  }

  #nameOf(path: string): string {
    return relative(this.#options.root, path).split(sep).join('/');
  }
}

const isVideo = (name: string): boolean => VIDEO_EXTENSIONS.has(extname(name).toLowerCase());
