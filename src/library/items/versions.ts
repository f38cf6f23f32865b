// Which files are versions of one film, told from what they are called and how long they last, and which are parts of one version. Pure.
import type { Entry } from './entry.ts';

/** The files that are played one after the other: one, but for a version in parts. */
export type Version = readonly [Entry, ...Entry[]];

type Facts = Pick<Entry, 'id' | 'keyYear' | 'isEpisode' | 'item' | 'durationMs' | 'size' | 'bitrateBps'>;

/** Without a year, films of one title are one film only where they last as long: of neighbours in length. */
const APART_MS = 10_000;
const APART_SHARE = 0.05;

/** Those that may be versions of each other as items, each with its versions, the sharpest first. */
export function versionGroups(sameTitle: Iterable<Entry>): Version[][] {
  const byLength = versionsOf(sameTitle).toSorted((a, b) => lengthOf(a) - lengthOf(b) || order(a[0].id, b[0].id));
  const groups: Version[][] = [];
  for (const one of byLength) {
    const before = groups.at(-1)?.at(-1);
    if (before !== undefined && (isCertain(one[0]) || lengthOf(one) - lengthOf(before) <= apartMs(before))) groups.at(-1)?.push(one);
    else groups.push([one]);
  }
  return groups.map(group => group.toSorted(([a], [b]) => bySharpness(a, b)));
}

/** A year tells films of one title apart, an episode's number episodes, and a person anything. */
const isCertain = ({ keyYear, isEpisode, item }: Facts): boolean => keyYear !== null || isEpisode || item !== null;

const bySharpness = (a: Facts, b: Facts): number => b.size - a.size || b.bitrateBps - a.bitrateBps || order(a.id, b.id);

/** Parts of the same whole, in turn; a number that is there twice begins another version. */
function versionsOf(entries: Iterable<Entry>): Version[] {
  const versions: Version[] = [];
  const wholes = new Map<string, Entry[]>();
  for (const entry of entries) {
    if (entry.part === null) versions.push([entry]);
    else {
      const key = `${entry.whole}\0${entry.edition ?? ''}`;
      const parts = wholes.get(key);
      if (parts === undefined) wholes.set(key, [entry]);
      else parts.push(entry);
    }
  }
  for (const parts of wholes.values()) versions.push(...inTurn(parts));
  return versions;
}

function inTurn(parts: readonly Entry[]): Version[] {
  const turns: [Entry, ...Entry[]][] = [];
  for (const part of parts.toSorted((a, b) => (a.part ?? 0) - (b.part ?? 0) || order(a.id, b.id))) {
    const open = turns.find(turn => turn.at(-1)?.part !== part.part);
    if (open === undefined) turns.push([part]);
    else open.push(part);
  }
  return turns;
}

export const lengthOf = (version: readonly Pick<Entry, 'durationMs'>[]): number =>
  version.reduce((sum, { durationMs }) => sum + durationMs, 0);
const apartMs = (version: Version): number => Math.max(APART_MS, lengthOf(version) * APART_SHARE);
const order = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
