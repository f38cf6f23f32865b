// What the name of a file says of it, with that of the folders it lies in. Pure: nothing is looked up, and a name is all that is read.
import type { EpisodeFacts, NameFacts, ProviderIds } from '#domain/catalogue/name-facts.ts';
import type { Library } from '#domain/media.ts';
import { cleanName, withoutExtension } from './clean-name.ts';
import { taggedEdition } from './editions.ts';
import { type EpisodeName, episodeName } from './episode-name.ts';
import { type ExtraAt, extraOf, isExtraFolder } from './extras.ts';
import { type FilmName, filmName } from './film-name.ts';
import { type ShowFolder, showFolders } from './folders.ts';
import { idsIn } from './ids.ts';
import { folded, styleOf, titleText } from './title-text.ts';

/** A piece of a film to try it with: the scan leaves it out. */
export const isSample = (relativePath: string): boolean => pathOf(relativePath).extra?.extra === 'sample';

type Path = {
  readonly stem: string;
  /** The outermost first; none of them is of extras. */
  readonly folders: readonly string[];
  readonly extra: ExtraAt | null;
  readonly ids: ProviderIds;
  /** Of the folders alone: in an episode's own name they may be the episode's. */
  readonly showIds: ProviderIds;
  /** As a folder says: `CD2`. */
  readonly part: number | null;
  readonly whole: string;
};

const DISC_FOLDER = /^(?:video_ts|audio_ts|bdmv|stream|hvdvd_ts|(?:cd|disc|disk|dvd)[\s._-]?(\d{1,2}))$/i;
/** Names that say nothing. */
const NOTHING_NAMES = /^(?:movie|film|video|title|main|feature|index|disc ?\d?|cd ?\d|vts \d+ \d+|video ts|\d{5})$/i;

/**
 * `relativePath`: inside the library's folder, with `/` between names. The title is empty where an episode's name and folders have none,
 * which leaves the library's own folder to be asked.
 */
export function nameFacts(relativePath: string, kind: Library['kind']): NameFacts {
  const path = pathOf(relativePath);
  return kind === 'shows' ? episodeFacts(path) : (episodeAmongFilms(path) ?? filmFacts(path));
}

function pathOf(relativePath: string): Path {
  const parts = relativePath.normalize('NFC').split('/');
  const fileName = parts.at(-1) ?? '';
  const file = idsIn(withoutExtension(fileName) || fileName);
  const above = parts.slice(0, -1).map(name => idsIn(name));
  const extra = extraOf(fileName, file.text, parts.slice(0, -1));
  const { folders, part } = withoutDiscs(above.map(({ text }) => text));
  const end = folders.findIndex((name, at) => at > 0 && isExtraFolder(name));
  const showIds: ProviderIds = Object.assign({}, ...above.map(each => each.ids));
  const ids = { ...showIds, ...file.ids };
  return {
    stem: extra?.stem ?? file.text,
    folders: folders.slice(0, end === -1 ? folders.length : end),
    extra,
    ids,
    showIds,
    part,
    whole: relativePath,
  };
}

/** Those in which the files of a disc lie say nothing but which disc it is. */
function withoutDiscs(folders: readonly string[]): { folders: string[]; part: number | null } {
  const kept = [...folders];
  let part: number | null = null;
  for (let last = kept.at(-1) ?? ''; kept.length > 1 && DISC_FOLDER.test(last); last = kept.at(-1) ?? '') {
    part ??= Number(DISC_FOLDER.exec(last)?.[1] ?? 0) || null;
    kept.pop();
  }
  return { folders: kept, part };
}

function filmFacts({ stem, folders, extra, ids, part, whole }: Path): NameFacts {
  const own = filmName(stem);
  const folder = folders.at(-1);
  const { title, year, edition } = folder === undefined ? own : filmTitle(own, { stem, folder, above: filmName(folder) });
  const shown = title === '' ? stem.trim() || whole.trim() || 'Untitled' : title;
  return { title: shown, year, edition, part: own.part ?? part, extra: extra?.extra ?? null, episode: null, ids };
}

type Named = Pick<FilmName, 'title' | 'year' | 'edition'>;

/** The folder tells what the file leaves out: the year of the same title, or all of it. */
function filmTitle(own: FilmName, { stem, folder, above }: { stem: string; folder: string; above: FilmName }): Named {
  const edition = own.edition ?? above.edition;
  const isSame = folded(own.title) === folded(above.title);
  // "Title (1999)/Title (1999) - Open Air Version.mkv".
  if (own.isYearCertain) {
    if (own.year !== above.year) return own;
    // "Title (1999)/Title (Titel) (1999)".
    const isMore = folded(own.title).startsWith(`${folded(above.title)} `);
    return isSame ? { ...own, edition: edition ?? own.label } : { ...own, title: isMore ? above.title : own.title };
  }
  if (above.title === '') return own;
  const { title, year } = above;
  if (own.title === '' || NOTHING_NAMES.test(own.title)) return { title, year, edition };
  if (own.year === null && (isSame || isAbbreviated(stem, folder, above))) return { title, year, edition };
  if (!above.isYearCertain) return own;
  // "Title 1984 (2020)/Title 1984.mkv": the number is of the title.
  if (folded(`${own.title} ${own.year ?? ''}`) === folded(title)) return { title, year, edition };
  const label = behindTitle(own.title, title);
  return label === null || own.year !== null ? own : { title, year, edition: edition ?? label };
}

