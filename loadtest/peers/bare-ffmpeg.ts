// ffmpeg by itself: the commands that the product runs, and the plain command that a person would write for the same segment.
import { type ChildProcess, spawn } from 'node:child_process';
import { nowMs } from '../client/http-client.ts';
import { descendants, stopChild } from '../machine/processes.ts';
import { type MediaPlaylist, segmentAt } from '../viewers/viewer.ts';
import { BoxCounter } from './box-counter.ts';

const DEADLINE_MS = 120_000;

/** What the encodes of one viewer were told, and the segment that they were started for. */
export type EncodeCommands = {
  readonly film: string;
  readonly video: readonly string[];
  /** Null where the sound is copied. */
  readonly audio: readonly string[] | null;
  /** Frames of the first segment, their rate, and where it starts. */
  readonly frames: number;
  readonly fps: number;
  readonly startS: number;
};

/** The video playlist of one viewer, and where in it the viewer is. */
export type Watched = { readonly video: MediaPlaylist | null; readonly positionMs: number };

/** One process, from its start to the last byte of what is waited for. */
type BareRun = { readonly completeMs: Promise<number>; readonly child: ChildProcess };

const AAC_FRAME = 1024;
const AAC_RATE = 48_000;

/**
 * The encodes of these viewers, who all watch this film at the same rung. The product's processes read it on stdin and know neither its
 * name nor where they are in it; sound belongs to one viewer only.
 */
export function encodesOf(serverPid: number, film: string, viewers: readonly Watched[]): EncodeCommands[] {
  const running = descendants(serverPid).map(({ argv }) => argv);
  const video = running.find(argv => argv.includes('libx264'));
  if (!video) throw new Error('no encode is running');
  const audio = running.find(argv => argv.includes('-vn') && argv.includes('aac')) ?? null;
  const [, num, den] = filtersOf(video).match(/fps=(\d+)\/(\d+)/) ?? [];
  const fps = Number(num) / Number(den);
  return viewers.map(({ video: list, positionMs }) => {
    const segment = list && wholeSegmentAt(list, positionMs);
    if (!segment) throw new Error('a viewer has no video');
    return { film, video, audio, frames: Math.round(segment.durationS * fps), fps, startS: Math.round(segment.startS * fps) / fps };
  });
}

/** A start's first segment is offered as two, `<n>.0.m4s` and `<n>.1.m4s`: the limits make the whole of it. */
function wholeSegmentAt({ segments }: MediaPlaylist, positionMs: number): { startS: number; durationS: number } {
  const number = Number.parseInt(segmentAt({ segments }, positionMs).name, 10);
  const chunks = segments.filter(({ name }) => Number.parseInt(name, 10) === number);
  return { startS: chunks[0]?.startS ?? 0, durationS: chunks.reduce((sum, { durationS }) => sum + durationS, 0) };
}

/** The product's own encoder settings on the file, all at once, each viewer's to its first complete segments; milliseconds of each. */
export async function runSameCommands(viewers: readonly EncodeCommands[]): Promise<number[]> {
  // A fragment a frame: a segment is complete with its last frame's.
  const videos = viewers.map(commands => ({ argv: sameVideo(commands), mediaDataBoxes: commands.frames }));
  const audios = viewers.flatMap(commands =>
    commands.audio === null ? [] : [{ argv: sameAudio(commands, commands.audio), mediaDataBoxes: audioFrames(commands) }],
  );
  const completeMs = await runAll([...videos, ...audios]);
  return audios.length === 0 ? completeMs : [Math.max(...completeMs)];
}

/** `ffmpeg -ss` on the file with the same encoder settings, to its first complete fragment of as many frames. */
export function runPlainCommands(viewers: readonly EncodeCommands[]): Promise<number[]> {
  return runAll(viewers.map(commands => ({ argv: plainCommand(commands), mediaDataBoxes: 1 })));
}

/** All run on until the last has what it needs, as the product's do. */
async function runAll(commands: readonly { argv: readonly string[]; mediaDataBoxes: number }[]): Promise<number[]> {
  const runs = commands.map(({ argv, mediaDataBoxes }) => start(argv, mediaDataBoxes));
  try {
    return await Promise.all(runs.map(({ completeMs }) => completeMs));
  } finally {
    await Promise.all(runs.map(({ child }) => stopChild(child, 'SIGKILL')));
  }
}

