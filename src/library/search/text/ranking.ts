// In which order what matches is shown: the title itself, a title that begins so, one that has the words side by side; then by BM25, in which a word of a title counts most. Pure.
import type { Term } from './query-terms.ts';

export type Candidate = {
  readonly number: number;
  /** Folded, its words joined by spaces. */
  readonly titleKey: string;
  /** Tokens. */
  readonly title: string;
  readonly also: string;
  readonly people: string;
  readonly year: number | null;
  readonly place: number;
};

/** What one match in a field counts for, and how many tokens such a field usually has. */
const WEIGHTS = { title: 10, also: 5, people: 4 } as const;
const USUAL_LENGTHS = { title: 4, also: 8, people: 16 } as const;
/** As in every BM25: how soon more of the same says nothing new, and how much a long field counts less. */
const SATURATION = 1.2;
const LENGTH_SHARE = 0.75;

export type Ranker = {
  readonly terms: readonly Term[];
  /** The query as a whole, folded. */
  readonly key: string;
  /** In how many documents each of the terms is, and how many there are. */
  readonly frequencies: readonly number[];
  readonly total: number;
};

export function ranked<T extends Candidate>(candidates: readonly T[], ranker: Ranker, costOf: (one: T) => number = () => 0): T[] {
  const scored = candidates.map(one => ({ one, cost: costOf(one), class: classOf(one, ranker), score: scoreOf(one, ranker) }));
  return scored
    .sort(
      (a, b) =>
        a.cost - b.cost ||
        a.class - b.class ||
        lengthOf(a) - lengthOf(b) ||
        b.score - a.score ||
        a.one.place - b.one.place ||
        (b.one.year ?? 0) - (a.one.year ?? 0) ||
        a.one.number - b.one.number,
    )
    .map(({ one }) => one);
}

/** What begins with all that was typed goes by how little is missing. */
const lengthOf = (scored: { readonly class: number; readonly one: Candidate }): number =>
  scored.class <= 1 ? scored.one.titleKey.split(' ').length : 0;

/** 0 the title itself, 1 it begins so, 2 the words side by side, 3 all words in the title, 4 in other names. */
function classOf({ titleKey, title }: Candidate, { key, terms }: Ranker): number {
  if (titleKey === key) return 0;
  if (titleKey.startsWith(key)) return 1;
  if (` ${titleKey}`.includes(` ${key}`)) return 2;
  const tokens = ` ${title} `;
  return terms.every(term => tokens.includes(` ${term.tokens.join(' ')}${term.isPrefix ? '' : ' '}`)) ? 3 : 4;
}

function scoreOf(one: Candidate, { terms, frequencies, total }: Ranker): number {
  let score = 0;
  for (const [at, term] of terms.entries()) {
    const frequency = frequencies[at] ?? 0;
    const rarity = Math.log(1 + (total - frequency + 0.5) / (frequency + 0.5));
    let weight = 0;
    for (const field of ['title', 'also', 'people'] as const) {
      const tokens = one[field].split(' ');
      const count = countOf(tokens, term);
      if (count > 0) weight += (WEIGHTS[field] * count) / (1 - LENGTH_SHARE + (LENGTH_SHARE * tokens.length) / USUAL_LENGTHS[field]);
    }
    score += (rarity * weight) / (weight + SATURATION);
  }
  return score;
}

function countOf(tokens: readonly string[], { tokens: [first = ''], isPrefix }: Term): number {
  let count = 0;
  // A whole word counts more than the beginning of another one.
  for (const token of tokens)
    if (token === first) count += 1;
    else if (isPrefix && token.startsWith(first)) count += 0.5;
  return count;
}
