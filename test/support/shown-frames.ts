// Which numbered picture (frame-film.ts) a file shows when, and when its sound is heard.
import { execa } from 'execa';
import { BITS, SIDE } from './frame-film.ts';

const MAX_BYTES = 1024 ** 3;

export type ShownFrame = { readonly timeS: number; readonly frame: number };

/** Every picture of a file in the order in which it is shown. `width` of the film, when it was made. */
export async function shownFrames(file: string, { width = 640 } = {}): Promise<ShownFrame[]> {
  const decoded = await execa(
    'ffmpeg',
    [
      ...['-hide_banner', '-nostdin', '-v', 'info', '-i', file, '-an'],
      ...['-vf', `showinfo,scale=${width}:-2,crop=${BITS * SIDE}:${SIDE}:0:0`, '-fps_mode', 'passthrough'],
      ...['-f', 'rawvideo', '-pix_fmt', 'gray', '-'],
    ],
    { encoding: 'buffer', maxBuffer: MAX_BYTES },
  );
  const times = [
    ...Buffer.from(decoded.stderr)
      .toString()
      .matchAll(/ pts_time:(-?[\d.]+)/g),
  ].map(([, time]) => Number(time));
  return times.map((timeS, at) => ({ timeS, frame: numberIn(decoded.stdout, at * BITS * SIDE * SIDE) }));
}

function numberIn(pictures: Uint8Array, start: number): number {
  let frame = 0;
  const middle = start + (SIDE / 2) * BITS * SIDE + SIDE / 2;
  for (let bit = 0; bit < BITS; bit++) if ((pictures[middle + bit * SIDE] ?? 0) > 128) frame += 2 ** bit;
  return frame;
}

export const frameAt = (frames: readonly ShownFrame[], second: number): number | undefined =>
  frames.findLast(({ timeS }) => timeS <= second)?.frame;

const RATE = 8_000;
const QUIET = 1_000;
const LEAST_PAUSE = RATE / 4;

/** The seconds at which sound begins after a pause. Holes shorter than `leastHoleS` are taken for none: what comes behind them is heard earlier. */
export async function soundStarts(file: string, { leastHoleS = 0.1 } = {}): Promise<number[]> {
  const { stdout } = await execa(
    'ffmpeg',
    [
      ...[
        '-v',
        'error',
        '-nostdin',
        '-i',
        file,
        '-vn',
        '-af',
        `aresample=${RATE}:async=1:min_hard_comp=${leastHoleS}:first_pts=0`,
        '-ac',
        '1',
      ],
      ...['-f', 's16le', '-'],
    ],
    { encoding: 'buffer', maxBuffer: MAX_BYTES },
  );
  const samples = new Int16Array(stdout.buffer, stdout.byteOffset, stdout.byteLength >> 1);
  const starts: number[] = [];
  let heard = -LEAST_PAUSE;
  for (const [at, sample] of samples.entries()) {
    if (Math.abs(sample) < QUIET) continue;
    if (at - heard >= LEAST_PAUSE) starts.push(at / RATE);
    heard = at;
  }
  return starts;
}
