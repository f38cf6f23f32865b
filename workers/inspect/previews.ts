// A film's small pictures, in one run of ffmpeg: tiles for a seek bar, and a rendition of keyframes for players that wind. Of the film only the
// keyframes that are shown are read, where its container has an index of ours; else ffmpeg reads it, and decodes nothing but keyframes.
import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tileFile } from '#domain/addresses.ts';
import { FerriteError } from '#domain/errors.ts';
import type { Inspections, PreviewFrames, StillPicture } from '#domain/inspector-protocol.ts';
import { boundaryAt } from '#domain/plan.ts';
import {
  PREVIEW_FORMAT,
  PREVIEW_INDEX,
  PREVIEW_SEGMENTS,
  type PreviewFrame,
  type PreviewIndex,
  type PreviewPlan,
  previewGrid,
} from '#domain/trick-play/previews.ts';
import { initSegment, movieFragmentOf } from '#workers/bmff/boxes.ts';
import { FragmentReader } from '#workers/bmff/fragments.ts';
import { inputArguments } from '#workers/encode/input-arguments.ts';
import { pour } from '#workers/encode/pour.ts';
import type { RunTool, RunToolOptions } from '#workers/programs/run-tool.ts';
import type { RemuxSource } from '#workers/remux/source.ts';
import { jpegFilters, PLAIN_STILL, stillFilters } from './still-filters.ts';

export type PreviewTools = {
  readonly runTool: RunTool;
  readonly openRemuxSource: (path: string) => Promise<RemuxSource | null>;
};

/** It stands still while viewers wait. */
const DEADLINE_MS = 10 * 60_000;
/** Of noise, all pictures as keyframes. */
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
/** Frames of 8K take a gigabyte. Some hundred keyframes of a film without an index, all of which is read for them, take a minute or two. */
const LIMITS = { addressSpaceBytes: 2 * 1024 ** 3, cpuSeconds: 300, priority: 'background' } as const;

/** Throws MEDIA_UNREADABLE when no picture can be decoded, MEDIA_CHANGED, INSPECTION_DEFERRED. */
export async function makePreviews(
  { path, folder, plan, frames, still = PLAIN_STILL }: Inspections['previews']['input'],
  tools: PreviewTools,
): Promise<Inspections['previews']['output']> {
  const source = frames.by === 'index' ? await tools.openRemuxSource(path) : null;
  try {
    const stdout = await decode(path, { folder, plan, frames, still }, source, tools);
    const { bytes, ends } = segmentsOf(stdout, plan);
    for (let tile = 0; tile < plan.tileCount; tile++) await requireTile(join(folder, tileFile(tile)));
    await writeFile(join(folder, PREVIEW_SEGMENTS), bytes, { mode: 0o600 });
    const byteLength = await byteLengthOf(folder);
    const index: PreviewIndex = { format: PREVIEW_FORMAT, ends, byteLength };
    await writeFile(join(folder, PREVIEW_INDEX), JSON.stringify(index), { mode: 0o600 });
    return { byteLength };
  } finally {
    await source?.close();
  }
}

type Wanted = Pick<Inspections['previews']['input'], 'folder' | 'plan' | 'frames'> & { readonly still: StillPicture };

