// Trailers, samples, deleted scenes and what else comes with a film: told by folders, by the whole name of a file, or by its end. The words are those of Kodi, Plex and Jellyfin.
import type { ExtraKind } from '#domain/catalogue/name-facts.ts';

const FOLDERS: Readonly<Record<string, ExtraKind>> = {
  trailer: 'trailer',
  trailers: 'trailer',
  sample: 'sample',
  samples: 'sample',
  scene: 'scene',
  scenes: 'scene',
  clip: 'clip',
  clips: 'clip',
  'deleted scenes': 'deleted-scene',
  'deleted scene': 'deleted-scene',
  deleted: 'deleted-scene',
  interview: 'interview',
  interviews: 'interview',
  'behind the scenes': 'behind-the-scenes',
  featurette: 'featurette',
  featurettes: 'featurette',
  shorts: 'short',
  'theme music': 'theme-song',
  backdrops: 'theme-video',
  extra: 'other',
  extras: 'other',
  other: 'other',
  others: 'other',
  bonus: 'other',
  'bonus features': 'other',
  'special features': 'other',
};
/** Behind a hyphen. */
const SUFFIXES: Readonly<Record<string, ExtraKind>> = {
  trailer: 'trailer',
  teaser: 'trailer',
  sample: 'sample',
  scene: 'scene',
  clip: 'clip',
  deleted: 'deleted-scene',
  deletedscene: 'deleted-scene',
  deletedscenes: 'deleted-scene',
  interview: 'interview',
  behindthescenes: 'behind-the-scenes',
  featurette: 'featurette',
  short: 'short',
  extra: 'other',
  other: 'other',
};
/** Behind a dot, a low line or a space as well: no episode is called so. */
const OFTEN = new Set(['trailer', 'sample']);
/** Of whole names, with a number at most. */
const WHOLE = new Set(['trailer', 'teaser', 'sample']);
/** A folder of extras lies in the folder of a film or a show; below it there may be others. */
const DEEP = 1;
const AUDIO = /\.(?:mp3|flac|ogg|oga|wav|m4a|aac|wma|opus|mka)$/i;

export type ExtraAt = { readonly extra: ExtraKind /** The name without what said so. */; readonly stem: string };

/** `folders`: inside the library, the outermost first. */
export function extraOf(fileName: string, stem: string, folders: readonly string[]): ExtraAt | null {
  const byFolder = folders.findLast((folder, at) => (at >= DEEP || at === folders.length - 1) && FOLDERS[plain(folder)] !== undefined);
  const kind = byFolder === undefined ? undefined : FOLDERS[plain(byFolder)];
  if (AUDIO.test(fileName)) {
    const isTheme = kind === 'theme-song' || plain(stem) === 'theme';
    return isTheme ? { extra: 'theme-song', stem } : null;
  }
  const whole = /^(\p{L}+)[\s._-]?\d{0,2}$/u.exec(stem)?.[1]?.toLowerCase() ?? '';
  if (WHOLE.has(whole)) return { extra: SUFFIXES[whole] ?? 'other', stem };
  if (/^sample[-_.]/i.test(stem)) return { extra: 'sample', stem: stem.slice('sample-'.length) };
  const end = /([-._])(\s?)(\p{L}+)\d?$/u.exec(stem);
  const word = end?.[3]?.toLowerCase() ?? '';
  const bySuffix = (end?.[1] === '-' && end[2] === '') || OFTEN.has(word) ? SUFFIXES[word] : undefined;
  if (end !== null && bySuffix !== undefined && end.index > 0) return { extra: bySuffix, stem: stem.slice(0, end.index) };
  return kind === undefined ? null : { extra: kind, stem };
}

export const isExtraFolder = (name: string): boolean => FOLDERS[plain(name)] !== undefined;

const plain = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/[\s._-]+/g, ' ')
    .trim();
