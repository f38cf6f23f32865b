// The small pictures of a film, taken at equal distances: as tiles of JPEG for a seek bar, and as a rendition of keyframes for players that wind. Pure.
import { displaySize } from '../delivery/ladder.ts';
import type { KeyframeMap, Media } from '../media.ts';
import type { Grid } from '../plan.ts';

export type PreviewPlan = {
  readonly intervalMs: number;
  /** Picture `k` is of `k * intervalMs`, or of the keyframe nearest to it. */
  readonly count: number;
  readonly durationMs: number;
  /** Of one picture: square pixels, turned as it is shown. */
  readonly width: number;
  readonly height: number;
  readonly columns: number;
  readonly rows: number;
  readonly tileCount: number;
};

/** What a keyframe stands for: the first of the pictures that show it. */
export type PreviewFrame = { readonly pts: number; readonly atMs: number };

/** Raised when the same film would get other pictures: those of an older format are made again. */
export const PREVIEW_FORMAT = 2;

/** A film of two hours has a picture every ten seconds; no film has more, so that none takes more work or room than that one. */
const MAX_PICTURES = 720;
const LEAST_INTERVAL_MS = 1_000;
/** Of a second: two hours and some frames are two hours. */
const A_LITTLE = 0.05;
/** Of a picture's longer and shorter side. */
const BOX = { long: 320, short: 180 };
const COLUMNS = 5;
const ROWS = 4;

/** Null for a film without a picture, or without length. */
export function previewPlan({ streams, durationMs }: Pick<Media, 'streams' | 'durationMs'>): PreviewPlan | null {
  const [video] = streams.video;
  if (video === undefined || durationMs <= 0) return null;
  const shown = displaySize(video);
  const scale = Math.min(BOX.long / Math.max(shown.width, shown.height), BOX.short / Math.min(shown.width, shown.height), 1);
  const intervalMs = Math.max(LEAST_INTERVAL_MS, Math.ceil(durationMs / MAX_PICTURES / 1000 - A_LITTLE) * 1000);
  const count = Math.ceil(durationMs / intervalMs);
  return {
    intervalMs,
    count,
    durationMs,
    width: even(shown.width * scale),
    height: even(shown.height * scale),
    columns: COLUMNS,
    rows: ROWS,
    tileCount: Math.ceil(count / (COLUMNS * ROWS)),
  };
}

/** The segments of the rendition of keyframes: one a picture. */
export const previewGrid = ({ intervalMs, count, durationMs }: PreviewPlan): Grid => ({
  timescale: 1000,
  boundaries: [...Array.from({ length: count }, (_, picture) => picture * intervalMs), durationMs],
});

/** The keyframes nearest to each picture's time, each once, ascending. */
export function previewFrames({ video }: Pick<KeyframeMap, 'video'>, { intervalMs, count }: PreviewPlan): PreviewFrame[] {
  const { keyframes, originPts, timescale } = video;
  const msOf = (pts: number): number => ((pts - originPts) * 1000) / timescale;
  const frames: PreviewFrame[] = [];
  let nearest = 0;
  for (let picture = 0; picture < count; picture++) {
    const atMs = picture * intervalMs;
    const distance = (index: number): number => Math.abs(msOf(keyframes[index] ?? Number.POSITIVE_INFINITY) - atMs);
    while (distance(nearest + 1) < distance(nearest)) nearest++;
    const pts = keyframes[nearest];
    if (pts !== undefined && frames.at(-1)?.pts !== pts) frames.push({ pts, atMs });
  }
  return frames;
}

/** What lies where in the folder of a film's small pictures: tiles are `<n>.jpg`. */
export const PREVIEW_INDEX = 'index.json';
/** The init segment and every segment of the rendition, one behind the other. */
export const PREVIEW_SEGMENTS = 'segments.bin';

export type PreviewIndex = {
  readonly format: number;
  /** Where each of them ends, the init segment first. */
  readonly ends: readonly number[];
  /** Of everything in the folder. */
  readonly byteLength: number;
};

/** The most that a picture takes as a keyframe of its own, in bits: of noise. */
const MOST_BITS_OF_A_PICTURE = 28_000 * 8;
/** And as JPEG. */
const MOST_BITS_OF_A_JPEG = 20_000 * 8;

export const iframeBandwidthBps = ({ intervalMs }: PreviewPlan): number => Math.ceil((MOST_BITS_OF_A_PICTURE * 1000) / intervalMs);
export const imageBandwidthBps = ({ intervalMs }: PreviewPlan): number => Math.ceil((MOST_BITS_OF_A_JPEG * 1000) / intervalMs);

/** H.264 High at level 2.1, which holds every picture that fits the box. */
export const PREVIEW_CODECS = 'avc1.640015';

// 4:2:0 needs even sizes.
const even = (pixels: number): number => Math.max(2, 2 * Math.round(pixels / 2));
