// What the folders above an episode say: its season, and its show.
import { cleanName } from './clean-name.ts';
import { episodeName } from './episode-name.ts';
import { filmName } from './film-name.ts';
import { episodesIn, pairIn, type SeasonMark, seasonIn } from './numbering/marks.ts';
import { releaseStart } from './release-words.ts';
import { styleOf, titleText } from './title-text.ts';
import { tokensOf, wordsOf } from './tokens.ts';

export type ShowFolder = {
  readonly title: string;
  readonly year: number | null;
  /** It holds the folder of the season: it is the show's, whatever its files say. */
  readonly isCertain: boolean;
};

export type ShowFolders = {
  /** Null: no folder tells it. */
  readonly season: number | null;
  readonly show: ShowFolder | null;
};

/** Folders in which shows lie, and no shows. */
const GENERIC = new Set(
  'tv|tv shows|tv show|tv series|tvshows|shows|series|serien|séries|anime|movies|films|video|videos|media|downloads|complete|completed|unsorted|new'.split(
    '|',
  ),
);
const SPECIALS = new Set('specials|special|ova|ovas|oad|bonus episodes|особое|spezial|especiales'.split('|'));

/** Pieces of a show that are no seasons. */
const VOLUME = /^(?:vol|volume|book|part|arc|disc|disk|dvd|cd)[\s._-]*\d{1,2}(?![\p{L}\d])/iu;

/** The last that were asked for: the files of a folder come one after the other. */
let last: { readonly path: string; readonly found: ShowFolders } | null = null;

/** The outermost first. */
export function showFolders(folders: readonly string[]): ShowFolders {
  const path = folders.join('/');
  if (last?.path !== path) last = { path, found: readFolders(folders) };
  return last.found;
}

function readFolders(folders: readonly string[]): ShowFolders {
  const at = folders.findLastIndex((name, place) => seasonOfFolder(name, place > 0) !== null);
  if (at === -1) return { season: null, show: nearest(folders) };
  const folder = folders[at] ?? '';
  const own = titleInFront(folder);
  const above = nearest(folders.slice(0, at));
  const isOwn = own !== '' && (above === null || !isSameShow(own, above.title));
  const show = isOwn ? { title: own, year: null, isCertain: false } : above === null ? null : { ...above, isCertain: true };
  return { season: seasonOfFolder(folder, at > 0), show: show ?? (own === '' ? null : { title: own, year: null, isCertain: false }) };
}

/** The season that a folder holds: `Season 1`, `S01`, `3. Staffel`, `Specials`, `Show S02 1080p`, and below another folder a number alone. */
export function seasonOfFolder(name: string, isBelow: boolean): number | null {
  const plain = name.toLowerCase().trim();
  if (SPECIALS.has(plain)) return 0;
  if (isBelow && /^(?:\d{1,2}|(?:19|20)\d\d)$/.test(plain)) return Number(plain);
  const tokens = tokensOf(cleanName(name).text);
  if (pairIn(tokens) !== null) return null;
  const mark = seasonIn(tokens);
  if (mark === null || mark.isSeveral) return null;
  const episodes = episodesIn(tokens);
  return episodes === null ? mark.season : null;
}

/** Of `The Show S04 1080p`. */
function titleInFront(folder: string): string {
  const { text } = cleanName(folder);
  const tokens = tokensOf(text);
  const mark: SeasonMark | null = seasonIn(tokens);
  if (mark === null) return '';
  const words = wordsOf(tokensOf(text.slice(0, tokens[mark.from]?.start ?? 0)));
  return titleText(text.slice(0, Math.min(tokens[mark.from]?.start ?? 0, words[releaseStart(words)]?.start ?? text.length)), styleOf(text));
}

function nearest(folders: readonly string[]): ShowFolder | null {
  // That of one episode's release is not the show's, nor is one of its volumes.
  const name = folders.findLast((one, at) => pairIn(tokensOf(cleanName(one).text)) === null && (at === 0 || !VOLUME.test(one)));
  if (name === undefined || GENERIC.has(name.toLowerCase().trim()) || /^[a-z]:$/i.test(name)) return null;
  // A batch: `[Group] Show - 01-12`.
  const { title, year } = (cleanName(name).group === null ? null : episodeName(name, { season: null, show: null })) ?? filmName(name);
  return title === '' ? null : { title, year, isCertain: false };
}

const isSameShow = (own: string, above: string): boolean =>
  above.toLowerCase().startsWith(own.toLowerCase()) || own.toLowerCase().startsWith(above.toLowerCase());
