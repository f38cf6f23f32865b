// What a film's own chapters say of its intro, its recap and its credits. Pure.
import type { Chapter } from '#domain/media.ts';
import { meaningOf } from './chapter-words.ts';
import type { Marker, MarkerKind } from './marker.ts';

/** A chapter that is shorter is a mark, and one that is longer a part of the film, whatever it is called. */
const LENGTHS_MS: Readonly<Record<MarkerKind, { readonly min: number; readonly max: number }>> = {
  intro: { min: 5_000, max: 240_000 },
  recap: { min: 5_000, max: 300_000 },
  credits: { min: 5_000, max: 1_200_000 },
};

/** Somebody has named them: only the words may have been taken wrongly. */
const CONFIDENCE = 0.95;

export function chapterMarkers(chapters: readonly Chapter[], durationMs: number): Marker[] {
  const inOrder = [...chapters].sort((a, b) => a.startMs - b.startMs);
  const found: Marker[] = [];
  for (const [at, { startMs, endMs: toldEndMs, title }] of inOrder.entries()) {
    const endMs = Math.min(durationMs, toldEndMs > startMs ? toldEndMs : (inOrder[at + 1]?.startMs ?? durationMs));
    const kind = title === null ? null : kindOf(title, (startMs + endMs) / 2 > durationMs / 2);
    if (kind === null || startMs < 0) continue;
    const { min, max } = LENGTHS_MS[kind];
    if (endMs - startMs >= min && endMs - startMs <= max) found.push({ kind, startMs, endMs, source: 'chapters', confidence: CONFIDENCE });
  }
  return found;
}

function kindOf(title: string, isLate: boolean): MarkerKind | null {
  const meaning = meaningOf(title);
  if (meaning === 'either') return isLate ? 'credits' : 'intro';
  // "Credits" at the beginning are those of the opening; an "Opening" or a "Recap" near the end is none.
  if (meaning === 'credits') return isLate ? 'credits' : 'intro';
  return isLate ? null : meaning;
}
