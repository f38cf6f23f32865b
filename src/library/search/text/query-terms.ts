// What was typed, as terms of the index and as an expression of FTS5. Every text makes a valid one: terms hold letters, digits and signs that stand for signs alone.
import { fold, pairsOf, partsOf, wordsOf } from './folding.ts';

export type Term = {
  /** As it was typed, folded. */
  readonly text: string;
  /** Of a stretch without spaces its pairs, one behind the other; else one. */
  readonly tokens: readonly string[];
  /** Its word may go on. */
  readonly isPrefix: boolean;
};

/** A longer query says nothing more. */
const MAX_TERMS = 12;
const MAX_CHARACTERS = 200;

/** The last word may not be typed to its end; a space behind it says nothing, for people type on. */
export function termsOf(typed: string): Term[] {
  const words = wordsOf(typed.toWellFormed().slice(0, MAX_CHARACTERS));
  const parts = words.flatMap(word => partsOf(word.text)).slice(0, MAX_TERMS);
  return parts.map(({ text, isUnspaced }, at) => {
    if (!isUnspaced) return { text, tokens: [text], isPrefix: at === parts.length - 1 };
    const pairs = pairsOf(text);
    // The last letter alone would be a token only at the end of a stretch.
    return { text, tokens: pairs.length > 1 ? pairs.slice(0, -1) : pairs, isPrefix: true };
  });
}

/** `all`: in any of the named columns, not all in the same. */
export function expressionOf(terms: readonly (readonly Pick<Term, 'tokens' | 'isPrefix'>[])[], columns: readonly string[] | null): string {
  const all = terms.map(alternatives => `(${alternatives.map(phraseOf).join(' OR ')})`).join(' AND ');
  return columns === null ? all : `{${columns.join(' ')}} : (${all})`;
}

const phraseOf = ({ tokens, isPrefix }: Pick<Term, 'tokens' | 'isPrefix'>): string => `"${tokens.join(' ')}"${isPrefix ? ' *' : ''}`;

/** What a document is filtered by, as words of its column `scope`. */
export const scopeWord = (kind: 'library' | 'genre' | 'year', value: string): string =>
  `${kind[0]}${Buffer.from(kind === 'library' ? value : fold(value)).toString('hex')}`;
