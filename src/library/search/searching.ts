// From a query to its hits, the best first: titles as typed, people, what is told of them, then what is spelt nearly so. Made as far as it is read.
import { LRUCache } from 'lru-cache';
import {
  type GroupQuery,
  type Hit,
  type HitGroup,
  type IdPage,
  SEARCH_KINDS,
  type SearchDocument,
  type SearchFilter,
  type SearchKind,
  type SearchQuery,
} from './search-document.ts';
import { KIND_SIZE, type Row, type SearchIndex } from './search-index.ts';
import { editDistance, prefixDistance } from './text/edit-distance.ts';
import { foldedText } from './text/folding.ts';
import { excerptOf, hasMatch, type Marker, segmentsOf } from './text/marked-text.ts';
import { expressionOf, scopeWord, type Term, termsOf } from './text/query-terms.ts';
import { ranked } from './text/ranking.ts';
import { type Alternative, MIN_LETTERS } from './text/spelling.ts';

/** Of one kind so many are ranked; what more there is comes behind them as it lies in the index. "the" is in every other title. */
const RANKED = 120;
/** The same where all kinds are looked for at once. */
const RANKED_OF_MANY = 40;
const MANY_KINDS = 3;
/** Titles that begin with what was typed, of one kind. */
const BEGINNINGS = 24;
const FETCHED = 500;
const MOST_AT_ONCE = 1_500;
/** With so many hits nobody has made a mistake. */
const FEW = 5;
/** Where what is told of films has the words too, only so many go before what is spelt nearly so. */
const BEFORE_SPELLING = 3;
const MAX_LISTS = 16;
/** Hits that are looked through for the first of each kind. */
const MOST_GROUPED = 400;
/** With so many times the share of a kind in titles, what else there is can wait. */
const ENOUGH_KINDS = 2;
const FAR = 8;
const AGELESS: ReadonlySet<SearchKind | undefined> = new Set(['person', 'collection']);
const MIN_TEXT_PREFIX = 3;
const MIN_WITHIN = 3;
/** Where a title begins with so much of what was typed nobody has made a mistake. */
const MIN_BEGUN = 6;

const TITLES = ['title', 'also'];
const NAMES = ['title', 'also', 'people'];

type Found = { readonly number: number; readonly by: Hit['by']; readonly markers: readonly Marker[] };
/** For each word what it may be. */
type Variant = readonly (readonly Alternative[])[];
/** `generation`: how often the index had changed when it was begun. */
type List = { readonly found: Found[]; readonly rest: Iterator<Found>; readonly generation: number };

export class Searching {
  readonly #index: SearchIndex;
  readonly #lists = new LRUCache<string, List>({ max: MAX_LISTS });
  #kinds: ReadonlySet<SearchKind> = new Set();
  #total = 0;
  #generation = 0;

  constructor(index: SearchIndex) {
    this.#index = index;
    this.changed();
  }

  /** Lists are made anew, but for those that somebody has read a part of: pages of one list never repeat what was on another. */
  changed(): void {
    this.#generation++;
    this.#kinds = this.#index.kinds();
    this.#total = this.#index.count;
  }

