// Looks at those places of a library alone where something has changed: files, folders, and what lies beside films.
import { lstat, opendir, realpath } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { FerriteError } from '#domain/errors.ts';
import { isIndex, isSidecar, isSubtitleFolder } from '#library/sidecar-names.ts';
import { isLeftOut, isVideo } from './disk/folder-listing.ts';
import { type FoundFile, isGone, Walk } from './disk/walk.ts';
import { Finding, type Look } from './findings.ts';
import { isIn, type Spot } from './places.ts';

export type ChangeListener = {
  /** Whether it has come to rest; one that is still being written is looked at another time. */
  isSettled(file: FoundFile): boolean;
  /** A link is among what changed: only all of its folder of the library tells what that comes to. */
  link(rootIndex: number): void;
};

const BESIDE = new Set(['.nfo', '.jpg', '.jpeg', '.png', '.webp', '.tbn']);

/** Whether it may describe a film, or be a picture of it. */
export const isBeside = (name: string): boolean => BESIDE.has(extname(name).toLowerCase());

/** Nobody is shown what lies below one of these. */
export const isHidden = (name: string): boolean => name.split('/').some(isLeftOut);

/** `spots`: what changed, at that very place or somewhere below it. An empty name is a whole folder of the library. */
export const lookAtChanges =
  (spots: readonly Spot[], listener: ChangeListener): Look =>
  async (library, notes, tell, signal) => {
    const finding = new Finding(notes, tell);
    const settled = {
      found: (file: FoundFile): void => {
        if (listener.isSettled(file)) finding.found(file);
        else finding.unknown.push(file);
      },
      unreadable: finding.unreadable.bind(finding),
      nothing: finding.nothing.bind(finding),
    };
    const scope: Spot[] = [];
    for (const [rootIndex, path] of library.paths.entries()) {
      const here = spots.filter(spot => spot.rootIndex === rootIndex && !isHidden(spot.name));
      if (here.length === 0) continue;
      const root = await realpath(path).catch(cause => {
        throw new FerriteError('MEDIA_UNREADABLE', 'a folder of the library is missing or can not be read', { cause });
      });
      if (await hasNothing(root)) finding.nothing(rootIndex);
      const onLink = (): void => listener.link(rootIndex);
      // Who looks at all of it can follow them.
      const links = here.some(({ name }) => name === '') ? {} : { onLink };
      const walk = new Walk({ root, rootIndex, seen: new Set(), listener: settled, signal, ...links });
      scope.push(...(await lookBelow({ root, walk, spots: here, finding, onLink })));
    }
    return {
      files: [...new Map(finding.files.map(file => [`${file.rootIndex}\0${file.name}`, file])).values()],
      scope,
      unknown: finding.unknown,
      devices: null,
    };
  };

type Below = {
  readonly root: string;
  readonly walk: Walk;
  readonly spots: readonly Spot[];
  readonly finding: Finding;
  readonly onLink: () => void;
};

/** The spots that are known by now, one way or the other. */
async function lookBelow({ root, walk, spots, finding, onLink }: Below): Promise<readonly Spot[]> {
  const films = new Map<string, Set<string> | 'all'>();
  const scope: Spot[] = [];
  for (const spot of withoutThoseInside(spots)) {
    const { name } = spot;
    const kind = name === '' ? 'folder' : await kindOf(join(root, name));
    if (kind === 'link') onLink();
    else if (kind === 'unknown') finding.unknown.push(spot);
    else if (kind === 'folder') await walk.run(name);
    else if (isVideo(name)) noteFilm(films, name);
    if (isSidecar(name) || isIndex(name)) for (const folder of foldersOfFilms(name)) films.set(folder, 'all');
    // A folder of subtitles is no folder of films alone.
    if (isSubtitleFolder(basename(name))) films.set(folderOf(name), 'all');
    if (kind !== 'link' && kind !== 'unknown') scope.push(spot);
  }
  for (const [folder, names] of films) await walk.runFilms(folder, names);
  return scope;
}

function noteFilm(films: Map<string, Set<string> | 'all'>, name: string): void {
  const names = films.get(folderOf(name)) ?? new Set();
  if (names !== 'all') films.set(folderOf(name), names.add(basename(name)));
}

const folderOf = (name: string): string => (dirname(name) === '.' ? '' : dirname(name));

/** Beside it, and where it lies in a folder of subtitles, or in one of a film there, beside that. */
function foldersOfFilms(name: string): readonly string[] {
  const folder = folderOf(name);
  const above = folderOf(folder);
  if (isSubtitleFolder(basename(folder))) return [folder, above];
  return isSubtitleFolder(basename(above)) ? [folder, folderOf(above)] : [folder];
}

/** In order: what is inside another comes after it. */
function withoutThoseInside(spots: readonly Spot[]): readonly Spot[] {
  const kept: Spot[] = [];
  for (const spot of spots.toSorted((a, b) => (pathOrder(a.name) < pathOrder(b.name) ? -1 : 1))) {
    const last = kept.at(-1);
    if (last === undefined || !isIn(spot, last)) kept.push(spot);
  }
  return kept;
}

/** The sign between names sorts before all others, so that a folder is followed by what is in it. */
const pathOrder = (name: string): string => name.replaceAll('/', '\0');

async function kindOf(path: string): Promise<'file' | 'folder' | 'link' | 'gone' | 'unknown'> {
  try {
    const facts = await lstat(path);
    if (facts.isSymbolicLink()) return 'link';
    return facts.isDirectory() ? 'folder' : 'file';
  } catch (cause) {
    return isGone(cause) ? 'gone' : 'unknown';
  }
}

async function hasNothing(folder: string): Promise<boolean> {
  const entries = await opendir(folder);
  try {
    return (await entries.read()) === null;
  } finally {
    await entries.close();
  }
}
