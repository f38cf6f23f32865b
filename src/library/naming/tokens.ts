// A name as runs of letters, digits and what stands between them, so that rules speak of words and numbers instead of characters. One pass.

export type Token = {
  readonly kind: 'letters' | 'digits' | 'gap';
  readonly text: string;
  /** In lower case. */
  readonly word: string;
  /** Of digits; NaN otherwise. */
  readonly value: number;
  readonly start: number;
  readonly end: number;
};

/** Letters and digits without a gap: `x264`, `S01E02`, `Title`. */
export type Word = {
  /** In lower case. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** What stands before it, up to the word before. */
  readonly gap: string;
};

/** Latin letters are runs of their own: `字幕S01` begins with two. */
const RUN =
  /\p{Script=Latin}[\p{Script=Latin}\p{M}]*|[0-9]+|[[\p{L}\p{Nd}]--\p{Script=Latin}--[0-9]][[\p{L}\p{Nd}\p{M}]--\p{Script=Latin}--[0-9]]*|[^\p{L}\p{Nd}]+/gv;

export const tokensOf = (text: string): Token[] =>
  Array.from(text.matchAll(RUN), match => {
    const [run] = match;
    const kind = kindOf(run);
    const value = kind === 'digits' ? Number(run) : Number.NaN;
    return {
      kind,
      text: run,
      word: kind === 'letters' ? run.toLowerCase() : run,
      value,
      start: match.index,
      end: match.index + run.length,
    };
  });

function kindOf(run: string): Token['kind'] {
  const code = run.charCodeAt(0);
  if (code > 127) return /^[\p{L}\p{Nd}]/u.test(run) ? 'letters' : 'gap';
  if (code >= 48 && code <= 57) return 'digits';
  return (code | 32) >= 97 && (code | 32) <= 122 ? 'letters' : 'gap';
}

export function wordsOf(tokens: readonly Token[]): Word[] {
  const words: Word[] = [];
  let gap = '';
  let isOpen = false;
  for (const { kind, text, word, start, end } of tokens) {
    const last = isOpen ? words.pop() : undefined;
    isOpen = kind !== 'gap';
    if (kind === 'gap') {
      if (last !== undefined) words.push(last);
      gap = text;
    } else if (last === undefined) words.push({ text: word, start, end, gap });
    else words.push({ ...last, text: last.text + word, end });
    if (kind !== 'gap') gap = '';
  }
  return words;
}
