// One frame of a film as a small JPEG: the first of a few keyframes that is not dark. Nothing but that frame is decoded.
import { FerriteError } from '#domain/errors.ts';
import type { StillPicture } from '#domain/inspector-protocol.ts';
import { inputArguments } from '#workers/encode/input-arguments.ts';
import type { RunTool } from '#workers/programs/run-tool.ts';
import { jpegFilters, PLAIN_STILL, stillFilters } from './still-filters.ts';

export type PosterOptions = {
  readonly runTool: RunTool;
  /** Keyframes to choose from, the best first, in ffmpeg's time of the file. */
  readonly atMs: readonly number[];
  /** Pixels at most; the height follows from the picture as shown, turned and with square pixels. */
  readonly width: number;
  /** Absent: the whole picture of a plain screen. */
  readonly still?: StillPicture;
  readonly signal?: AbortSignal;
};

const DEADLINE_MS = 120_000;
const MAX_BYTES = 1024 * 1024;
/** Cut while people watch and files wait to be listed. Frames of 8K take a gigabyte. */
const LIMITS = { addressSpaceBytes: 2 * 1024 ** 3, cpuSeconds: 20, priority: 'background' } as const;
/** Mean luma (16 is black) from which a picture shows something. */
const BRIGHT_ENOUGH = 48;

type Candidate = { readonly atMs: number; readonly frames: 'keyframes' | 'all' };
/** Where no keyframe gives a picture: the first that can be decoded at all. */
const ANY_FRAME: Candidate = { atMs: 0, frames: 'all' };

type Picture = { readonly bytes: Buffer; readonly luma: number };

/** Throws MEDIA_UNREADABLE when no candidate gives a picture, INSPECTION_DEFERRED when it might have with more time. */
export async function cutPoster(path: string, options: PosterOptions): Promise<Buffer> {
  const endsAt = performance.now() + DEADLINE_MS;
  let best: Picture | null = null;
  let deferral: FerriteError | null = null;
  for (const candidate of [...options.atMs.map(atMs => ({ atMs, frames: 'keyframes' as const })), ANY_FRAME]) {
    const deadlineMs = Math.floor(endsAt - performance.now());
    if (deadlineMs <= 0 || (best !== null && candidate === ANY_FRAME)) break;
    const picture = await tryFrame(path, candidate, deadlineMs, options);
    if (picture instanceof FerriteError) {
      deferral = picture;
      continue;
    }
    if (picture !== null && (best === null || picture.luma > best.luma)) best = picture;
    if (best !== null && best.luma >= BRIGHT_ENOUGH) break;
  }
  // Slow by the clock says nothing of the film: another time there may be a picture.
  if (best === null) throw deferral ?? new FerriteError('MEDIA_UNREADABLE', 'no picture can be decoded');
  return best.bytes;
}

/** A candidate that takes too long, which is returned, or can't be decoded is only one of several. */
async function tryFrame(
  path: string,
  candidate: Candidate,
  deadlineMs: number,
  options: PosterOptions,
): Promise<Picture | FerriteError | null> {
  try {
    return await cutFrame(path, candidate, deadlineMs, options);
  } catch (cause) {
    if (options.signal?.aborted) throw new FerriteError('CANCELLED', 'the poster was not wanted any more', { cause });
    if (!(cause instanceof FerriteError) || cause.code === 'WORKER_LOST') throw cause;
    return cause.code === 'INSPECTION_DEFERRED' ? cause : null;
  }
}

async function cutFrame(
  path: string,
  { atMs, frames }: Candidate,
  deadlineMs: number,
  { runTool, width, still = PLAIN_STILL, signal }: PosterOptions,
): Promise<Picture | null> {
  const filters = [
    ...stillFilters(`'trunc(min(${width},iw*sar)/2)*2'`, `'max(2,trunc(ow/dar/2)*2)'`, still),
    'signalstats',
    'metadata=print:key=lavfi.signalstats.YAVG', // written to the log, hence its level
    ...jpegFilters(still),
  ];
  const onlyKeyframes = frames === 'keyframes' ? ['-skip_frame', 'nokey', '-noaccurate_seek'] : [];
  const result = await runTool(
    'ffmpeg',
    [
      // One thread: posters are made while people watch.
      ...['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'info', '-threads', '1'],
      ...[...onlyKeyframes, '-ss', (atMs / 1000).toFixed(3), ...inputArguments(path), '-map', '0:V:0', '-frames:v', '1'],
      ...['-vf', filters.join(','), '-c:v', 'mjpeg', '-q:v', '4', '-f', 'image2pipe', 'pipe:1'],
    ],
    { deadlineMs, maxOutputBytes: MAX_BYTES, limits: LIMITS, ...(signal && { signal }) },
  );
  if (result.exitCode !== 0 || result.stdout.byteLength === 0) return null;
  const luma = /lavfi\.signalstats\.YAVG=([\d.]+)/.exec(result.stderrTail)?.[1];
  return { bytes: result.stdout, luma: Number(luma ?? 0) };
}