/** "Title (1999)/Title - Open Air Version.mkv". */
function behindTitle(name: string, title: string): string | null {
  const rest = name.toLowerCase().startsWith(title.toLowerCase()) ? name.slice(title.length) : '';
  return /^\s+[-–]\s+\S/.test(rest) ? rest.replace(/^\s+[-–]\s+/, '') : null;
}

/** "grp-tnf" in a folder that is named as the release of "The Night Ferry". */
function isAbbreviated(stem: string, folder: string, { title }: FilmName): boolean {
  const whole = folded(title).replaceAll(' ', '');
  if (/\s|\p{Lu}{2}/u.test(stem) || !/-[\p{L}\d]+(?:\[[^\]]*\])*$/u.test(folder) || whole === folded(folder).replaceAll(' ', ''))
    return false;
  const pieces = stem.toLowerCase().split(/[^\p{L}]+/u);
  return pieces.some(piece => piece.length > 1 && whole.startsWith(piece.slice(0, 1)) && isWithin(piece, whole));
}

/** Its letters are there in this order. */
function isWithin(letters: string, whole: string): boolean {
  let at = 0;
  for (const letter of letters) {
    at = whole.indexOf(letter, at) + 1;
    if (at === 0) return false;
  }
  return true;
}

/** Among films an episode is one only where it is numbered as nothing else is. */
function episodeAmongFilms(path: Path): NameFacts | null {
  if (filmName(path.stem).isYearCertain && !/s\d{1,2}\s?e\d/i.test(path.stem)) return null;
  const isFansub = cleanName(path.stem).group !== null;
  const isNumbered =
    /(?<![\p{L}\p{N}])s\d{1,2}[\s._-]?e\d/iu.test(path.stem) ||
    (isFansub && /\s-\s\d{2,4}(?:v\d)?(?:\s|\[|$)|\[\d{2,3}(?:-\d{2,3})?\]|E\d{2,3}[-~]E?\d/.test(path.stem));
  return isNumbered ? episodeFacts(path) : null;
}

function episodeFacts(path: Path): NameFacts {
  const { stem, folders, extra, showIds } = path;
  const above = showFolders(folders);
  const tagged = taggedEdition(stem);
  const own = episodeName(tagged.text, { season: above.season, show: above.show?.title ?? null });
  const released = own?.isCertain === true ? null : releaseOf(folders.at(-1));
  const told = released ?? own;
  if (told === null) return withoutNumber(path);
  const isUnnamed = released === null && told.title === '';
  const named = isUnnamed ? (releaseOf(folders.at(-1)) ?? told) : told;
  const isOfRelease = released !== null || named !== told;
  const { title, year } = showOf(named, isOfRelease ? showFolders(folders.slice(0, -1)).show : above.show);
  const episode: EpisodeFacts = {
    season: told.season ?? above.season,
    episodes: told.episodes,
    absolute: told.absolute,
    airDate: told.airDate,
    title: told.ownTitle,
  };
  return {
    title,
    year,
    edition: tagged.edition ?? told.edition,
    part: told.part,
    extra: extra?.extra ?? (told.isExtra ? 'other' : null),
    episode,
    ids: showIds,
  };
}

/** A folder named as the release of one episode says more than the file in it, which may be called anything. */
function releaseOf(folder: string | undefined): EpisodeName | null {
  const found = folder === undefined ? null : episodeName(folder, { season: null, show: null });
  return found?.isCertain === true && found.title !== '' && found.episodes.length > 0 ? found : null;
}

/** In a folder of a season it is an episode all the same. */
function withoutNumber(path: Path): NameFacts {
  const above = showFolders(path.folders);
  const film = filmFacts(path);
  if (above.season === null || path.extra !== null) return film;
  const own = titleText(path.stem, styleOf(path.stem));
  const episode: EpisodeFacts = { season: above.season, episodes: [], absolute: [], airDate: null, title: own === '' ? null : own };
  return { ...film, title: above.show?.title ?? '', year: above.show?.year ?? null, episode };
}

/** Whose title a show is listed under: its folder's, where that is sure to be the show's or says the same as the file. */
function showOf(own: Pick<EpisodeName, 'title' | 'year'>, folder: ShowFolder | null): { title: string; year: number | null } {
  if (folder === null) return { title: own.title, year: own.year };
  const isTold = folder.isCertain || own.title === '' || isSameShow(own.title, folder.title);
  return isTold ? { title: folder.title, year: folder.year ?? (own.title === '' ? null : own.year) } : { title: own.title, year: own.year };
}

/** Equal, an abbreviation, or what the folder's title begins with: "got", "The Office" in "The Office (US)". */
function isSameShow(own: string, folder: string): boolean {
  const [short, long] = [folded(own), folded(folder)];
  const initials = long
    .split(' ')
    .map(word => word.slice(0, 1))
    .join('');
  return short === long || long.startsWith(`${short} `) || (short.length > 2 && short === initials);
}