function start(argv: readonly string[], mediaDataBoxes: number): BareRun {
  const [program = 'ffmpeg', ...args] = argv;
  const startedMs = nowMs();
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const completeMs = new Promise<number>((resolve, reject) => {
    const deadline = setTimeout(() => reject(new Error('ffmpeg made no segment in time')), DEADLINE_MS);
    const counter = new BoxCounter(count => {
      if (count === mediaDataBoxes) resolve(nowMs() - startedMs);
    });
    child.stdout.on('data', (chunk: Buffer) => counter.push(chunk));
    child.once('error', reject);
    child.once('exit', code => {
      clearTimeout(deadline);
      reject(new Error(`ffmpeg ended with ${code} before its first segment was complete`));
    });
  });
  return { completeMs, child };
}

const audioFrames = ({ frames, fps }: EncodeCommands): number => Math.floor((frames / fps) * (AAC_RATE / AAC_FRAME));

const fromFile = ({ film, startS }: EncodeCommands): string[] => ['-ss', String(startS), '-i', film];

const OUTPUT = ['-f', 'mp4', '-movflags', '+empty_moov+default_base_moof+frag_every_frame', 'pipe:1'];

function sameVideo(commands: EncodeCommands): string[] {
  const { video, frames, fps } = commands;
  const filters = filtersOf(video).replace(/fps=[^,]*/g, `fps=${fps}`);
  const encoder = video.slice(video.indexOf('-c:v'), video.indexOf('-force_key_frames'));
  const map = optionOf(video, '-map');
  return [
    ...[
      'ffmpeg',
      '-hide_banner',
      '-nostdin',
      '-v',
      'error',
      ...fromFile(commands),
      '-map',
      map === '0:0' || map === '[quick]' ? '0:v:0' : map,
    ],
    ...['-vf', filters, ...encoder, '-force_key_frames', String(frames / fps), ...OUTPUT],
  ];
}

function sameAudio(commands: EncodeCommands, audio: readonly string[]): string[] {
  const filters = optionOf(audio, '-af').replace(/:first_pts=\d+/, '');
  const encoder = ['-c:a', 'aac', '-b:a', optionOf(audio, '-b:a'), '-ac', optionOf(audio, '-ac'), '-ar', optionOf(audio, '-ar')];
  return [
    'ffmpeg',
    '-hide_banner',
    '-nostdin',
    '-v',
    'error',
    ...fromFile(commands),
    '-map',
    '0:a:0',
    '-af',
    filters,
    ...encoder,
    ...OUTPUT,
  ];
}

function plainCommand(commands: EncodeCommands): string[] {
  const { video, audio, frames } = commands;
  const [, scale = ''] = filtersOf(video).match(/(scale=\d+:\d+)/) ?? [];
  // The speed that servers run it at: that of all but the first seconds of the product's.
  const same = ['-profile:v', '-level:v', '-crf', '-maxrate', '-bufsize'].flatMap(name => [name, optionOf(video, name)]);
  const sound = audio === null ? [] : ['-map', '0:a:0', '-c:a', 'aac', '-ac', optionOf(audio, '-ac'), '-b:a', optionOf(audio, '-b:a')];
  return [
    ...['ffmpeg', '-hide_banner', '-nostdin', '-v', 'error', ...fromFile(commands), '-map', '0:v:0'],
    ...[
      '-vf',
      `${scale},format=yuv420p`,
      '-c:v',
      'libx264',
      '-preset',
      'veryfast',
      ...same,
      '-g',
      String(frames),
      '-keyint_min',
      String(frames),
    ],
    ...['-sc_threshold', '0', ...sound, '-f', 'mp4', '-movflags', 'frag_keyframe+empty_moov+default_base_moof', 'pipe:1'],
  ];
}

/** Those of the picture, of a run of one encoder or of two. */
export function filtersOf(video: readonly string[]): string {
  if (video.includes('-vf')) return optionOf(video, '-vf');
  const [, filters = ''] = optionOf(video, '-filter_complex').match(/^\[[^\]]*\](.*),split\[/) ?? [];
  return filters;
}

function optionOf(argv: readonly string[], name: string): string {
  const value = argv[argv.indexOf(name) + 1];
  if (!argv.includes(name) || value === undefined) throw new Error(`the encode has no ${name}`);
  return value;
}
