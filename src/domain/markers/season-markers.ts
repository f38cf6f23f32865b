// What an episode has in common with the others of its season, each of which says so for itself: they have to agree. Pure.
import { type Bounds, commonStretch, type Stretch } from './common-stretch.ts';
import { type Fingerprint, SPAN_MS, STEP_MS } from './fingerprint.ts';
import type { Marker } from './marker.ts';

/** Raised when episodes have to be listened to anew. */
export const FINGERPRINT_FORMAT = 1;

/** Raised when what was heard is to be compared anew. */
export const COMPARISON_FORMAT = 2;

/** Of an episode's neighbours: themes change in the course of a long season. */
export const MOST_COMPARED = 8;

export type Ends = 'beginning' | 'end';
export const ENDS: readonly Ends[] = ['beginning', 'end'];

/** Where an intro, or credits, are looked for: in media time. */
export type Window = { readonly startMs: number; readonly durationMs: number };

export const BOUNDS: Readonly<Record<Ends, Bounds>> = {
  beginning: { minMs: 15_000, maxMs: 120_000 },
  end: { minMs: 15_000, maxMs: 180_000 },
};

const SHARE = 0.25;
/** So that a quarter of a short episode can hold a theme. */
const SHORTEST_MS = 150_000;
const LONGEST_MS: Readonly<Record<Ends, number>> = { beginning: 600_000, end: 480_000 };

export function windowOf(end: Ends, durationMs: number): Window {
  const length = Math.floor(Math.min(durationMs, LONGEST_MS[end], Math.max(SHORTEST_MS, durationMs * SHARE)));
  return { startMs: end === 'beginning' ? 0 : durationMs - length, durationMs: length };
}

/** What one other episode says. */
export type Heard = { readonly startMs: number; readonly endMs: number; readonly difference: number };

/** Of sound that has just begun the first numbers match by chance, and before it has ended the last do no longer: measured on seasons whose themes are known. */
const EARLY_MS = 0.35 * SPAN_MS;
const LATE_MS = 0.25 * SPAN_MS;

export function heardIn(mine: Fingerprint, other: Uint32Array, end: Ends): Heard | null {
  const stretch = commonStretch(mine.values, other, BOUNDS[end]);
  return stretch === null ? null : timesOf(stretch, mine.startMs);
}

function timesOf({ at, other, count, difference }: Stretch, startMs: number): Heard {
  // Cut off by the beginning of what was compared, it began there or sooner.
  const early = at === 0 || other === 0 ? 0 : EARLY_MS;
  return { startMs: startMs + at * STEP_MS + early, endMs: startMs + (at + count) * STEP_MS + LATE_MS, difference };
}

/** What two episodes say is the same where it begins and ends so near. */
const AGREE_MS = 4_000;
/** Credits that end so near the end of the file go on to it: what is left is silence. */
const LAST_MS = 8_000;

/** `compared`: with how many others; null: one of them has nothing in common with it. */
export function agreed(heard: readonly (Heard | null)[], end: Ends, durationMs: number): Marker | null {
  const found = heard.filter(one => one !== null);
  const needed = heard.length >= 3 ? 2 : 1;
  let best: readonly Heard[] = [];
  for (const one of found) {
    const group = found.filter(other => Math.abs(one.startMs - other.startMs) <= AGREE_MS && Math.abs(one.endMs - other.endMs) <= AGREE_MS);
    if (group.length > best.length) best = group;
  }
  if (best.length < needed || best.length === 0) return null;
  const startMs = Math.round(median(best.map(one => one.startMs)));
  const endMs = Math.min(durationMs, Math.round(median(best.map(one => one.endMs))));
  const isLate = (startMs + endMs) / 2 > durationMs / 2;
  if (isLate !== (end === 'end')) return null;
  return {
    kind: end === 'end' ? 'credits' : 'intro',
    startMs,
    endMs: end === 'end' && durationMs - endMs <= LAST_MS ? durationMs : endMs,
    source: 'fingerprint',
    confidence: confidenceOf(best),
  };
}

/** One voice may err; each further one halves the doubt, and the less of the sound is alike the more of it is left. */
function confidenceOf(group: readonly Heard[]): number {
  const difference = group.reduce((sum, one) => sum + one.difference, 0) / group.length;
  return Math.round(100 * (1 - 0.5 ** (group.length + 0.5)) * (1 - difference / 20)) / 100;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
