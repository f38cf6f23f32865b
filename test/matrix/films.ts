// Small films, one for each picture, sound and container that this ffmpeg writes and reads back.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { makeFrameFilm } from '../support/frame-film.ts';

export const SECONDS = 6;
export const FRAME_RATE = 24;

/** Name of a codec, as ffprobe has it, and how ffmpeg is made to write it. */
export const PICTURES = {
  h264: ['-c:v', 'libx264', '-preset', 'veryfast', '-g', '48', '-bf', '2', '-pix_fmt', 'yuv420p'],
  hevc: ['-c:v', 'libx265', '-preset', 'ultrafast', '-g', '48', '-x265-params', 'log-level=error', '-pix_fmt', 'yuv420p'],
  vp9: ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-g', '48', '-b:v', '1M', '-pix_fmt', 'yuv420p'],
  av1: ['-c:v', 'libsvtav1', '-preset', '12', '-g', '48', '-b:v', '1M', '-pix_fmt', 'yuv420p'],
  vp8: ['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-g', '48', '-b:v', '2M', '-pix_fmt', 'yuv420p'],
  mpeg2video: ['-c:v', 'mpeg2video', '-q:v', '3', '-g', '24', '-bf', '2', '-pix_fmt', 'yuv420p'],
  mpeg4: ['-c:v', 'mpeg4', '-q:v', '3', '-g', '48', '-bf', '2', '-pix_fmt', 'yuv420p'],
  wmv2: ['-c:v', 'wmv2', '-q:v', '3', '-g', '48', '-pix_fmt', 'yuv420p'],
  prores: ['-c:v', 'prores_ks', '-profile:v', '0', '-pix_fmt', 'yuv422p10le'],
} as const satisfies Record<string, readonly string[]>;

/** PCM is written one way or another, as the container has it: the first that it takes. */
export const SOUNDS = {
  aac: [['-c:a', 'aac']],
  mp3: [['-c:a', 'libmp3lame']],
  ac3: [['-c:a', 'ac3']],
  eac3: [['-c:a', 'eac3']],
  dts: [['-c:a', 'dca', '-strict', '-2']],
  truehd: [['-c:a', 'truehd', '-strict', '-2']],
  opus: [['-c:a', 'libopus']],
  vorbis: [['-c:a', 'libvorbis']],
  flac: [['-c:a', 'flac']],
  alac: [['-c:a', 'alac']],
  pcm: ['pcm_s16le', 'pcm_s16be'].map(codec => ['-c:a', codec]),
} as const satisfies Record<string, readonly (readonly string[])[]>;

/** `-f`; null: as the name says. */
export const CONTAINERS = {
  mp4: null,
  mkv: null,
  webm: null,
  avi: null,
  ts: null,
  mov: null,
  wmv: null,
  flv: null,
  vob: null,
  ogv: null,
} as const;

export type PictureName = keyof typeof PICTURES;
export type SoundName = keyof typeof SOUNDS;
export type ContainerName = keyof typeof CONTAINERS;
export type Combination = { readonly container: ContainerName; readonly picture: PictureName; readonly sound: SoundName };

export const nameOf = ({ container, picture, sound }: Combination): string => `${picture} ${sound} ${container}`;

/** Of the film in the catalogue. Names of codecs are no part of a title, and are taken off there. */
export const titleOf = (combination: Combination): string =>
  nameOf(combination)
    .split(' ')
    .map(word => `w${word.replaceAll(/\d/g, digit => 'zabcdefghi'[Number(digit)] ?? '')}q`)
    .join(' ');
const fileOf = (combination: Combination): string => `${titleOf(combination)}.${combination.container}`;

