// Finds the video files below a library's folders. Never leaves them: a link counts only if its target lies inside.
import type { Stats } from 'node:fs';
import { lstat, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { type Sidecar, scannedFile } from '#domain/media.ts';
import { type FilmSubtitles, readFilmSubtitles } from './film-subtitles.ts';
import { isVideo, type Listing, listFolder } from './folder-listing.ts';

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

export type Unreadable = {
  readonly name: string;
  readonly rootIndex: number;
  readonly message: string;
  /** What lies at this name, or below it, is unknown, not gone. */
  readonly isUnknown: boolean;
};

export type WalkListener = {
  found(file: FoundFile): void;
  unreadable(failure: Unreadable): void;
  /** Of the folder of the library, and of each below it that is another's: mounted there. */
  device?(path: string, device: number): void;
  /** A folder of the library in which there is nothing at all. */
  nothing?(rootIndex: number): void;
};

/** Rejects when a root can not be opened, or with the signal's reason. */
export async function walkVideos(roots: readonly string[], listener: WalkListener, signal: AbortSignal): Promise<void> {
  const seen = new Set<string>();
  for (const [rootIndex, root] of roots.entries()) {
    const walk = new Walk({ root: await realpath(root), rootIndex, seen, listener, signal });
    await walk.run('');
  }
}

export type WalkOptions = {
  readonly root: string;
  readonly rootIndex: number;
  /** Real paths already met: loops end and nothing is listed twice, not even under overlapping roots. */
  readonly seen: Set<string>;
  readonly listener: WalkListener;
  readonly signal: AbortSignal;
  /** Told of links in place of following them, by whoever looks at a part: what they lead to may be known by its own name. */
  readonly onLink?: () => void;
};

type Folder = { readonly path: string; readonly device: number | null };

/** Files of one folder whose facts are asked for at once. */
const FACTS_AT_ONCE = 8;

export class Walk {
  readonly #options: WalkOptions;
  readonly #folders: Folder[] = [];
  /** Links wait until all real entries are known, so that a file's own name wins over a link to it. */
  readonly #links: string[] = [];
  /** Of folders with films, by the path under which they were met. */
  readonly #subtitles = new Map<string, FilmSubtitles>();
  /** Folders that were read before their turn. */
  readonly #listings = new Map<string, Listing>();
  readonly #undecodable = { count: 0, first: '' };

  constructor(options: WalkOptions) {
    this.#options = options;
  }

  /** Of the whole root, or of one folder in it. */
  async run(name: string): Promise<void> {
    this.#folders.push({ path: join(this.#options.root, name), device: null });
    for (;;) {
      this.#options.signal.throwIfAborted();
      const folder = this.#folders.pop();
      const link = folder === undefined ? this.#links.shift() : undefined;
      if (folder !== undefined) await this.#readFolder(folder);
      else if (link !== undefined) await this.#follow(link);
      else break;
    }
    const { count, first } = this.#undecodable;
    const message = count === 1 ? 'the name is not valid UTF-8' : `the name is not valid UTF-8, and ${count - 1} more are not`;
    if (count > 0) this.#report(first, { message, isUnknown: false });
  }

  /** Some films of one folder, or all, and nothing below it. */
  async runFilms(folder: string, names: ReadonlySet<string> | 'all'): Promise<void> {
    const path = join(this.#options.root, folder);
    await this.#readFolder({ path, device: null }, names);
  }

  async #readFolder({ path, device: above }: Folder, only: ReadonlySet<string> | 'all' | null = null): Promise<void> {
    const { root, seen, listener, rootIndex, signal } = this.#options;
    let listing: Listing;
    let real = path;
    let device = above;
    try {
      real = await realpath(path);
      if (only === null && seen.has(real)) return;
      if (only === null) seen.add(real);
      ({ dev: device } = await lstat(real));
      if (device !== above && only === null) listener.device?.(real, device);
      listing = this.#listings.get(path) ?? (await listFolder(path, signal));
    } catch (cause) {
      signal.throwIfAborted();
      if (path === root) throw cause;
      // One that went away meanwhile is gone with all that was in it.
      if (!isGone(cause)) this.#report(path, { message: 'the folder can not be read', isUnknown: true });
      return;
    }
    this.#listings.delete(path);
    if (path === root && listing.hasNothing) listener.nothing?.(rootIndex);
    await this.#noteSubtitles(path, real, listing);
    if (only === null) this.#noteWhatIsBelow(path, device, listing);
    const films = only === null || only === 'all' ? listing.films : listing.films.filter(name => only.has(name));
    for (let at = 0; at < films.length; at += FACTS_AT_ONCE) {
      signal.throwIfAborted();
      const names = films.slice(at, at + FACTS_AT_ONCE);
      await Promise.all(names.map(name => this.#add(join(path, name), join(real, name))));
    }
  }

  #noteWhatIsBelow(path: string, device: number | null, listing: Listing): void {
    const { onLink } = this.#options;
    this.#noteUndecodable(path, listing);
    this.#folders.push(...listing.folders.map(name => ({ path: join(path, name), device })));
    if (onLink === undefined) for (const name of listing.links) this.#links.push(join(path, name));
    else if (listing.links.length > 0) onLink();
  }

  async #follow(link: string): Promise<void> {
    const { root } = this.#options;
    try {
      const target = await realpath(link);
      if (target !== root && !target.startsWith(root + sep)) {
        this.#report(link, { message: 'a link that leads out of the library', isUnknown: false });
        return;
      }
      const facts = await stat(target);
      if (facts.isDirectory()) this.#folders.push({ path: link, device: facts.dev });
      else if (facts.isFile() && isVideo(link)) await this.#add(link, target);
    } catch {
      if (isVideo(link)) this.#report(link, { message: 'a link that leads nowhere', isUnknown: false });
    }
  }

  /** `real`: the file itself, which is no link. */
  async #add(path: string, real: string): Promise<void> {
    const { rootIndex, seen, listener } = this.#options;
    if (seen.has(real)) return;
    seen.add(real);
    let facts: Stats;
    try {
      facts = await lstat(real);
    } catch (cause) {
      const isUnknown = !isGone(cause);
      this.#report(path, { message: isUnknown ? 'the file can not be read' : 'the file went away during the scan', isUnknown });
      return;
    }
    if (!facts.isFile()) return;
    const sidecars = (await this.#subtitles.get(dirname(path))?.of(basename(path))) ?? [];
    listener.found({ path: real, name: this.#nameOf(path), rootIndex, ...scannedFile(facts), sidecars });
  }

  /** The folders of subtitles are read here, and not again in their turn. */
  async #noteSubtitles(folder: string, real: string, { films, links, sidecars, folders }: Listing): Promise<void> {
    const all = [...films, ...links.filter(isVideo)];
    if (all.length === 0) return;
    const list = async (name: string): Promise<Listing> => {
      const below = await listFolder(join(folder, name), this.#options.signal);
      this.#listings.set(join(folder, name), below);
      return below;
    };
    const subtitles = await readFilmSubtitles(real, { films: all, sidecars, folders, list });
    if (subtitles !== null) this.#subtitles.set(folder, subtitles);
  }

  #noteUndecodable(folder: string, { undecodable }: Listing): void {
    const [first] = undecodable;
    if (first !== undefined && this.#undecodable.count === 0) this.#undecodable.first = join(folder, first);
    this.#undecodable.count += undecodable.length;
  }

  #report(path: string, failure: Pick<Unreadable, 'message' | 'isUnknown'>): void {
    this.#options.listener.unreadable({ name: this.#nameOf(path), rootIndex: this.#options.rootIndex, ...failure });
  }

  #nameOf(path: string): string {
    return relative(this.#options.root, path).split(sep).join('/');
  }
}

/** Not there, rather than not to be read: of a share that does not answer, nothing is known. */
export const isGone = (cause: unknown): boolean =>
  cause instanceof Error && 'code' in cause && (cause.code === 'ENOENT' || cause.code === 'ENOTDIR');