async function decode(
  path: string,
  { folder, plan, frames, still }: Wanted,
  source: RemuxSource | null,
  { runTool }: PreviewTools,
): Promise<Buffer> {
  const options: RunToolOptions = { deadlineMs: DEADLINE_MS, maxOutputBytes: MAX_OUTPUT_BYTES, limits: LIMITS };
  const fed = source !== null && frames.by === 'index' ? fedBy(source, frames.frames) : null;
  const input = fed
    ? ['-protocol_whitelist', 'pipe', '-f', 'mov', '-i', 'pipe:0']
    : ['-skip_frame', 'nokey', ...startOf(frames), ...inputArguments(path)];
  const args = [
    // One thread: pictures are made while people watch. A broken picture is better than the one before it.
    ...['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'warning', '-threads', '1', '-flags', '+output_corrupt'],
    ...(still.part ? [] : ['-reinit_filter', '0']),
    ...input,
    ...['-filter_complex', graphOf(plan, still, fed ? '0:0' : '0:V:0'), '-filter_complex_threads', '1'],
    ...['-map', '[tiles]', '-fps_mode', 'passthrough', '-c:v', 'mjpeg', '-threads', '1', '-q:v', '5', '-f', 'image2', '-start_number', '0'],
    // What stands for a number in a pattern may be in the name of a folder.
    `file:${join(folder.replaceAll('%', '%%'), '%d.jpg')}`,
    ...[
      '-map',
      '[iframes]',
      '-c:v',
      'libx264',
      '-threads',
      '1',
      '-preset',
      'veryfast',
      '-profile:v',
      'high',
      '-level:v',
      '2.1',
      '-crf',
      '28',
    ],
    ...['-g', '1', '-bf', '0', '-pix_fmt', 'yuv420p', '-map_metadata', '-1', '-fflags', '+bitexact', '-flags', '+bitexact'],
    ...['-f', 'mp4', '-movflags', '+empty_moov+default_base_moof+frag_every_frame', 'pipe:1'],
  ];
  const result = await runTool('ffmpeg', args, fed ? { ...options, feed: child => pour(fed.header, fed.fragments, child) } : options);
  if (result.exitCode !== 0) throw new FerriteError('MEDIA_UNREADABLE', 'no small pictures can be made of the film');
  return result.stdout;
}

/** Media time 0 is 0. */
const startOf = (frames: PreviewFrames): string[] => (frames.by === 'ffmpeg' ? ['-itsoffset', (-frames.startS).toFixed(6)] : []);

/** At equal distances from media time 0: the last keyframe goes on where the next is far, and to the end of the film. */
function graphOf({ intervalMs, count, width, height, columns, rows }: PreviewPlan, still: StillPicture, input: string): string {
  const filters = [
    ...stillFilters(width, height, still),
    // Without `pass` the last keyframe is left out: at the end of its input the filter knows nothing of how long it lasts.
    `fps=1000/${intervalMs}:start_time=0:round=near:eof_action=pass`,
    'tpad=stop=-1:stop_mode=clone',
    `trim=end_frame=${count}`,
    'split[a][iframes]',
  ];
  return `[${input}]${filters.join(',')};[a]${jpegFilters(still).join(',')},tile=${columns}x${rows}[tiles]`;
}

/** The keyframes alone as fragmented MP4, each at the time of the first picture that shows it. */
function fedBy(source: RemuxSource, frames: readonly PreviewFrame[]): { header: Buffer; fragments: AsyncIterable<Buffer> } {
  const { timescale } = source.video;
  const ticksOf = ({ atMs }: PreviewFrame): number => Math.round((atMs * timescale) / 1000);
  async function* fragments(): AsyncGenerator<Buffer> {
    for (const [at, frame] of frames.entries()) {
      const decodeTime = ticksOf(frame);
      const next = frames[at + 1];
      const duration = next ? ticksOf(next) - decodeTime : timescale;
      yield movieFragmentOf(await source.keyframe(frame.pts), { sequenceNumber: at + 1, decodeTime, duration });
    }
  }
  return { header: source.initSegment(source.videoIndex, 1), fragments: fragments() };
}

/** What the encoder wrote, as segments on the plan's times. */
function segmentsOf(stdout: Buffer, plan: PreviewPlan): { bytes: Buffer; ends: number[] } {
  const { width, height } = plan;
  const grid = previewGrid(plan);
  const parts: Buffer[] = [];
  const reader = new FragmentReader({
    onHeader: ({ sampleEntry }) =>
      parts.push(initSegment({ kind: 'video', timescale: grid.timescale, sampleEntry, width, height, language: 'und' })),
    onSample: ({ bytes }) => {
      const index = parts.length - 1;
      if (index >= plan.count) return;
      const decodeTime = boundaryAt(grid, index);
      parts.push(movieFragmentOf(bytes, { sequenceNumber: index + 1, decodeTime, duration: boundaryAt(grid, index + 1) - decodeTime }));
    },
  });
  reader.push(stdout);
  reader.end();
  if (parts.length !== plan.count + 1) throw new FerriteError('MEDIA_UNREADABLE', 'no picture of the film can be decoded');
  let end = 0;
  return { bytes: Buffer.concat(parts), ends: parts.map(part => (end += part.byteLength)) };
}

async function requireTile(path: string): Promise<void> {
  const facts = await stat(path).catch(() => null);
  if (facts === null || facts.size === 0) throw new FerriteError('MEDIA_UNREADABLE', 'no picture of the film can be decoded');
}

async function byteLengthOf(folder: string): Promise<number> {
  const names = await readdir(folder);
  const sizes = await Promise.all(names.map(async name => (await stat(join(folder, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
