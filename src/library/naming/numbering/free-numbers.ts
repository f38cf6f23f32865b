// Numbers that stand by themselves: what follows them right away is none of their word.
import type { Token } from '../tokens.ts';

/** No letters follow right behind it, but for a part (`E01b`), a version (`12v2`) or another script. */
export function isFree(tokens: readonly Token[], at: number): boolean {
  const after = tokens[at + 1];
  if (after?.kind !== 'letters' || !/^\p{Script=Latin}/u.test(after.text)) return true;
  if (after.word === 'v') return tokens[at + 2]?.kind === 'digits';
  if (/^(?:of|iz|end|final|fin)$/.test(after.word)) return true;
  // `S03E02Le malheur`: a title that begins without a gap.
  if (tokens[at]?.text.length === 2 && /^\p{Lu}\p{Ll}+$/u.test(after.text)) return true;
  return /^[a-c]$/.test(after.word) && tokens[at + 2]?.kind !== 'digits';
}

export const isYearLike = ({ text }: Pick<Token, 'text'>): boolean => /^(?:19|20)\d\d$/.test(text);
