// Which files are versions of one film, told from what they are called and how long they last. Pure; a real matching may know better one day.
import type { LibraryId, MediaId } from '#domain/ids.ts';

export type VersionFacts = {
  readonly id: MediaId;
  readonly libraryId: LibraryId;
  /** As it is searched for: without case, accents and punctuation. */
  readonly words: string;
  readonly year: number | null;
  readonly durationMs: number;
  /** Pixels of a picture. */
  readonly size: number;
  readonly bitrateBps: number;
};

/** Without a year, films of one title are one film only where they last as long: of neighbours in length. */
const APART_MS = 10_000;
const APART_SHARE = 0.05;

/** What may be versions of each other at all. */
export const titleKey = ({ libraryId, words, year }: Pick<VersionFacts, 'libraryId' | 'words' | 'year'>): string =>
  JSON.stringify([libraryId, words, year]);

/** Those of one key as films, each with its versions, the sharpest first. */
export function versionGroups(sameTitle: readonly VersionFacts[]): VersionFacts[][] {
  const byLength = sameTitle.toSorted((a, b) => a.durationMs - b.durationMs || order(a.id, b.id));
  const groups: VersionFacts[][] = [];
  for (const one of byLength) {
    const before = groups.at(-1)?.at(-1);
    const isSame = before !== undefined && (one.year !== null || one.durationMs - before.durationMs <= apartMs(before));
    if (isSame) groups.at(-1)?.push(one);
    else groups.push([one]);
  }
  return groups.map(group => group.toSorted((a, b) => b.size - a.size || b.bitrateBps - a.bitrateBps || order(a.id, b.id)));
}

const apartMs = ({ durationMs }: VersionFacts): number => Math.max(APART_MS, durationMs * APART_SHARE);
const order = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
