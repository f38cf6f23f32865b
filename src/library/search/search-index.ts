// The index of one server: documents go in by batches, hits come out in order. Synchronous; its thread is the only one that has it.

import { createHash } from 'node:crypto';
import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import { type Beginning, openIndexFile, removeIndexFile } from './index-file.ts';
import { type FoundId, SEARCH_KINDS, type SearchDocument, type SearchKind } from './search-document.ts';
import { foldedText, joinedWords, tokensOf } from './text/folding.ts';
import { scopeWord } from './text/query-terms.ts';
import { MAX_FRESH, Spelling } from './text/spelling.ts';

export type Row = {
  readonly number: number;
  readonly titleKey: string;
  readonly title: string;
  readonly also: string;
  readonly people: string;
  readonly libraries: string;
  readonly genres: string;
  readonly year: number | null;
  readonly ageRating: number | null;
  readonly place: number;
};

/** Numbers of one kind lie side by side, so that a kind is a range. */
export const KIND_SIZE = 2 ** 40;
/** Of these columns words are kept for spelling. */
const SPELT = "SELECT term, sum(doc) AS count FROM vocabulary WHERE col IN ('title', 'people') GROUP BY term ORDER BY term";
const ROWS =
  'SELECT number, titleKey, title, also, people, libraries, genres, year, ageRating, place FROM documents WHERE number IN (SELECT value FROM json_each(?)) ORDER BY number';
const MAX_TITLE_KEY = 200;

export class SearchIndex {
  readonly beginning: Beginning;
  readonly database: DatabaseSync;
  readonly #path: string;
  readonly #statements = new Map<string, StatementSync>();
  #spelling: Spelling | null = null;
  /** Numbers met since a round began; null: none is being made. */
  #round: Set<number> | null = null;

  constructor(path: string) {
    this.#path = path;
    const { database, beginning } = openIndexFile(path);
    this.database = database;
    this.beginning = beginning;
  }

  get count(): number {
    return Number(this.statement('SELECT count(*) AS count FROM documents').get()?.count);
  }

  /** How many batches it has taken in. */
  get generation(): number {
    return this.#fact('generation');
  }

  /** Whether every document of the catalogue was fed once: before that, what is not found says nothing. */
  get isComplete(): boolean {
    return this.#fact('isComplete') === 1;
  }

  get spelling(): Spelling {
    this.#spelling ??= this.#makeSpelling();
    return this.#spelling;
  }

