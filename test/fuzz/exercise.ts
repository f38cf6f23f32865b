// Does with a file what the server does with one: opens it, reads its timelines, builds headers and a few segments.
import { FerriteError } from '#domain/errors.ts';
import { openRemuxSource } from '#workers/remux/remuxer.ts';
import type { RemuxSource, SegmentSpan } from '#workers/remux/source.ts';

export type Outcome =
  | { readonly kind: 'refused'; readonly message: string }
  /** No container of ours: ffmpeg reads it. */
  | { readonly kind: 'left' }
  | { readonly kind: 'indexed'; readonly keyframes: number; readonly indexByteLength: number; readonly segments: number };

const SEGMENTS = 3;

/** Throws only what nobody may throw: anything but a FerriteError is a bug of the reader. */
export async function exercise(path: string): Promise<Outcome> {
  const opened = await orRefusal(() => openRemuxSource(path));
  if (opened instanceof FerriteError) return { kind: 'refused', message: opened.message };
  if (opened === null) return { kind: 'left' };
  try {
    const { keyframes } = opened.video;
    return { kind: 'indexed', keyframes: keyframes.length, indexByteLength: opened.indexByteLength, segments: await useTracks(opened) };
  } finally {
    await opened.close();
  }
}

/** Returns how many segments could be built. */
async function useTracks(source: RemuxSource): Promise<number> {
  const { video, audio } = source;
  let built = 0;
  const indexes = [...new Set([0, ...audio.slice(0, 4).map(({ index }) => index)])];
  for (const streamIndex of indexes) {
    await orRefusal(async () => source.codecString(streamIndex));
    await orRefusal(async () => source.initSegment(streamIndex, 1));
    for (const span of spansOf(source, streamIndex)) {
      const segment = await orRefusal(() => source.segment(streamIndex, span));
      if (!(segment instanceof FerriteError)) built++;
      await orRefusal(() => source.locate(streamIndex, span));
    }
  }
  if (video.keyframes.length === 0) throw new Error('a source has a keyframe');
  return built;
}

/** The first and the last, and one of everything. */
function spansOf({ video, audio }: RemuxSource, streamIndex: number): SegmentSpan[] {
  const sound = audio.find(({ index }) => index === streamIndex);
  const originPts = (sound?.firstPts ?? video.keyframes[0] ?? 0) - (sound?.timescale ?? video.timescale) * 10;
  const fed = { originPts, factor: 1, anchor: 'decode' } as const;
  const shown = { originPts, factor: 2, anchor: 'presentation' } as const;
  if (sound) {
    const { firstPts, endPts, timescale } = sound;
    const ends = [firstPts + 2 * timescale, firstPts + 4 * timescale, endPts];
    return ends.map((toPts, index) => ({ index, fromPts: toPts - 2 * timescale, toPts, ...fed }));
  }
  const { keyframes, endPts } = video;
  const starts = [...keyframes.slice(0, SEGMENTS - 1), ...keyframes.slice(-1)];
  const spans = starts.map((fromPts, index) => ({ index, fromPts, toPts: starts[index + 1] ?? endPts, ...shown }));
  return [...spans, { index: SEGMENTS, fromPts: keyframes[0] ?? 0, toPts: endPts, ...fed }];
}

async function orRefusal<T>(work: () => Promise<T>): Promise<T | FerriteError> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof FerriteError) return error;
    throw error;
  }
}
