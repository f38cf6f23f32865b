// From how many years on a film is for, whoever rated it: for rules that hold for all of them. Pure.
import type { AgeRating } from '#domain/catalogue/description.ts';

const AGES: Readonly<Record<string, number>> = {
  G: 0,
  PG: 8,
  'PG-13': 13,
  R: 17,
  'NC-17': 18,
  X: 18,
  XXX: 18,
  'TV-Y': 0,
  'TV-Y7': 7,
  'TV-Y7-FV': 7,
  'TV-G': 0,
  'TV-PG': 8,
  'TV-14': 14,
  'TV-MA': 17,
  U: 0,
  UC: 0,
  A: 18,
  M: 15,
  'MA 15+': 15,
  MA15: 15,
  R18: 18,
  'R18+': 18,
  T: 0,
  TP: 0,
  ATP: 0,
  L: 0,
  AL: 0,
  APTA: 0,
  BTL: 0,
  ALL: 0,
};

/** `US:PG-13`, `Rated R for violence`, `FSK 16`, `de/12`, `15`, `-16`. */
export function ageRatingOf(text: string): AgeRating | null {
  const label = text
    .trim()
    .replace(/^rated\s+/i, '')
    .replace(/^(?:[a-z]{2,3}|usa|germany|france|uk)\s*[:/]\s*/i, '')
    .split(/\s+(?:for|\/)\s+/i)[0]
    ?.trim();
  if (!label || /^(?:not? rated|unrated|nr|ur|n\/a|-)$/i.test(label)) return null;
  const known = AGES[label.toUpperCase()];
  const numbered = /(?:^|\D)(\d{1,2})\s*(?:\+|[a-z])?$/i.exec(label)?.[1];
  const age = known ?? (numbered === undefined ? null : Number(numbered));
  return { label: label.slice(0, 40), age: age !== null && age <= 21 ? age : null };
}
