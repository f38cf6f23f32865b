// What this machine's ffmpeg can do: which encoders it has, and how much encoding it does in a second of processor time.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BT709, type EncodeColour } from '#domain/colour/encode-colour.ts';
import { frameWork } from '#domain/delivery/encode-work.ts';
import { FerriteError } from '#domain/errors.ts';
import { colourFilters, scaleFilter } from '#workers/encoders/colour-filters.ts';
import { processorSeconds } from '#workers/programs/processor-seconds.ts';
import type { RunTool } from '#workers/programs/run-tool.ts';

const FRAMES = 48;
const MADE = { width: 1280, height: 720 };
const FROM = { width: 1920, height: 1080 };
/** The best of these counts: what else the machine does can only make one slower. */
const RUNS = 3;
const LIMITS = { deadlineMs: 30_000, maxOutputBytes: 64 * 1024 };
const LIST_LIMITS = { deadlineMs: 10_000, maxOutputBytes: 1024 * 1024 };

// Moving shapes with some grain: a picture without it is done far too fast, one of pure noise far too slowly.
const SOURCE = `testsrc2=s=${FROM.width}x${FROM.height}:r=24:d=${FRAMES / 24},noise=alls=6:allf=t`;

/**
 * Decodes 1080p, scales and encodes 720p as all of a rung but its first seconds is. Processor time, not the clock: what others do at the same time does not count.
 * @throws ENCODE_FAILED when ffmpeg can not do it
 */
export async function measureSpeed(runTool: RunTool, signal: AbortSignal): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'ferrite-speed-'));
  const clip = join(folder, 'clip.mp4');
  const run = async (args: readonly string[]): Promise<string> => {
    const { exitCode, stderrTail } = await runTool('ffmpeg', ['-hide_banner', '-nostdin', '-nostats', ...args], { ...LIMITS, signal });
    if (exitCode !== 0) throw new FerriteError('ENCODE_FAILED', 'the transcoder can not make its test film');
    return stderrTail;
  };
  try {
    await run(['-f', 'lavfi', '-i', SOURCE, '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-y', clip]);
    let bestS = Number.POSITIVE_INFINITY;
    for (let attempt = 0; attempt < RUNS; attempt++) {
      const told = processorSeconds(
        await run([
          ...['-benchmark', '-i', clip, '-an', '-vf', `scale=${MADE.width}:${MADE.height}:flags=bicubic,format=yuv420p`],
          ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '23', '-maxrate', '2800000', '-bufsize', '2800000', '-f', 'null', '-'],
        ]),
      );
      if (told === 0) throw new FerriteError('ENCODE_FAILED', 'the transcoder did not tell what its test took');
      bestS = Math.min(bestS, told);
    }
    return Math.round((frameWork(MADE, FROM) * FRAMES) / bestS);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const HDR_GREY: EncodeColour = { from: { primaries: 'bt2020', transfer: 'smpte2084', matrix: 'bt2020nc' }, to: BT709, peakNits: 1_000 };
/** Half of PQ's numbers are 94 candela a square metre, which a plain screen shows as 0.71 of its signal: 171. Unconverted it would be 126. */
const GREY_FOUND = { least: 165, most: 177 };

/** Whether this ffmpeg brings high dynamic range down to a plain screen: tried on a grey that is known, for a filter that is there is no proof. */
export async function canConvertColours(runTool: RunTool, signal: AbortSignal): Promise<boolean> {
  const size = { width: 64, height: 64 };
  const grey = `color=c=0x808080:s=${size.width}x${size.height}:r=1:d=1,format=yuv420p10le`;
  const filters = [scaleFilter(size, 'bicubic', HDR_GREY), ...colourFilters(HDR_GREY)].join(',');
  const args = [
    '-hide_banner',
    '-nostdin',
    '-v',
    'error',
    '-f',
    'lavfi',
    '-i',
    grey,
    '-vf',
    filters,
    '-frames:v',
    '1',
    '-f',
    'rawvideo',
    'pipe:1',
  ];
  const { exitCode, stdout } = await runTool('ffmpeg', args, { ...LIST_LIMITS, signal }).catch(() => ({
    exitCode: null,
    stdout: Buffer.alloc(0),
  }));
  const luma = stdout[0] ?? 0;
  return exitCode === 0 && luma >= GREY_FOUND.least && luma <= GREY_FOUND.most;
}

/** The names of what it can encode to; empty when it can not be asked. */
export async function listEncoders(runTool: RunTool, signal: AbortSignal): Promise<string[]> {
  const { stdout } = await runTool('ffmpeg', ['-hide_banner', '-encoders'], { ...LIST_LIMITS, signal }).catch(() => ({ stdout: '' }));
  // After the legend: ` V....D libx264              libx264 H.264 …`
  return [...stdout.toString().matchAll(/^ [VAS][.A-Z]{5} ([\w-]+)/gm)].flatMap(([, name]) =>
    name === undefined || name === '=' ? [] : [name],
  );
}
