// The side effects that machines may ask for: contracts only. workers/ provides the real ones, tests scripted ones.
import { type CallbackLogicFunction, fromCallback } from 'xstate';
import type { ErrorRecord } from '#domain/errors.ts';
import type { KeyframeMap, Media } from '#domain/media.ts';
import type { Grid } from '#domain/plan.ts';
import type { MediaRendition, RenditionKey } from '#domain/rendition.ts';

/** A stretch of one rendition to be made by one ffmpeg run. */
export type EncodeJob = {
  readonly key: RenditionKey;
  readonly rendition: MediaRendition;
  readonly media: Pick<Media, 'path' | 'byteLength' | 'mtimeMs'>;
  readonly keyframes: KeyframeMap;
  readonly grid: Grid;
  readonly firstIndex: number;
  readonly lastIndex: number;
  /** It goes on where another ended: its viewer has something to watch. */
  readonly isFollowOn?: boolean;
  /** The hardware that should make it has failed in this very stretch: it is made in software. */
  readonly isFallback?: boolean;
};

/** `ffmpeg.hold` stops reading its output, which pauses it; `ffmpeg.resume` goes on. */
export type FfmpegCommand = { readonly type: 'ffmpeg.stop' } | { readonly type: 'ffmpeg.hold' } | { readonly type: 'ffmpeg.resume' };

export type FfmpegEvent =
  /** What a picture is encoded with is made ready: no encoder runs yet. */
  | { readonly type: 'ffmpeg.preparing' }
  /** The encoder is started. Software may stand in for hardware that rests. */
  | { readonly type: 'ffmpeg.begun'; readonly isByHardware: boolean }
  | { readonly type: 'segment.written'; readonly index: number }
  /** A sign of life: told now and then while a segment is being made. */
  | { readonly type: 'frames.arrived' }
  | { readonly type: 'ffmpeg.exited' }
  | { readonly type: 'ffmpeg.failed'; readonly error: ErrorRecord };

export type FfmpegEffect = CallbackLogicFunction<FfmpegCommand, FfmpegEvent, EncodeJob>;

export const ffmpeg = fromCallback<FfmpegCommand, EncodeJob>(() => {
  throw new Error('the ffmpeg effect was not provided');
});
