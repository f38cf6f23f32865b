// Where each letter begins in a list by title, so that one can jump to it.
import type { SortedList } from './sorted-list.ts';

export type Letter = {
  /** `#`: digits and signs; `…`: every other script. */
  readonly letter: string;
  /** How many titles stand before it. */
  readonly offset: number;
};

/** By what sorts before all of its titles. */
const STARTS: readonly (readonly [letter: string, start: string])[] = [
  ['#', ''],
  ...Array.from('abcdefghijklmnopqrstuvwxyz', letter => [letter.toUpperCase(), letter] as const),
  ['…', '{'],
];

/** Those that any title begins with. */
export function lettersOf<T>(list: SortedList<T>): readonly Letter[] {
  const offsets = STARTS.map(([, start]) => list.countUpTo([0, start, '']));
  return STARTS.flatMap(([letter], at) => {
    const [offset = 0, end = list.size] = [offsets[at], offsets[at + 1]];
    return end > offset ? { letter, offset } : [];
  });
}