/** What a container carries is told by each picture beside a usual sound and each sound beside a usual picture. */
const USUAL: Readonly<Record<ContainerName, { picture: PictureName; sound: SoundName }>> = {
  mp4: { picture: 'h264', sound: 'aac' },
  mkv: { picture: 'h264', sound: 'aac' },
  webm: { picture: 'vp9', sound: 'opus' },
  avi: { picture: 'mpeg4', sound: 'mp3' },
  ts: { picture: 'h264', sound: 'aac' },
  mov: { picture: 'h264', sound: 'aac' },
  wmv: { picture: 'wmv2', sound: 'mp3' },
  flv: { picture: 'h264', sound: 'aac' },
  vob: { picture: 'mpeg2video', sound: 'ac3' },
  ogv: { picture: 'vp8', sound: 'vorbis' },
};

const namesOf = <Name extends string>(table: Readonly<Record<Name, unknown>>): Name[] => Object.keys(table) as Name[];

/** `isFull`: each picture beside each sound. */
export function combinations({ isFull }: { isFull: boolean }): Combination[] {
  return namesOf(CONTAINERS).flatMap(container => {
    const usual = USUAL[container];
    return namesOf(PICTURES).flatMap(picture =>
      namesOf(SOUNDS)
        .filter(sound => isFull || picture === usual.picture || sound === usual.sound)
        .map(sound => ({ container, picture, sound })),
    );
  });
}

export class FilmMaker {
  readonly #scratch: string;
  readonly #tracks = new Map<string, Promise<string>>();

  constructor(scratch: string) {
    this.#scratch = scratch;
  }

  /** Its path; else why there is none. */
  async make(combination: Combination, library: string): Promise<{ path: string } | { reason: string }> {
    const picture = await this.#track(combination.picture, ['-an', ...PICTURES[combination.picture]]);
    const path = join(library, fileOf(combination));
    let reason = '';
    for (const [at, encoder] of SOUNDS[combination.sound].entries()) {
      const sound = await this.#track(`${combination.sound}-${at}`, ['-vn', ...encoder]);
      const { exitCode, stderr } = await this.#mux([picture, sound], path);
      const read = exitCode === 0 ? await codecsOf(path) : '';
      const wanted = `${combination.picture} ${combination.sound}`;
      if (read === wanted) return { path };
      reason = exitCode === 0 ? `written, and read back as ${read || 'nothing'}` : (stderr.split('\n')[0] ?? '');
      await rm(path, { force: true });
    }
    return { reason: reason.replace(/^\[[^\]]*\] /, '') };
  }

  #mux(tracks: readonly string[], path: string) {
    const inputs = tracks.flatMap(track => ['-i', track]);
    return execa('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...inputs, '-c', 'copy', '-strict', '-2', path], { reject: false });
  }

  #track(name: string, args: readonly string[]): Promise<string> {
    const made =
      this.#tracks.get(name) ??
      (async () => {
        const master = name === MASTER ? null : await this.#track(MASTER, []);
        const path = join(this.#scratch, `${name}.mkv`);
        if (master === null) await makeMaster(path);
        else await execa('ffmpeg', ['-v', 'error', '-nostdin', '-y', '-i', master, ...args, path]);
        return path;
      })();
    this.#tracks.set(name, made);
    return made;
  }
}

const MASTER = 'master';

/** A tone at each whole second, and each picture tells its number. */
function makeMaster(path: string): Promise<void> {
  const sound = `aevalsrc='sin(2*PI*440*t)*lt(mod(t\\,1)\\,0.1)':c=stereo:s=48000:d=${SECONDS}`;
  return makeFrameFilm(path, { seconds: SECONDS, sound, args: ['-qp', '0', '-c:a', 'pcm_s16le'] });
}

async function codecsOf(path: string): Promise<string> {
  const { stdout } = await execa('ffprobe', ['-v', 'error', '-show_streams', '-of', 'json', path], { reject: false });
  const { streams = [] } = JSON.parse(stdout || '{}') as { streams?: { codec_type: string; codec_name?: string }[] };
  const named = (type: string): string | undefined => streams.find(({ codec_type }) => codec_type === type)?.codec_name;
  return [named('video'), named('audio')?.replace(/^pcm_.*/, 'pcm')].filter(Boolean).join(' ');
}
