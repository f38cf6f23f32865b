// The index of a pair of VobSub files (`.idx`): a part for each language, `id: en, index: 0`, with the places of its pictures.
import { languageTag } from './language.ts';

export type IndexPart = {
  /** Among all parts, also those without a picture. */
  readonly position: number;
  /** BCP 47. */
  readonly language: string | null;
  readonly text: string;
};

/** A DVD has 32 at most. */
const MAX_PARTS = 64;

/** Those that have pictures. */
export function partsOfIndex(idx: string): IndexPart[] {
  const [head = '', ...parts] = idx.split(/^id:/im);
  // One that names none has a single part.
  return (parts.length === 0 ? [head] : parts)
    .slice(0, MAX_PARTS)
    .map((text, position) => ({
      position,
      language: parts.length === 0 ? null : languageTag(/^\s*([a-z]{2,3})\b/i.exec(text)?.[1] ?? null),
      text,
    }))
    .filter(({ text }) => /^timestamp:/im.test(text));
}
