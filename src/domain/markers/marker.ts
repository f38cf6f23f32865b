// A part of a film that may be passed over, in media time.
export const MARKER_KINDS = ['intro', 'recap', 'credits'] as const;
export type MarkerKind = (typeof MARKER_KINDS)[number];

export type Marker = {
  readonly kind: MarkerKind;
  readonly startMs: number;
  readonly endMs: number;
  /** What tells of it: the file's own chapters, or the sound that it has in common with other episodes. */
  readonly source: 'chapters' | 'fingerprint';
  /** Above 0, at most 1. */
  readonly confidence: number;
};

/** Chapters were named by somebody who has seen the film: sound tells of what they do not. */
export function mergedMarkers(chapters: readonly Marker[], heard: readonly Marker[]): Marker[] {
  const isTold = ({ kind, startMs, endMs }: Marker): boolean =>
    chapters.some(told => told.kind === kind || (told.startMs < endMs && startMs < told.endMs));
  return [...chapters, ...heard.filter(one => !isTold(one))].sort((a, b) => a.startMs - b.startMs);
}
