// Editions of a film, as names say them and as they are shown.
import type { Word } from './tokens.ts';

/** Phrase → what is shown. Of several that begin at one word the longest counts. */
const EDITIONS: Readonly<Record<string, string>> = {
  "director's cut": "Director's Cut",
  'directors cut': "Director's Cut",
  'director s cut': "Director's Cut",
  'directors edition': "Director's Edition",
  "director's edition": "Director's Edition",
  'extended cut': 'Extended Cut',
  'extended edition': 'Extended Edition',
  'extended version': 'Extended',
  'extended directors cut': "Extended Director's Cut",
  extended: 'Extended',
  'final cut': 'Final Cut',
  'theatrical cut': 'Theatrical Cut',
  'theatrical release': 'Theatrical',
  'theatrical version': 'Theatrical',
  'theatrical edition': 'Theatrical',
  theatrical: 'Theatrical',
  'unrated cut': 'Unrated',
  'unrated edition': 'Unrated',
  'unrated version': 'Unrated',
  'unrated directors cut': "Unrated Director's Cut",
  unrated: 'Unrated',
  'uncut version': 'Uncut',
  uncut: 'Uncut',
  'imax edition': 'IMAX',
  imax: 'IMAX',
  'criterion collection': 'Criterion',
  'criterion edition': 'Criterion',
  criterion: 'Criterion',
  '4k remastered': 'Remastered',
  'remastered edition': 'Remastered',
  remastered: 'Remastered',
  remaster: 'Remastered',
  uncensored: 'Uncensored',
  'special edition': 'Special Edition',
  'collectors edition': "Collector's Edition",
  "collector's edition": "Collector's Edition",
  'edition collector': "Collector's Edition",
  'ultimate cut': 'Ultimate Cut',
  'ultimate edition': 'Ultimate Edition',
  'anniversary edition': 'Anniversary Edition',
  'limited edition': 'Limited Edition',
  'assembly cut': 'Assembly Cut',
  'alternate cut': 'Alternate Cut',
  'alternative cut': 'Alternative Cut',
  'rogue cut': 'Rogue Cut',
  'producers cut': "Producer's Cut",
  "producer's cut": "Producer's Cut",
  'international cut': 'International Cut',
  'tv cut': 'TV Cut',
  dc: "Director's Cut",
  'fan edit': 'Fan Edit',
  fanedit: 'Fan Edit',
  redux: 'Redux',
  'open matte': 'Open Matte',
  despecialized: 'Despecialized',
  'despecialized edition': 'Despecialized',
  'black and white edition': 'Black and White',
};
const LONGEST = 4;
const FIRST_WORDS = new Set(Object.keys(EDITIONS).map(phrase => phrase.split(/[ ']/)[0]));
/** Nobody has them in a title. */
const CERTAIN = new Set([...Object.keys(EDITIONS)].filter(phrase => phrase.includes(' ') && !/^final|^special|^limited/.test(phrase)));

export type EditionAt = { readonly edition: string /** Words. */; readonly from: number; readonly to: number; readonly isCertain: boolean };

export function editionAt(words: readonly Word[], at: number): EditionAt | null {
  if (!FIRST_WORDS.has(words[at]?.text)) return null;
  for (let length = Math.min(LONGEST, words.length - at); length > 0; length--) {
    const phrase = words
      .slice(at, at + length)
      .map(({ text, gap }, place) => (place > 0 && /^['’]$/.test(gap) ? `'${text}` : place > 0 ? ` ${text}` : text))
      .join('');
    const edition = EDITIONS[phrase];
    if (edition !== undefined) return { edition, from: at, to: at + length, isCertain: CERTAIN.has(phrase) };
  }
  return null;
}

/** All that are named from a word on, as one text. */
export function editionsFrom(words: readonly Word[], from: number): string | null {
  const found = new Set<string>();
  for (let at = Math.max(from, 0); at < words.length; at++) {
    const here = editionAt(words, at);
    if (here === null) continue;
    found.add(here.edition);
    at = here.to - 1;
  }
  return found.size === 0 ? null : [...found].join(', ');
}

/** Plex writes it as `{edition-Director's Cut}`. */
export function taggedEdition(name: string): { edition: string | null; text: string } {
  const tag = /\s?\{edition-([^{}]{1,100})\}/i.exec(name);
  return tag === null ? { edition: null, text: name } : { edition: (tag[1] ?? '').trim() || null, text: name.replace(tag[0], '') };
}
