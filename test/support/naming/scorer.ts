// How often a parser of names says what the corpus says, fact by fact.
import type { Case } from './corpus.ts';

/** What a parser says of a name; absent: it has no word for it. */
export type Answer = {
  readonly title?: string | null;
  readonly year?: number | null;
  readonly season?: number | null;
  readonly episodes?: readonly number[];
  readonly absolute?: readonly number[];
  readonly airDate?: string | null;
  readonly part?: number | null;
  readonly extra?: string | null;
  readonly subtitleLanguage?: string | null;
  readonly subtitleTitle?: string | null;
  readonly default?: boolean;
  readonly forced?: boolean;
  readonly sdh?: boolean;
};

export type Disagreement = { readonly id: string; readonly input: string; readonly wanted: unknown; readonly got: unknown };
export type Score = { readonly asked: number; readonly right: number; readonly wrong: readonly Disagreement[] };

type Judge = (wanted: unknown, got: Answer) => boolean;

/** Of names without a season the number is the episode's, whichever way it counts. */
const numbersOf = ({ episodes = [], absolute = [] }: Answer): readonly number[] => (episodes.length > 0 ? episodes : absolute);

const same = (wanted: unknown, got: unknown): boolean => plain(wanted) === plain(got);

/** Fact of the corpus → row of the table, and whether an answer has it right. */
const JUDGES: Readonly<Record<string, { readonly row: string; readonly isRight: Judge }>> = {
  title: {
    row: 'title',
    isRight: (wanted, got) => [got.title, `${got.title} ${got.year}`].some(title => same(wanted, title) || isCleanTitle(wanted, title)),
  },
  titles: { row: 'title', isRight: (wanted, got) => (wanted as string[]).some(title => same(title, got.title)) },
  year: { row: 'year', isRight: (wanted, got) => wanted === (got.year ?? null) },
  season: { row: 'season', isRight: (wanted, got) => wanted === (got.season ?? null) },
  episodes: { row: 'episodes', isRight: (wanted, got) => sameNumbers(wanted as number[], numbersOf(got)) },
  episode: { row: 'episodes', isRight: (wanted, got) => wanted === (numbersOf(got)[0] ?? null) },
  episodeEnd: {
    row: 'episodes',
    isRight: (wanted, got) => wanted === (numbersOf(got).length > 1 ? numbersOf(got).at(-1) : null),
  },
  airDate: { row: 'date', isRight: (wanted, got) => wanted === (got.airDate ?? null) },
  absolute: { row: 'absolute', isRight: (wanted, got) => sameNumbers(wanted as number[], got.absolute ?? []) },
  part: { row: 'part', isRight: (wanted, got) => wanted === (got.part ?? null) },
  extra: { row: 'extra', isRight: (wanted, got) => wanted === (got.extra ?? null) },
  parsed: { row: 'nothing told', isRight: (_, got) => numbersOf(got).length === 0 && (got.airDate ?? null) === null },
  special: { row: 'special', isRight: (wanted, got) => wanted === (got.season === 0) },
  subtitleLanguage: { row: 'subtitle: language', isRight: (wanted, got) => same(wanted, got.subtitleLanguage) },
  subtitleTitle: { row: 'subtitle: title', isRight: (wanted, got) => same(wanted, got.subtitleTitle) },
  default: { row: 'subtitle: default', isRight: (wanted, got) => wanted === got.default },
  forced: { row: 'subtitle: forced', isRight: (wanted, got) => wanted === got.forced },
  sdh: { row: 'subtitle: sdh', isRight: (wanted, got) => wanted === got.sdh },
};

export const ROWS: readonly string[] = [...new Set(Object.values(JUDGES).map(({ row }) => row))];

export function score(cases: readonly Case[], parse: (one: Case) => Answer): Map<string, Score> {
  const scores = new Map(ROWS.map(row => [row, { asked: 0, right: 0, wrong: [] as Disagreement[] }]));
  for (const one of cases) {
    const facts = Object.entries(one.expect).filter(([fact]) => JUDGES[fact] !== undefined);
    if (facts.length === 0) continue;
    const answer = parse(one);
    for (const [fact, wanted] of facts) {
      const { row, isRight } = JUDGES[fact] as { row: string; isRight: Judge };
      const total = scores.get(row);
      if (total === undefined) continue;
      total.asked++;
      if (isRight(wanted, answer)) total.right++;
      else total.wrong.push({ id: one.id, input: one.input, wanted, got: answer });
    }
  }
  return scores;
}

/** Lower case, signs as spaces, spaces collapsed. */
const plain = (value: unknown): string =>
  String(value ?? '')
    .normalize('NFC')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{M}]+/gu, ' ')
    .trim();

/** Some of Sonarr's tests compare letters alone, without the words that everybody uses: `seriesday`. */
const isCleanTitle = (wanted: unknown, title: unknown): boolean =>
  /^[a-z]+\d*$/.test(String(wanted)) &&
  wanted ===
    plain(title)
      .split(' ')
      .filter((word, at) => at === 0 || !/^(?:the|of|a|an|and|or)$/.test(word))
      .join('');

const sameNumbers = (wanted: readonly number[], got: readonly number[]): boolean =>
  wanted.length === got.length && wanted.every(number => got.includes(number));