  findIds({ after, limit, ...query }: SearchQuery): IdPage {
    const list = this.#listOf(query, after !== null);
    const from = after === null ? 0 : this.#placeBehind(list, after);
    // One more tells whether there are more.
    fill(list, from + limit + 1);
    const ids = list.found.slice(from, from + limit).map(({ number }) => this.#index.subjectOf(number));
    return { ids, isLast: list.found.length <= from + limit };
  }

  findGroups({ limit, ...query }: GroupQuery): HitGroup[] {
    const { found } = this.#firstOf(query, limit);
    const byKind = Map.groupBy(found, ({ number }) => SEARCH_KINDS[Math.floor(number / KIND_SIZE)]);
    // Kinds in the order in which each has its best hit.
    return [...byKind].flatMap(([kind, those]) =>
      kind === undefined ? [] : [{ kind, hits: those.slice(0, limit).flatMap(one => this.#hitOf(one)) }],
    );
  }

  /** Until each kind has its share, or enough were looked at. */
  #firstOf(query: Omit<GroupQuery, 'limit'>, limit: number): List {
    const list = this.#listOf(query, false);
    const counts = new Map<number, number>();
    for (let at = 0; at < MOST_GROUPED; at++) {
      fill(list, at + 1);
      const one = list.found[at];
      if (one === undefined || (one.by !== 'title' && at >= ENOUGH_KINDS * limit)) break;
      const kind = Math.floor(one.number / KIND_SIZE);
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
      if (counts.size === query.kinds.length && [...counts.values()].every(count => count >= limit)) break;
    }
    return list;
  }

  #listOf(query: SearchFilter & { readonly text: string }, isGoneOn: boolean): List {
    const key = JSON.stringify(query);
    const known = this.#lists.get(key);
    if (known !== undefined && (isGoneOn || known.generation === this.#generation)) return known;
    const list = { found: [], rest: this.#found(query.text, query), generation: this.#generation };
    this.#lists.set(key, list);
    return list;
  }

  /** Where the last hit of the page before stands by now; where it is gone, as many from the beginning. */
  #placeBehind(list: List, { id, offset }: { readonly id: string; readonly offset: number }): number {
    fill(list, offset);
    const isIt = ({ number }: Found): boolean => this.#index.subjectOf(number).id === id;
    if (list.found[offset - 1] !== undefined && isIt(list.found[offset - 1] as Found)) return offset;
    const at = list.found.findIndex(isIt);
    return at < 0 ? offset : at + 1;
  }

  *#found(text: string, asked: SearchFilter): Generator<Found> {
    const filter = { ...asked, kinds: asked.kinds.filter(kind => this.#kinds.has(kind)) };
    const terms = termsOf(text);
    if (terms.length === 0) return;
    const key = foldedText(text);
    const seen = new Set<number>();
    const markers: readonly Marker[] = terms;
    const single = terms.map(term => [term]);
    const ranker = { terms, key, frequencies: terms.length === 1 ? [1] : terms.map(term => this.#frequencyOf(term)), total: this.#total };
    const fresh = (rows: Iterable<Row>): Row[] => [...rows].filter(({ number }) => !seen.has(number) && seen.add(number));

    const inTitles = expressionOf(single, TITLES);
    const byTitle = this.#numbers('names', inTitles, filter);
    const beginnings = this.#beginnings(key, filter);
    const titles = ranked(fresh([...beginnings, ...this.#rowsOf(byTitle, filter)]), ranker);
    for (const { number } of titles) yield { number, by: 'title', markers };
    if (!byTitle.isWhole) for (const { number } of this.#rest('names', inTitles, filter, seen)) yield { number, by: 'title', markers };

    const inNames = expressionOf(single, NAMES);
    const byName = this.#numbers('names', inNames, filter);
    for (const { number } of ranked(fresh(this.#rowsOf(byName, filter)), ranker)) yield { number, by: 'people', markers };
    if (!byName.isWhole) for (const { number } of this.#rest('names', inNames, filter, seen)) yield { number, by: 'people', markers };

    const isBegun = key.length >= MIN_BEGUN && beginnings.some(row => row.titleKey.startsWith(key));
    const isFew = seen.size < FEW && !isBegun;
    // In what is told of films there is nearly every beginning of a word.
    const telling = single.filter(([term]) => term?.isPrefix === false || (term?.text.length ?? 0) >= MIN_TEXT_PREFIX);
    const inTexts = expressionOf(telling, ['text']);
    const texts = telling.length === 0 ? [] : fresh(this.#rowsOf(this.#numbers('texts', inTexts, filter), filter));
    for (const { number } of texts.slice(0, isFew ? BEFORE_SPELLING : texts.length)) yield { number, by: 'text', markers };
    if (isFew) {
      yield* this.#spelt(terms, key, filter, seen);
      for (const { number } of texts.slice(BEFORE_SPELLING)) yield { number, by: 'text', markers };
    }
    if (telling.length > 0) for (const { number } of this.#rest('texts', inTexts, filter, seen)) yield { number, by: 'text', markers };
  }

  *#spelt(terms: readonly Term[], key: string, filter: SearchFilter, seen: Set<number>): Generator<Found> {
    const found: { readonly row: Row; readonly cost: number; readonly markers: readonly Marker[] }[] = [];
    const { whole, shortened } = this.#variantsOf(terms);
    const look = (variant: Variant): void => {
      const expression = expressionOf(
        variant.map(alternatives => alternatives.map(termOf)),
        NAMES,
      );
      for (const row of this.#rowsOf(this.#numbers('names', expression, filter), filter)) {
        if (seen.has(row.number)) continue;
        seen.add(row.number);
        const used = variant.flatMap(alternatives => cheapestIn(alternatives, row) ?? []);
        found.push({ row, cost: used.reduce((sum, { cost }) => sum + cost, 0), markers: used });
      }
    };
    whole.forEach(look);
    if (found.length < FEW && shortened !== null) look(shortened);
    const closeness = new Map(found.map(({ row, cost }) => [row, cost + distanceOf(key, row.titleKey)]));
    const markersOf = new Map(found.map(({ row, markers }) => [row.number, markers]));
    const ranker = { terms: [], key, frequencies: [], total: this.#total };
    for (const { number } of ranked(
      found.map(({ row }) => row),
      ranker,
      row => closeness.get(row) ?? 0,
    ))
      yield { number, by: 'spelling', markers: markersOf.get(number) ?? [] };
  }

  /** Each word as it is or nearly so; two words that may be one, one that may be two; and without the short ones, of which nothing is left by a mistake. */
  #variantsOf(terms: readonly Term[]): { readonly whole: readonly Variant[]; readonly shortened: Variant | null } {
    const { spelling } = this.#index;
    const nearly = (text: string, isPrefix: boolean): Alternative[] => [
      { text, isPrefix, cost: 0 },
      ...spelling.alternatives(text, isPrefix),
      ...(terms.length === 1 && text.length >= MIN_WITHIN ? spelling.within(text) : []),
    ];
    const own = terms.map(({ text, tokens, isPrefix }): readonly Alternative[] =>
      tokens[0] === text ? nearly(text, isPrefix) : [{ text: tokens.join(' '), isPrefix, cost: 0 }],
    );
    const long = own.filter((_, at) => (terms[at]?.text.length ?? 0) >= MIN_LETTERS);
    const joined = terms
      .slice(1)
      .map((term, at) => [...own.slice(0, at), nearly(`${terms[at]?.text}${term.text}`, term.isPrefix), ...own.slice(at + 2)]);
    const split = terms.flatMap(({ text, isPrefix }, at) =>
      spelling
        .split(text)
        .map(([first, second]) => [
          ...own.slice(0, at),
          [{ text: first, isPrefix: false, cost: 1 }],
          [{ text: second, isPrefix, cost: 0 }],
          ...own.slice(at + 1),
        ]),
    );
    return { whole: [own, ...split, ...joined], shortened: long.length > 0 && long.length < own.length ? long : null };
  }

  /** By title: the title itself comes first. */
  #beginnings(key: string, filter: SearchFilter): Row[] {
    const numbers = rangesOf(filter).flatMap(([first, last]) =>
      this.#index
        .statement(BEGINNING)
        .all(key, `${key}\u{10ffff}`, first, last)
        .map(row => Number(row.number)),
    );
    return this.#index.rowsOf(numbers).filter(row => isAllowed(row, filter) && isWithin(row, filter));
  }

  /** As they lie in the index, of each kind at least as many as are ranked, if there are. */
  #numbers(table: Table, expression: string, filter: SearchFilter): Numbers {
    const ranges = rangesOf(filter);
    const scoped = [expression, ...scopesOf(filter)].join(' AND ');
    const [first] = ranges[0] ?? [0];
    const [, last] = ranges.at(-1) ?? [0, 0];
    const found = this.#index
      .statement(MATCHING[table])
      .all(scoped, first, last, MOST_AT_ONCE)
      .map(row => Number(row.number));
    const byKind = ranges.map(([from, to]) => found.filter(number => number >= from && number <= to));
    const isWhole = found.length < MOST_AT_ONCE && byKind.every(numbers => numbers.length <= rankedOf(filter));
    if (found.length < MOST_AT_ONCE) return { byKind, isWhole };
    const end = found.at(-1) ?? 0;
    for (const [at, [from, to]] of ranges.entries()) {
      if (to < end || (byKind[at]?.length ?? 0) >= rankedOf(filter)) continue;
      byKind[at] = this.#index
        .statement(MATCHING[table])
        .all(scoped, from, to, rankedOf(filter))
        .map(row => Number(row.number));
    }
    return { byKind, isWhole };
  }

  /** So many of each kind as are ranked. */
  #rowsOf({ byKind }: Numbers, filter: SearchFilter): Row[] {
    const most = rankedOf(filter);
    // Whoever may not see everything may not see most of the first.
    const read = filter.maxAgeRating === null ? most : MOST_AT_ONCE;
    return byKind.flatMap(numbers =>
      this.#index
        .rowsOf(numbers.slice(0, read))
        .filter(row => isAllowed(row, filter))
        .slice(0, most),
    );
  }

  /** Everything that matches and was not seen, as it lies in the index. */
  *#rest(table: Table, expression: string, filter: SearchFilter, seen: Set<number>): Generator<Row> {
    for (const range of rangesOf(filter)) {
      for (const row of this.#matches(table, expression, filter, range)) {
        if (seen.has(row.number)) continue;
        seen.add(row.number);
        yield row;
      }
    }
  }

  *#matches(table: Table, expression: string, filter: SearchFilter, [first, last]: readonly [number, number]): Generator<Row> {
    const scoped = [expression, ...scopesOf(filter)].join(' AND ');
    for (let from = first; ; ) {
      const numbers = this.#index.statement(MATCHING[table]).all(scoped, from, last, FETCHED);
      for (const row of this.#index.rowsOf(numbers.map(({ number }) => Number(number)))) if (isAllowed(row, filter)) yield row;
      if (numbers.length < FETCHED) return;
      from = Number(numbers.at(-1)?.number) + 1;
    }
  }

  /** Of a single word it decides nothing. */
  #frequencyOf({ tokens: [token = ''], isPrefix }: Term): number {
    return this.#index.spelling.countOf(token, isPrefix);
  }

  #hitOf({ number, by, markers }: Found): Hit[] {
    const document = this.#index.documentOf(number);
    if (document === undefined) return [];
    const title = segmentsOf(document.title, markers);
    return [{ kind: document.kind, id: document.id, by, title, match: matchOf(document, markers, hasMatch(title)) }];
  }
}

type Table = 'names' | 'texts';
/** Of each kind, in their order. `isWhole`: there are no more, and all are ranked. */
type Numbers = { readonly byKind: number[][]; readonly isWhole: boolean };

const MATCHING: Readonly<Record<Table, string>> = {
  names: 'SELECT rowid AS number FROM names WHERE names MATCH ? AND rowid BETWEEN ? AND ? ORDER BY rowid LIMIT ?',
  texts: 'SELECT rowid AS number FROM texts WHERE texts MATCH ? AND rowid BETWEEN ? AND ? ORDER BY rowid LIMIT ?',
};
const BEGINNING = `SELECT number FROM documents WHERE titleKey >= ? AND titleKey < ? AND number BETWEEN ? AND ? ORDER BY titleKey, number LIMIT ${BEGINNINGS}`;

const rankedOf = ({ kinds }: SearchFilter): number => (kinds.length < MANY_KINDS ? RANKED : RANKED_OF_MANY);

function fill({ found, rest }: List, count: number): void {
  while (found.length < count) {
    const next = rest.next();
    if (next.done === true) return;
    found.push(next.value);
  }
}

const rangesOf = ({ kinds }: SearchFilter): (readonly [number, number])[] =>
  SEARCH_KINDS.flatMap((kind, at) => (kinds.includes(kind) ? [[at * KIND_SIZE, (at + 1) * KIND_SIZE - 1] as const] : []));

function scopesOf({ libraryIds, genre, year }: SearchFilter): string[] {
  const anyOf = (words: readonly string[]): string => `{scope} : (${words.map(word => `"${word}"`).join(' OR ')})`;
  return [
    // No library has this word.
    ...(libraryIds === null ? [] : [anyOf(['none', ...libraryIds.map(id => scopeWord('library', id))])]),
    ...(genre === null ? [] : [anyOf([scopeWord('genre', genre)])]),
    ...(year === null ? [] : [anyOf([scopeWord('year', String(year))])]),
  ];
}

/** People and collections have no age: who asks for them looks whether there is anything to see. */
function isAllowed({ number, ageRating }: Row, { maxAgeRating, allowsUnrated }: SearchFilter): boolean {
  if (maxAgeRating === null || AGELESS.has(SEARCH_KINDS[Math.floor(number / KIND_SIZE)])) return true;
  return ageRating === null ? allowsUnrated : ageRating <= maxAgeRating;
}

function isWithin({ libraries, genres, year }: Row, filter: SearchFilter): boolean {
  if (filter.libraryIds !== null && !filter.libraryIds.some(id => libraries.includes(` ${id} `))) return false;
  if (filter.year !== null && filter.year !== year) return false;
  return filter.genre === null || genres.split('\n').some(genre => foldedText(genre) === foldedText(filter.genre ?? ''));
}

const termOf = ({ text, isPrefix }: Alternative): Pick<Term, 'tokens' | 'isPrefix'> => ({ tokens: [text], isPrefix });

function cheapestIn(alternatives: readonly Alternative[], { title, also, people }: Row): Alternative | undefined {
  const tokens = ` ${title} ${also} ${people} `;
  return alternatives.find(({ text, isPrefix }) => tokens.includes(` ${text}${isPrefix ? '' : ' '}`));
}

/** What was typed may be the whole title or its beginning. */
function distanceOf(key: string, titleKey: string): number {
  return Math.min(editDistance(key, titleKey, FAR), prefixDistance(key, titleKey, FAR) + 1);
}

function matchOf(document: SearchDocument, markers: readonly Marker[], isInTitle: boolean): Hit['match'] {
  if (isInTitle) return null;
  const names = document.people.map(name => segmentsOf(name, markers)).find(hasMatch);
  const { originalTitle, showTitle, overview } = document;
  const fields = [
    { field: 'originalTitle', segments: originalTitle === null ? [] : segmentsOf(originalTitle, markers) },
    { field: 'showTitle', segments: showTitle === null ? [] : segmentsOf(showTitle, markers) },
    { field: 'people', segments: names ?? [] },
    { field: 'overview', segments: overview === null ? [] : excerptOf(overview, markers) },
  ] as const;
  return fields.find(({ segments }) => hasMatch(segments)) ?? null;
}
