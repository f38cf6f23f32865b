// How parts of a film sound, as numbers that music is recognised by: decoded, brought to one channel and handed to Chromaprint, without a picture.
import { FerriteError } from '#domain/errors.ts';
import type { Inspections } from '#domain/inspector-protocol.ts';
import { inputArguments } from '#workers/encode/input-arguments.ts';
import { processorSeconds } from '#workers/programs/processor-seconds.ts';
import type { RunTool } from '#workers/programs/run-tool.ts';

const DEADLINE_MS = 10 * 60_000;
const MAX_OUTPUT_BYTES = 256 * 1024;
const LIMITS = { addressSpaceBytes: 2 * 1024 ** 3, cpuSeconds: 120, priority: 'background' } as const;
const RATE = 11_025;

/** @throws MEDIA_UNREADABLE where it can not be decoded, or this ffmpeg has no Chromaprint */
export async function listenTo(
  { path, streamIndex, windows }: Inspections['sound']['input'],
  runTool: RunTool,
): Promise<Inspections['sound']['output']> {
  const heard: string[] = [];
  let cpuSeconds = 0;
  for (const { startMs, durationMs } of windows) {
    const { exitCode, stdout, stderrTail } = await runTool('ffmpeg', soundArguments(path, streamIndex, startMs / 1000, durationMs / 1000), {
      deadlineMs: DEADLINE_MS,
      maxOutputBytes: MAX_OUTPUT_BYTES,
      limits: LIMITS,
    });
    if (exitCode !== 0) throw new FerriteError('MEDIA_UNREADABLE', 'the sound can not be decoded');
    cpuSeconds += processorSeconds(stderrTail);
    heard.push(stdout.toString('base64'));
  }
  return { heard, cpuSeconds };
}

/** Sound that begins late, or has a gap, is filled with silence: a number's place is its time. */
const soundArguments = (path: string, streamIndex: number, startS: number, durationS: number): string[] => [
  ...['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'info', '-benchmark', '-threads', '1'],
  ...['-ss', startS.toFixed(3), '-t', durationS.toFixed(3)],
  ...inputArguments(path),
  ...['-map', `0:${streamIndex}`, '-vn', '-sn', '-dn', '-map_chapters', '-1'],
  ...['-af', `aresample=${RATE}:async=1000:first_pts=0`, '-ac', '1', '-ar', String(RATE), '-c:a', 'pcm_s16le'],
  ...['-f', 'chromaprint', '-fp_format', 'raw', 'pipe:1'],
];
