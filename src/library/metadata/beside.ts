// Which files of a folder describe a film or a show, and which are pictures of it, by their names. Pure.
import type { ArtworkKind } from '#domain/catalogue/description.ts';

export type Beside = {
  /** The best first. */
  readonly nfo: readonly string[];
  readonly artwork: Readonly<Partial<Record<ArtworkKind, string>>>;
};

export type BesideShow = Beside & {
  /** Posters by season. */
  readonly seasons: ReadonlyMap<number, string>;
};

/** By lower case: who writes `Poster.JPG` means the same. */
export type FolderNames = ReadonlyMap<string, string>;

export const folderNames = (names: readonly string[]): FolderNames => new Map(names.map(name => [name.toLowerCase(), name]));

/** `tbn` is a JPEG by another name. */
const PICTURE = /\.(?:jpe?g|png|webp|tbn)$/i;

/** What stands alone, or behind the film's own name and a hyphen. */
const NAMES: Readonly<Record<ArtworkKind, readonly string[]>> = {
  poster: ['poster', 'folder', 'cover', 'movie', 'show', 'default'],
  fanart: ['fanart', 'backdrop', 'background', 'art'],
  banner: ['banner'],
  logo: ['logo', 'clearlogo'],
  thumb: ['thumb', 'landscape'],
};

/** `isAlone`: no other film lies in the folder, so that what is called after none is its own. */
export function besideFilm(byName: FolderNames, stem: string, { isAlone, isEpisode }: { isAlone: boolean; isEpisode: boolean }): Beside {
  const own = stem.toLowerCase();
  const nfo = [`${own}.nfo`, ...(isAlone && !isEpisode ? ['movie.nfo'] : [])].flatMap(name => byName.get(name) ?? []);
  const artwork: Partial<Record<ArtworkKind, string>> = {};
  for (const [kind, words] of Object.entries(NAMES) as [ArtworkKind, readonly string[]][]) {
    const wanted = [...words.map(word => `${own}-${word}`), ...(isAlone && !isEpisode ? words : [])];
    const found = pictureOf(byName, wanted);
    if (found !== undefined) artwork[kind] = found;
  }
  // A picture with the film's very name: of an episode a scene, of a film its poster.
  const same = pictureOf(byName, [own]);
  const kind = isEpisode ? 'thumb' : 'poster';
  if (same !== undefined && artwork[kind] === undefined) artwork[kind] = same;
  return { nfo, artwork };
}

export function besideShow(byName: FolderNames): BesideShow {
  const { artwork } = besideFilm(byName, '', { isAlone: true, isEpisode: false });
  const seasons = new Map<number, string>();
  for (const name of [...byName.values()].toSorted()) {
    const match = PICTURE.test(name) ? /^season[ ._-]?(\d{1,4}|specials)(?:-poster)?\.\w+$/i.exec(name) : null;
    const season = match?.[1]?.toLowerCase() === 'specials' ? 0 : Number(match?.[1]);
    if (match !== null && !seasons.has(season)) seasons.set(season, name);
  }
  return { nfo: [byName.get('tvshow.nfo') ?? []].flat(), artwork, seasons };
}

function pictureOf(byName: FolderNames, stems: readonly string[]): string | undefined {
  for (const stem of stems) {
    for (const extension of ['jpg', 'jpeg', 'png', 'webp', 'tbn']) {
      const found = byName.get(`${stem}.${extension}`);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** A folder of one season, below that of its show. */
export const isSeasonFolder = (name: string): boolean =>
  /^(?:season|series|staffel|saison|temporada|stagione|seizoen|sezon|s|book|volume)[ ._-]?\d{1,4}\b|^specials?$/i.test(name);
