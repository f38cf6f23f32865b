// Trailers, interviews and scenes: whose they are, told from the folder that they lie in and from what they are called.
import { dirname } from 'node:path';
import type { MediaId } from '#domain/ids.ts';
import type { Entry } from './entry.ts';

type File = Pick<Entry, 'id' | 'path' | 'depth' | 'isEpisode'>;

/** `Show/Season 1/Extras/Interviews`: no deeper. */
const MAX_DEPTH = 4;

export class Extras {
  /** Films and episodes by the folder that they lie in; episodes also by the one above that, if it is not the library's own. */
  readonly #films = new Map<string, File[]>();
  readonly #extras = new Map<MediaId, File>();
  /** Extras by each folder that they lie below. */
  readonly #below = new Map<string, Set<File>>();

  addFilm(film: File): void {
    for (const folder of foldersOf(film)) {
      const films = this.#films.get(folder);
      if (films === undefined) this.#films.set(folder, [film]);
      else films.push(film);
    }
  }

  removeFilm(film: File): void {
    for (const folder of foldersOf(film)) {
      const left = (this.#films.get(folder) ?? []).filter(({ id }) => id !== film.id);
      if (left.length === 0) this.#films.delete(folder);
      else this.#films.set(folder, left);
    }
  }

  add(extra: File): void {
    this.#extras.set(extra.id, extra);
    for (const folder of foldersAbove(extra)) {
      const below = this.#below.get(folder) ?? new Set();
      this.#below.set(folder, below.add(extra));
    }
  }

  remove(id: MediaId): void {
    const extra = this.#extras.get(id);
    if (extra === undefined) return;
    this.#extras.delete(id);
    for (const folder of foldersAbove(extra)) {
      const below = this.#below.get(folder);
      below?.delete(extra);
      if (below?.size === 0) this.#below.delete(folder);
    }
  }

  /** Nothing lies in a film's folder but it and these. */
  areAlone(film: File, files: ReadonlySet<MediaId>): boolean {
    return (this.#films.get(dirname(film.path)) ?? []).every(({ id }) => files.has(id));
  }

  /** Those of these files. */
  of(files: Iterable<File>): MediaId[] {
    const theirs = new Set<MediaId>();
    const folders = new Set<string>();
    for (const file of files) {
      theirs.add(file.id);
      for (const folder of foldersOf(file)) folders.add(folder);
    }
    const found = new Set<MediaId>();
    for (const folder of folders) {
      for (const extra of this.#below.get(folder) ?? []) if (isOwnedBy(this.#ownersOf(extra), theirs)) found.add(extra.id);
    }
    return [...found].sort();
  }

  /** The films of the nearest folder above that has some; of several those that it is called after. */
  #ownersOf(extra: File): readonly File[] {
    const own = stemOf(extra);
    for (const folder of foldersAbove(extra)) {
      const films = this.#films.get(folder);
      if (films === undefined) continue;
      const named = films.filter(film => own.startsWith(stemOf(film)));
      const longest = Math.max(0, ...named.map(film => stemOf(film).length));
      return longest > 0 ? named.filter(film => stemOf(film).length === longest) : films;
    }
    return [];
  }
}

/** What lies beside films that have nothing to do with each other is nobody's. */
const isOwnedBy = (owners: readonly File[], files: ReadonlySet<MediaId>): boolean =>
  owners.length > 0 && owners.every(({ id }) => files.has(id));

function foldersOf({ path, depth, isEpisode }: File): string[] {
  const folder = dirname(path);
  return isEpisode && depth > 2 ? [folder, dirname(folder)] : [folder];
}

/** From its own upwards, within the folder of its library. */
function foldersAbove({ path, depth }: File): string[] {
  const folders: string[] = [];
  for (let folder = dirname(path); folders.length < Math.min(depth, MAX_DEPTH); folder = dirname(folder)) folders.push(folder);
  return folders;
}

const stemOf = ({ path }: File): string => (path.split('/').at(-1) ?? '').replace(/\.[^.]*$/, '').toLowerCase();
