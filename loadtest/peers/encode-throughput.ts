// ffmpeg by itself, several at once: how many seconds of stream they encode together with the settings that the product uses.
import { type ChildProcess, spawn } from 'node:child_process';
import { nowMs } from '../client/http-client.ts';
import { stopChild } from '../machine/processes.ts';
import { filtersOf } from './bare-ffmpeg.ts';
import { BoxCounter } from './box-counter.ts';

/** So much of the stream was complete at that time. */
export type Finished = { readonly atMs: number; readonly streamS: number };

/** Stream seconds per second, between the first and the last: free of where the window happens to cut. */
export function rateOf(finished: readonly Finished[]): number {
  const [first] = finished;
  const last = finished.at(-1);
  if (!first || !last || first === last) throw new Error('the encode finished too little to be measured; measure for longer');
  return (last.streamS - first.streamS) / ((last.atMs - first.atMs) / 1000);
}

/** What an encode of the product was told that decides how much work it is. */
export type EncodeSettings = {
  readonly scale: string;
  readonly options: readonly string[];
  readonly gopFrames: number;
  readonly gopS: number;
};

// Whatever else stands there is about where the run begins and how it is cut.
const WORK_OPTIONS = [
  '-preset',
  '-profile:v',
  '-level:v',
  '-crf',
  '-maxrate',
  '-bufsize',
  '-tune',
  '-x264-params',
  '-x264opts',
  '-threads',
];

/** @param gopS how long a segment is */
export function encodeSettingsOf(argv: readonly string[], gopS: number): EncodeSettings {
  const filter = filtersOf(argv);
  const [, scale] = filter.match(/(scale=\d+:\d+)/) ?? [];
  const [, num, den] = filter.match(/fps=(?:fps=)?(\d+)\/(\d+)/) ?? [];
  if (scale === undefined || num === undefined) throw new Error('the encode does not say its size and rate');
  // Of two encoders, the one that makes all but the first seconds.
  const encoder = argv.slice(argv.lastIndexOf('-c:v'));
  const options = WORK_OPTIONS.flatMap(name => (encoder.includes(name) ? [name, encoder[encoder.indexOf(name) + 1] ?? ''] : []));
  return { scale, options, gopFrames: Math.round((gopS * Number(num)) / Number(den)), gopS };
}

/** Stream seconds per second of all together, from when each has got going. */
export async function bareThroughput(
  film: string,
  { scale, options, gopFrames, gopS }: EncodeSettings,
  { positionsMs, warmUpMs, measureMs }: { positionsMs: readonly number[]; warmUpMs: number; measureMs: number },
): Promise<number> {
  const startedMs = nowMs();
  const finished = positionsMs.map((): Finished[] => []);
  const children = positionsMs.map((positionMs, at) => {
    const child = spawn('ffmpeg', [
      ...['-hide_banner', '-nostdin', '-v', 'error', '-ss', String(positionMs / 1000), '-i', film, '-map', '0:v:0', '-an'],
      ...['-vf', `${scale},format=yuv420p`, '-c:v', 'libx264', ...options, '-g', String(gopFrames), '-keyint_min', String(gopFrames)],
      ...['-sc_threshold', '0', '-f', 'mp4', '-movflags', 'frag_keyframe+empty_moov+default_base_moof', 'pipe:1'],
    ]);
    const counter = new BoxCounter(gops => {
      const atMs = nowMs() - startedMs;
      if (atMs >= warmUpMs) finished[at]?.push({ atMs, streamS: gops * gopS });
    });
    child.stdout.on('data', (chunk: Buffer) => counter.push(chunk));
    child.stderr.resume();
    return child;
  });
  try {
    await ended(children, warmUpMs + measureMs);
    return finished.reduce((sum, one) => sum + rateOf(one), 0);
  } finally {
    await Promise.all(children.map(child => stopChild(child, 'SIGKILL')));
  }
}

/** Resolves when the time is up. @throws when one ends sooner */
function ended(children: readonly ChildProcess[], afterMs: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, afterMs);
  for (const child of children) {
    child.once('error', reject);
    child.once('exit', code => reject(new Error(`ffmpeg ended with ${code} while it was measured`)));
  }
  return promise.finally(() => clearTimeout(timer));
}
