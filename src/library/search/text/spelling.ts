// Words that are spelt nearly so: every word of titles and names, and each of its beginnings, found by what is left when one letter is taken out.
import { editDistance } from './edit-distance.ts';

export type Alternative = {
  /** A word, or the beginning of words. */
  readonly text: string;
  readonly isPrefix: boolean;
  readonly cost: number;
};

/** The words in their order, with how many titles have each. */
export type Vocabulary = { readonly words: readonly string[]; readonly counts: readonly number[] };

/** Of shorter words nearly everything is one letter away. */
export const MIN_LETTERS = 4;
const MIN_PREFIX = 3;
const MAX_LETTERS = 24;
const MAX_ALTERNATIVES = 12;
const MAX_SPLITS = 4;
const MOST_COUNTED = 200;
const MISTAKE = 1;
/** It begins in the midst of a word. */
const WITHIN = 1.5;
/** An entry is a hash of 32 bits and the number of its beginning in one double. */
const NODES = 2 ** 21;
/** Words that came since the index was made, at most: beyond that it is made anew. */
export const MAX_FRESH = 2_000;

type Counted = { readonly alternative: Alternative; readonly count: number };

export class Spelling {
  readonly #words: readonly string[];
  readonly #counts: readonly number[];
  readonly #known: ReadonlySet<string>;
  /** By node: which word it is the beginning of, and how long it is. */
  readonly #wordOf: Uint32Array;
  readonly #lengths: Uint8Array;
  /** Hash and node, sorted. */
  readonly #entries: Float64Array;
  readonly #fresh = new Set<string>();

  constructor({ words, counts }: Vocabulary) {
    this.#words = words;
    this.#counts = counts;
    this.#known = new Set(words);
    const { wordOf, lengths, entries } = indexOf(words);
    this.#wordOf = wordOf;
    this.#lengths = lengths;
    this.#entries = entries;
  }

  /** Of the index alone. */
  get byteLength(): number {
    return this.#entries.byteLength + this.#wordOf.byteLength + this.#lengths.byteLength;
  }

  get freshCount(): number {
    return this.#fresh.size;
  }

  /** Words of a title that was added. */
  learn(words: Iterable<string>): void {
    for (const word of words) if (!this.#known.has(word) && isWord(word) && this.#fresh.size <= 2 * MAX_FRESH) this.#fresh.add(word);
  }

  /** The best first. `isPrefix`: the word may not be typed to its end. */
  alternatives(typed: string, isPrefix: boolean): Alternative[] {
    if (typed.length < MIN_LETTERS || typed.length > MAX_LETTERS) return [];
    const found = new Map<string, Counted>();
    const offer = (text: string, cost: number, count: number, prefix: boolean): void => {
      const known = found.get(text);
      if (text !== typed && (known === undefined || known.alternative.cost > cost))
        found.set(text, { alternative: { text, isPrefix: prefix, cost }, count });
    };
    for (const key of [typed, ...withoutOne(typed)]) {
      const hash = hashOf(key);
      for (let at = firstOf(this.#entries, hash); at < this.#entries.length; at++) {
        const entry = this.#entries[at] ?? 0;
        if (Math.floor(entry / NODES) !== hash) break;
        const node = entry % NODES;
        const word = this.#words[this.#wordOf[node] ?? 0] ?? '';
        const length = this.#lengths[node] ?? 0;
        const isWhole = length === word.length;
        if (!isWhole && !isPrefix) continue;
        const text = word.slice(0, length);
        if (editDistance(typed, text, 1) <= 1) offer(text, MISTAKE, this.#counts[this.#wordOf[node] ?? 0] ?? 0, isPrefix);
      }
    }
    for (const word of this.#fresh) if (isNear(typed, word, isPrefix)) offer(word, MISTAKE, 1, isPrefix);
    return bestOf(found.values());
  }

  /** In about how many titles and names there is such a word. */
  countOf(word: string, isPrefix: boolean): number {
    let count = 0;
    const from = firstWord(this.#words, word);
    for (let at = from; at < Math.min(this.#words.length, from + MOST_COUNTED); at++) {
      if (isPrefix ? !this.#words[at]?.startsWith(word) : this.#words[at] !== word) break;
      count += this.#counts[at] ?? 0;
    }
    return count;
  }

  /** Words that have it in their midst, the most frequent first. A walk through all words: for what is looked for alone. */
  within(typed: string): Alternative[] {
    const found: Counted[] = [];
    for (const [at, text] of this.#words.entries())
      if (text.includes(typed) && text !== typed)
        found.push({ alternative: { text, isPrefix: false, cost: WITHIN }, count: this.#counts[at] ?? 0 });
    return bestOf(found);
  }

  /** Two known words that were written as one, also with a letter hit instead of the space. */
  split(typed: string): (readonly [string, string])[] {
    const found: (readonly [string, string])[] = [];
    for (let at = 2; at <= typed.length - 2; at++) {
      const first = typed.slice(0, at);
      if (!this.#has(first)) continue;
      for (const second of [typed.slice(at), typed.slice(at + 1)]) if (second.length > 1 && this.#has(second)) found.push([first, second]);
    }
    return found.slice(0, MAX_SPLITS);
  }

  #has(word: string): boolean {
    return this.#known.has(word) || this.#fresh.has(word);
  }
}

const bestOf = (found: Iterable<Counted>): Alternative[] =>
  [...found]
    .sort((a, b) => a.alternative.cost - b.alternative.cost || b.count - a.count)
    .slice(0, MAX_ALTERNATIVES)
    .map(({ alternative }) => alternative);

function isNear(typed: string, word: string, isPrefix: boolean): boolean {
  if (!isPrefix) return editDistance(typed, word, 1) <= 1;
  return [-1, 0, 1].some(more => editDistance(typed, word.slice(0, typed.length + more), 1) <= 1);
}

const isWord = (word: string): boolean => word.length >= MIN_PREFIX && word.length <= MAX_LETTERS;

function indexOf(words: readonly string[]) {
  const wordOf: number[] = [];
  const lengths: number[] = [];
  let count = 0;
  let before = '';
  // Sorted words: a beginning that the word before has too is known already.
  for (const [at, word] of words.entries()) {
    if (!isWord(word)) continue;
    for (let length = MIN_PREFIX; length <= word.length && wordOf.length < NODES; length++) {
      if (before.startsWith(word.slice(0, length)) && length < word.length) continue;
      wordOf.push(at);
      lengths.push(length);
      count += length + 1;
    }
    before = word;
  }
  const entries = new Float64Array(count);
  let at = 0;
  for (const [node, word] of wordOf.entries()) {
    const text = (words[word] ?? '').slice(0, lengths[node]);
    entries[at++] = hashOf(text) * NODES + node;
    for (const key of withoutOne(text)) entries[at++] = hashOf(key) * NODES + node;
  }
  return { wordOf: Uint32Array.from(wordOf), lengths: Uint8Array.from(lengths), entries: entries.sort() };
}

const withoutOne = (word: string): string[] => Array.from({ length: word.length }, (_, at) => word.slice(0, at) + word.slice(at + 1));

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x81_1c_9d_c5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01_00_01_93);
  return hash >>> 0;
}

/** Both are sorted as SQLite sorts: by bytes, which is the order of code points. */
function firstWord(words: readonly string[], word: string): number {
  let [low, high] = [0, words.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (Buffer.compare(Buffer.from(words[middle] ?? ''), Buffer.from(word)) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function firstOf(entries: Float64Array, hash: number): number {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle] ?? 0) < hash * NODES) low = middle + 1;
    else high = middle;
  }
  return low;
}
