// ffmpeg by itself: the commands that the product runs, and the plain command that a person would write for the same segment.
import { type ChildProcess, spawn } from 'node:child_process';
import { nowMs } from '../http-client.ts';
import { descendants, stopChild } from '../processes.ts';
import { BoxCounter } from './box-counter.ts';

const DEADLINE_MS = 120_000;

/** What the encodes of one viewer were told. */
export type EncodeCommands = {
  readonly video: readonly string[];
  /** Null where the sound is copied. */
  readonly audio: readonly string[] | null;
  /** Frames of the first segment, their rate, and where it starts. */
  readonly frames: number;
  readonly fps: number;
  readonly startS: number;
};

/** One process, from its start to the last byte of what is waited for. */
type BareRun = { readonly completeMs: Promise<number>; readonly child: ChildProcess };

const AAC_FRAME = 1024;
const AAC_RATE = 48_000;

/** The encodes that run below the server at this moment; sound belongs to one viewer only. */
export function runningEncodes(serverPid: number): EncodeCommands[] {
  const running = descendants(serverPid).map(({ argv }) => argv);
  const audio = running.find(argv => argv.includes('-vn') && argv.includes('aac')) ?? null;
  return running.filter(argv => argv.includes('libx264')).map(argv => toCommands(argv, audio));
}

/** The product's own command lines all at once, each viewer's to its first complete segments; milliseconds of each. */
export async function runSameCommands(viewers: readonly EncodeCommands[]): Promise<number[]> {
  // A fragment a frame: a segment is complete with its last frame's.
  const videos = viewers.map(({ video, frames }) => ({ argv: video, mediaDataBoxes: frames }));
  const audios = viewers.flatMap(({ audio, frames, fps }) =>
    audio === null ? [] : [{ argv: audio, mediaDataBoxes: Math.floor((frames / fps) * (AAC_RATE / AAC_FRAME)) }],
  );
  const completeMs = await runAll([...videos, ...audios]);
  return audios.length === 0 ? completeMs : [Math.max(...completeMs)];
}

/** `ffmpeg -ss` on the file with the same encoder settings, to its first complete fragment of as many frames. */
export function runPlainCommands(viewers: readonly EncodeCommands[]): Promise<number[]> {
  return runAll(viewers.map(commands => ({ argv: plainCommand(commands), mediaDataBoxes: 1 })));
}

/** All run on until the last has what it needs, as the product's do. */
async function runAll(wishes: readonly { argv: readonly string[]; mediaDataBoxes: number }[]): Promise<number[]> {
  const runs = wishes.map(({ argv, mediaDataBoxes }) => start(argv, mediaDataBoxes));
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

function toCommands(video: readonly string[], audio: readonly string[] | null): EncodeCommands {
  const filter = optionOf(video, '-vf');
  const [, num, den] = filter.match(/fps=(\d+)\/(\d+)/) ?? [];
  const fps = Number(num) / Number(den);
  const [first = 0, second] = optionOf(video, '-force_key_frames').split(',').map(Number);
  // The times stand a quarter of a frame before their frames, but never before 0.
  const frameAt = (seconds: number): number => Math.round(seconds * fps + 0.25);
  const frames = second === undefined ? Number(optionOf(video, '-frames:v')) : frameAt(second) - frameAt(first);
  return { video, audio, frames, fps, startS: frameAt(first) / fps };
}

function plainCommand({ video, audio, frames, startS }: EncodeCommands): string[] {
  const [, scale = ''] = optionOf(video, '-vf').match(/(scale=\d+:\d+)/) ?? [];
  const same = ['-preset', '-profile:v', '-level:v', '-crf', '-maxrate', '-bufsize'].flatMap(name => [name, optionOf(video, name)]);
  const sound = audio === null ? [] : ['-map', '0:a:0', '-c:a', 'aac', '-ac', optionOf(audio, '-ac'), '-b:a', optionOf(audio, '-b:a')];
  return [
    ...['ffmpeg', '-hide_banner', '-nostdin', '-v', 'error', '-ss', String(startS), '-i', optionOf(video, '-i'), '-map', '0:v:0'],
    ...['-vf', `${scale},format=yuv420p`, '-c:v', 'libx264', ...same, '-g', String(frames), '-keyint_min', String(frames)],
    ...['-sc_threshold', '0', ...sound, '-f', 'mp4', '-movflags', 'frag_keyframe+empty_moov+default_base_moof', 'pipe:1'],
  ];
}

function optionOf(argv: readonly string[], name: string): string {
  const value = argv[argv.indexOf(name) + 1];
  if (!argv.includes(name) || value === undefined) throw new Error(`the encode has no ${name}`);
  return value;
}
