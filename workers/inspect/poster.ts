// One frame of a film as a small JPEG: the first of a few candidates that is not dark.
import { FerriteError } from '#domain/errors.ts';
import { inputArguments } from '#workers/encode/input-arguments.ts';
import type { RunTool } from '#workers/programs/run-tool.ts';

export type PosterOptions = {
  readonly runTool: RunTool;
  readonly atMs: number;
  /** Pixels at most; the height follows from the picture as shown, turned and with square pixels. */
  readonly width: number;
  readonly signal?: AbortSignal;
};

const DEADLINE_MS = 20_000;
const MAX_BYTES = 1024 * 1024;
/** Candidates as multiples of the wanted time. The last is the start, which every film has. */
const CANDIDATES = [1, 1.5, 0.5, 2, 0];
/** Mean luma (16 is black) from which a picture shows something. */
const BRIGHT_ENOUGH = 48;

type Picture = { readonly bytes: Buffer; readonly luma: number };

/** Throws MEDIA_UNREADABLE when no candidate gives a picture. */
export async function cutPoster(path: string, options: PosterOptions): Promise<Buffer> {
  const endsAt = performance.now() + DEADLINE_MS;
  let best: Picture | null = null;
  for (const factor of CANDIDATES) {
    const deadlineMs = Math.floor(endsAt - performance.now());
    if (deadlineMs <= 0) break;
    if (factor === 0 && best !== null) break;
    const picture = await tryFrame(path, options.atMs * factor, deadlineMs, options);
    if (picture !== null && (best === null || picture.luma > best.luma)) best = picture;
    if (best !== null && best.luma >= BRIGHT_ENOUGH) break;
  }
  if (best === null) throw new FerriteError('MEDIA_UNREADABLE', 'no picture can be decoded');
  return best.bytes;
}

/** A candidate that takes too long or can't be decoded is only one of several. */
async function tryFrame(path: string, atMs: number, deadlineMs: number, options: PosterOptions): Promise<Picture | null> {
  try {
    return await cutFrame(path, atMs, deadlineMs, options);
  } catch (cause) {
    if (options.signal?.aborted) throw new FerriteError('CANCELLED', 'the poster was not wanted any more', { cause });
    if (cause instanceof FerriteError) return null;
    throw cause;
  }
}

async function cutFrame(
  path: string,
  atMs: number,
  deadlineMs: number,
  { runTool, width, signal }: PosterOptions,
): Promise<Picture | null> {
  const filters = [
    `scale=w='trunc(min(${width},iw*sar)/2)*2':h='max(2,trunc(ow/dar/2)*2)'`,
    'setsar=1',
    'signalstats',
    'metadata=print:key=lavfi.signalstats.YAVG', // written to the log, hence its level
  ];
  const result = await runTool(
    'ffmpeg',
    // One thread: posters are made while people watch.
    [
      '-hide_banner',
      '-nostdin',
      '-nostats',
      '-loglevel',
      'info',
      '-threads',
      '1',
      '-ss',
      (atMs / 1000).toFixed(3),
      ...inputArguments(path),
    ].concat(['-map', '0:V:0', '-frames:v', '1', '-vf', filters.join(','), '-c:v', 'mjpeg', '-q:v', '4', '-f', 'image2pipe', 'pipe:1']),
    { deadlineMs, maxOutputBytes: MAX_BYTES, ...(signal && { signal }) },
  );
  if (result.exitCode !== 0 || result.stdout.byteLength === 0) return null;
  const luma = /lavfi\.signalstats\.YAVG=([\d.]+)/.exec(result.stderrTail)?.[1];
  return { bytes: result.stdout, luma: Number(luma ?? 0) };
}
