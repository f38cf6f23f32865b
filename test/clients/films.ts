// The films of the matrix: every picture tells its number, every sound its time, every second has its cue. Made once and kept.
import { access, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ffmpeg } from '../support/media.ts';
import { COLUMNS, FRAME_RATE, LOWEST_HZ, NUMBER_BITS, PATTERN, PERIOD_S, PILOT_HZ, RISE_HZ_PER_S, ROWS, SAMPLE_RATE } from './clock.ts';

export type FilmName = 'mp4' | 'mkv';

export type Film = {
  readonly name: FilmName;
  readonly file: string;
  readonly title: string;
  readonly about: string;
  readonly args: readonly string[];
};

const WIDTH = 854;
const HEIGHT = 480;
export const FILM_S = 100;

export const FILMS: readonly Film[] = [
  {
    name: 'mp4',
    file: 'Clock One.mp4',
    title: 'Clock One',
    about: 'MP4: H.264 with three B-frames, two AAC sounds, text',
    args: [
      ...['-c:v', 'libx264', '-preset', 'veryfast', '-bf', '3', '-g', '48', '-b:v', '2500k', '-maxrate', '3000k', '-bufsize', '3000k'],
      ...['-c:a', 'aac', '-b:a', '128k', '-c:s', 'mov_text', '-movflags', '+faststart'],
    ],
  },
  {
    name: 'mkv',
    file: 'Clock Two.mkv',
    title: 'Clock Two',
    about: 'Matroska: HEVC with B-frames, two AC-3 sounds, text',
    args: [
      ...['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'bframes=3:keyint=48:log-level=none', '-b:v', '2000k'],
      ...['-c:a', 'ac3', '-b:a', '192k', '-c:s', 'srt'],
    ],
  },
];

/** Raised when a film is made another way: what was made before is made anew. */
const VERSION = 1;

/** A folder with the films. Each comes to its name when it is whole, so that two runs may share it. */
export async function makeFilms(folder: string, only: readonly Film[] = FILMS, seconds = FILM_S): Promise<string> {
  const library = join(folder, `v${VERSION}-${seconds}s`);
  await mkdir(library, { recursive: true });
  for (const film of only) {
    const path = join(library, film.file);
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    if (!isThere) await makeFilm(path, film, seconds);
  }
  return library;
}

async function makeFilm(path: string, film: Film, seconds: number): Promise<void> {
  // The scan passes over hidden files.
  const scratch = path.replace(film.file, `.${process.pid} ${film.file}`);
  const text = `${scratch}.srt`;
  await writeFile(text, cues(seconds));
  await ffmpeg(
    ...['-f', 'lavfi', '-i', `testsrc2=s=${WIDTH}x${HEIGHT}:r=${FRAME_RATE}:d=${seconds},noise=alls=10:allf=t`],
    ...['-f', 'lavfi', '-i', soundOf(tone(0.4), seconds), '-f', 'lavfi', '-i', soundOf(`${tone(0.3)}+${pilot(0.15)}`, seconds)],
    ...['-i', text, '-map', '0', '-map', '1', '-map', '2', '-map', '3', '-vf', numbers(), '-pix_fmt', 'yuv420p', '-ac', '2'],
    ...['-metadata:s:a:0', 'language=eng', '-metadata:s:a:1', 'language=deu', '-metadata:s:s:0', 'language=eng'],
    ...['-disposition:a:0', 'default', '-disposition:s:0', '0', ...film.args, scratch],
  );
  await rm(text);
  await rename(scratch, path);
}

function numbers(): string {
  const [side, height] = [WIDTH / COLUMNS, Math.ceil(HEIGHT / ROWS)];
  const box = (column: number, color: string, when = '1'): string => {
    const [from, to] = [Math.round(column * side), Math.round((column + 1) * side)];
    return `drawbox=x=${from}:y=0:w=${to - from}:h=${height}:c=${color}:t=fill:enable='${when}'`;
  };
  const bits = Array.from({ length: NUMBER_BITS }, (_, bit) => box(bit, 'white', `mod(floor(n/${2 ** bit}),2)`));
  const pattern = PATTERN.flatMap((isWhite, at) => (isWhite ? [box(NUMBER_BITS + at, 'white')] : []));
  return [`drawbox=x=0:y=0:w=${WIDTH}:h=${height}:c=black:t=fill`, ...bits, ...pattern].join(',');
}

const soundOf = (expression: string, seconds: number): string => `aevalsrc='${expression}':s=${SAMPLE_RATE}:d=${seconds}`;
const tone = (amplitude: number): string => {
  const t = `mod(t,${PERIOD_S})`;
  return `${amplitude}*sin(2*PI*(${LOWEST_HZ}*${t}+${RISE_HZ_PER_S / 2}*${t}*${t}))`;
};
const pilot = (amplitude: number): string => `${amplitude}*sin(2*PI*${PILOT_HZ}*t)`;

/** The cue of a second, shown from a tenth after its beginning to a tenth before its end. */
export const cueText = (second: number): string => `second ${second}`;

function cues(seconds: number): string {
  const at = (second: number): string => `00:${String(Math.floor(second / 60)).padStart(2, '0')}:${String(second % 60).padStart(2, '0')}`;
  return Array.from({ length: seconds }, (_, n) => `${n + 1}\n${at(n)},100 --> ${at(n)},900\n${cueText(n)}\n`).join('\n');
}
