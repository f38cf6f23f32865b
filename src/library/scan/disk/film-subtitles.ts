// The subtitle files of one folder's films: those beside them and those in folders of subtitles, as they lie on the disk. No link is followed to one.
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { type Sidecar, scannedFile } from '#domain/media.ts';
import { partsOfIndex } from '#domain/subtitles/vobsub-index.ts';
import { FolderSidecars, isSidecar, isSubtitleFolder, type NamedSidecar } from '#library/sidecar-names.ts';
import type { Listing } from './folder-listing.ts';

/** More belong to no film. */
const MAX_SIDECARS = 100;
/** Of thousands of pictures in dozens of languages. */
const MAX_INDEX_BYTES = 4 * 1024 ** 2;
// What was a file when its folder was listed may be a pipe by now, which would hold whoever opens it, or a link, which may lead anywhere.
const READ = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;
/** A program stream of MPEG begins with it: the `.sub` of VobSub holds pictures. */
const PACK_START = '000001ba';

type Inside = Pick<Listing, 'sidecars' | 'folders'>;

export type FilmFolder = Inside & {
  readonly films: readonly string[];
  /** Of a folder below it, by the path from it on. */
  readonly list: (name: string) => Promise<Inside>;
};

const NOTHING: Inside = { sidecars: [], folders: [] };

/** Null where there are none. `real`: without links, for a file is opened only at the very place that is noted here. */
export async function readFilmSubtitles(real: string, { films, sidecars, folders, list }: FilmFolder): Promise<FilmSubtitles | null> {
  const others = [...sidecars];
  // What can not be read is told of when it is walked through.
  const below = (name: string): Promise<Inside> => list(name).catch(() => NOTHING);
  for (const folder of folders.filter(isSubtitleFolder)) {
    const inside = await below(folder);
    others.push(...inside.sidecars.map(name => `${folder}/${name}`));
    for (const deeper of inside.folders) {
      const path = `${folder}/${deeper}`;
      others.push(...(await below(path)).sidecars.map(name => `${path}/${name}`));
    }
  }
  return others.some(isSidecar) ? new FilmSubtitles(real, FolderSidecars.subtitles({ films, others })) : null;
}

export class FilmSubtitles {
  readonly #folder: string;
  readonly #names: FolderSidecars;

  constructor(folder: string, names: FolderSidecars) {
    this.#folder = folder;
    this.#names = names;
  }

  /** What can not be read is left out: the film plays without it. */
  async of(film: string): Promise<readonly Sidecar[]> {
    const named = this.#names.of(film).slice(0, MAX_SIDECARS);
    const found = await Promise.all(named.map(one => readFacts(join(this.#folder, one.name), one).catch(() => [])));
    return found.flat().slice(0, MAX_SIDECARS);
  }
}

/** None of what holds pictures and should hold text; of an index of several languages one for each. */
async function readFacts(path: string, { name: _, ...named }: NamedSidecar): Promise<readonly Sidecar[]> {
  const file = await open(path, READ);
  try {
    const facts = await file.stat();
    if (!facts.isFile() || facts.size === 0) return [];
    if (named.format === 'sub' && (await startOf(file, 4)).toString('hex') === PACK_START) return [];
    const sidecar: Sidecar = { path, ...scannedFile(facts), ...named };
    if (named.format !== 'idx' || facts.size > MAX_INDEX_BYTES) return [sidecar];
    return withLanguages(sidecar, (await startOf(file, facts.size)).toString('latin1'));
  } finally {
    await file.close();
  }
}

/** What its name says of the language goes before what it says itself, where it has one. */
function withLanguages(sidecar: Sidecar, index: string): readonly Sidecar[] {
  const parts = partsOfIndex(index);
  const [first] = parts;
  if (parts.length < 2) return [{ ...sidecar, language: sidecar.language ?? first?.language ?? null }];
  return parts.map(({ position, language }) => ({ ...sidecar, part: position, language }));
}

/** No more than that, though it may grow while it is read. */
async function startOf(file: FileHandle, byteLength: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(byteLength), 0, byteLength, 0);
  return buffer.subarray(0, bytesRead);
}