  /** Made anew when enough words have come; call it when nobody waits. */
  keepSpelling(): void {
    if (this.#spelling === null || this.#spelling.freshCount > MAX_FRESH) this.#spelling = this.#makeSpelling();
  }

  /** One batch, whole or not at all. Documents that are as the index has them are left alone; says how many were written. */
  apply(documents: readonly SearchDocument[], removed: readonly string[]): number {
    return this.#write(() => {
      let written = 0;
      for (const document of documents) if (this.#put(document)) written++;
      for (const key of removed) if (this.#remove(this.#numberOf(key))) written++;
      return written;
    });
  }

  /** From here to `endRound` every document of the catalogue is fed; what was not met then is gone. */
  beginRound(): void {
    this.#round = new Set();
  }

  endRound(): number {
    const met = this.#round;
    if (met === null) return 0;
    this.#round = null;
    const gone = this.statement('SELECT number FROM documents')
      .all()
      .map(row => Number(row.number))
      .filter(number => !met.has(number));
    const removed = this.#write(() => {
      for (const number of gone) this.#remove(number);
      this.#setFact('isComplete', 1);
      return gone.length;
    });
    this.#spelling = this.#makeSpelling();
    return removed;
  }

  /** In the order of their numbers. */
  rowsOf(numbers: readonly number[]): Row[] {
    return numbers.length === 0 ? [] : (this.statement(ROWS).all(JSON.stringify(numbers)) as Row[]);
  }

  /** Of which kinds there is any. */
  kinds(): Set<SearchKind> {
    const any = 'SELECT 1 AS one FROM documents WHERE number BETWEEN ? AND ? LIMIT 1';
    return new Set(SEARCH_KINDS.filter((_, at) => this.statement(any).get(at * KIND_SIZE, (at + 1) * KIND_SIZE - 1) !== undefined));
  }

  /** Without an id where it is gone. */
  subjectOf(number: number): FoundId {
    const key = this.statement('SELECT key FROM documents WHERE number = ?').get(number)?.key;
    const [kind = '', id = ''] = String(key ?? '').split(' ');
    return { kind: SEARCH_KINDS.find(one => one === kind) ?? 'movie', id };
  }

  documentOf(number: number): SearchDocument | undefined {
    const row = this.statement('SELECT document FROM documents WHERE number = ?').get(number);
    return row === undefined ? undefined : JSON.parse(String(row.document));
  }

  statement(sql: string): StatementSync {
    const known = this.#statements.get(sql) ?? this.database.prepare(sql);
    this.#statements.set(sql, known);
    return known;
  }

  close(): void {
    this.database.close();
  }

  /** Closes it and throws its file away. */
  discard(): void {
    try {
      this.database.close();
    } finally {
      removeIndexFile(this.#path);
    }
  }

  #put(document: SearchDocument): boolean {
    const key = keyOf(document);
    const json = JSON.stringify(document);
    const digest = createHash('sha1').update(json).digest('base64');
    const known = this.statement('SELECT number, digest FROM documents WHERE key = ?').get(key);
    if (known !== undefined) this.#round?.add(Number(known.number));
    if (known?.digest === digest) return false;
    if (known !== undefined) this.#remove(Number(known.number));
    const number = known === undefined ? this.#newNumber(document) : Number(known.number);
    this.#round?.add(number);
    const title = tokensOf(document.title);
    const people = document.people.flatMap(tokensOf);
    const also = [
      ...tokensOf(document.originalTitle ?? ''),
      ...tokensOf(document.showTitle ?? ''),
      ...joinedWords(document.title),
      ...document.aliases.flatMap(tokensOf),
      ...(document.year === null ? [] : [String(document.year)]),
    ];
    const scope = [
      ...document.libraryIds.map(id => scopeWord('library', id)),
      ...document.genres.map(genre => scopeWord('genre', genre)),
      ...(document.year === null ? [] : [scopeWord('year', String(document.year))]),
    ].join(' ');
    const names = [title.join(' '), also.join(' '), people.join(' ')] as const;
    this.statement('INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)').run(
      ...[number, key, digest, foldedText(document.title).slice(0, MAX_TITLE_KEY), ...names],
      ...[` ${document.libraryIds.join(' ')} `, document.genres.join('\n'), document.year, document.ageRating, document.order, json],
    );
    this.statement('INSERT INTO names (rowid, title, also, people, scope) VALUES (?, ?, ?, ?, ?)').run(number, ...names, scope);
    const text = [...names, tokensOf(document.overview ?? '').join(' '), ...document.genres.flatMap(tokensOf)].join(' ');
    this.statement('INSERT INTO texts (rowid, text, scope) VALUES (?, ?, ?)').run(number, text, scope);
    this.#spelling?.learn([...title, ...people]);
    return true;
  }

  #remove(number: number | null): boolean {
    if (number === null) return false;
    for (const table of ['names', 'texts']) this.statement(`DELETE FROM ${table} WHERE rowid = ?`).run(number);
    return Number(this.statement('DELETE FROM documents WHERE number = ?').run(number).changes) > 0;
  }

  #numberOf(key: string): number | null {
    const row = this.statement('SELECT number FROM documents WHERE key = ?').get(key);
    return row === undefined ? null : Number(row.number);
  }

  #newNumber({ kind }: SearchDocument): number {
    const first = SEARCH_KINDS.indexOf(kind) * KIND_SIZE + 1;
    const last = this.statement('SELECT max(number) AS last FROM documents WHERE number >= ? AND number < ?').get(
      first,
      first + KIND_SIZE - 1,
    )?.last;
    return last === null || last === undefined ? first : Number(last) + 1;
  }

  #makeSpelling(): Spelling {
    const words: string[] = [];
    const counts: number[] = [];
    for (const { term, count } of this.statement(SPELT).iterate() as Iterable<Record<string, SQLOutputValue>>) {
      words.push(String(term));
      counts.push(Number(count));
    }
    return new Spelling({ words, counts });
  }

  #write(change: () => number): number {
    this.database.exec('BEGIN IMMEDIATE');
    try {
      const changed = change();
      if (changed > 0) this.#setFact('generation', this.generation + 1);
      this.database.exec('COMMIT');
      return changed;
    } catch (error) {
      if (this.database.isTransaction) this.database.exec('ROLLBACK');
      throw error;
    }
  }

  #fact(name: string): number {
    return Number(this.statement('SELECT value FROM facts WHERE name = ?').get(name)?.value ?? 0);
  }

  #setFact(name: string, value: number): void {
    this.statement('INSERT INTO facts VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value').run(name, value);
  }
}

export const keyOf = ({ kind, id }: Pick<SearchDocument, 'kind' | 'id'>): string => `${kind} ${id}`;
