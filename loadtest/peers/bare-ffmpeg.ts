// ffmpeg by itself: the commands that the product runs, and the plain command that a person would write for the same segment.
import { type ChildProcess, spawn } from 'node:child_process';
import { nowMs } from '../http-client.ts';
import { descendants, stopChild } from '../processes.ts';
import { BoxCounter } from './box-counter.ts';

const DEADLINE_MS = 120_000;

/** What a running video encode of the product was told. */
export type EncodeCommand = {
  readonly argv: readonly string[];
  /** Frames of the first segment. */
  readonly frames: number;
  readonly startS: number;
};

/** One process, from its start to the last byte of what is waited for. */
type BareRun = { readonly completeMs: Promise<number>; readonly child: ChildProcess };

/** The video encodes that run below the server at this moment. */
export function runningEncodes(serverPid: number): EncodeCommand[] {
  return descendants(serverPid)
    .filter(({ argv }) => argv.includes('libx264'))
    .map(({ argv }) => toCommand(argv));
}

/** The same command lines all at once, each to its first complete segment; milliseconds of each. */
export function runSameCommands(commands: readonly EncodeCommand[]): Promise<number[]> {
  // A fragment a frame: the segment is complete with its last frame's.
  return runAll(commands.map(({ argv, frames }) => ({ argv, mediaDataBoxes: frames })));
}

/** `ffmpeg -ss` on the file with the same encoder settings, to its first complete fragment of as many frames. */
export function runPlainCommands(commands: readonly EncodeCommand[]): Promise<number[]> {
  return runAll(commands.map(command => ({ argv: plainCommand(command), mediaDataBoxes: 1 })));
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

function toCommand(argv: readonly string[]): EncodeCommand {
  const filter = valueOf(argv, '-vf');
  const [, num, den] = filter.match(/fps=(\d+)\/(\d+)/) ?? [];
  const fps = Number(num) / Number(den);
  const [first = 0, second] = valueOf(argv, '-force_key_frames').split(',').map(Number);
  // The times stand a quarter of a frame before their frames, but never before 0.
  const frameAt = (seconds: number): number => Math.round(seconds * fps + 0.25);
  const frames = second === undefined ? Number(valueOf(argv, '-frames:v')) : frameAt(second) - frameAt(first);
  return { argv, frames, startS: frameAt(first) / fps };
}

function plainCommand({ argv, frames, startS }: EncodeCommand): string[] {
  const [, scale = ''] = valueOf(argv, '-vf').match(/(scale=\d+:\d+)/) ?? [];
  const same = ['-preset', '-profile:v', '-level:v', '-crf', '-maxrate', '-bufsize'].flatMap(name => [name, valueOf(argv, name)]);
  return [
    ...['ffmpeg', '-hide_banner', '-nostdin', '-v', 'error', '-ss', String(startS), '-i', valueOf(argv, '-i'), '-map', '0:v:0'],
    ...['-vf', `${scale},format=yuv420p`, '-c:v', 'libx264', ...same, '-g', String(frames), '-keyint_min', String(frames)],
    ...['-sc_threshold', '0', '-f', 'mp4', '-movflags', 'frag_keyframe+empty_moov+default_base_moof', 'pipe:1'],
  ];
}

function valueOf(argv: readonly string[], name: string): string {
  const value = argv[argv.indexOf(name) + 1];
  if (!argv.includes(name) || value === undefined) throw new Error(`the encode has no ${name}`);
  return value;
}
