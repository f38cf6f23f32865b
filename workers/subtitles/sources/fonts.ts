// The fonts that are attached to a film: taken out by ffmpeg, which reads nothing but the film's head and the attachments themselves.
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Media } from '#domain/media.ts';
import { inputArguments } from '#workers/encode/input-arguments.ts';
import type { RunTool } from '#workers/programs/run-tool.ts';

const MIB = 1024 ** 2;
const MAX_FONTS = 100;
const MAX_FONT_BYTES = 32 * MIB;
const MAX_ALL_BYTES = 128 * MIB;
const DEADLINE_MS = 60_000;
const NAME = /^(\d{1,3})\.font$/;

const fontFile = (at: number): string => `${at}.font`;

/** Puts them into the folder. */
export async function extractFonts(
  film: Pick<Media, 'path'>,
  folder: string,
  tools: { runTool: RunTool; signal: AbortSignal },
): Promise<void> {
  const options = {
    deadlineMs: DEADLINE_MS,
    maxOutputBytes: MIB,
    limits: { addressSpaceBytes: 1024 * MIB, cpuSeconds: 60 },
    signal: tools.signal,
  };
  const probed = await tools.runTool(
    'ffprobe',
    [
      ...['-hide_banner', '-loglevel', 'error', '-print_format', 'json', '-show_entries'],
      ...['stream=index,codec_type,codec_name:stream_tags=filename,mimetype', ...inputArguments(film.path)],
    ],
    options,
  );
  const fonts = fontsIn(probed.stdout.toString('utf8')).slice(0, MAX_FONTS);
  if (fonts.length === 0) return;
  // The exit code is no news: ffmpeg calls it an error where there is nothing to convert.
  await tools.runTool(
    'ffmpeg',
    [
      ...['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'error', '-y'],
      ...fonts.flatMap((index, at) => [`-dump_attachment:${index}`, join(folder, fontFile(at))]),
      ...inputArguments(film.path),
    ],
    options,
  );
  await removeTooLarge(folder);
}

/** Those of the folder, in the order of the film. */
export async function fontsOf(folder: string): Promise<{ path: string; byteLength: number }[]> {
  const numbers = (await readdir(folder)).flatMap(name => Number(NAME.exec(name)?.[1] ?? Number.NaN)).filter(Number.isInteger);
  const found = numbers
    .toSorted((a, b) => a - b)
    .map(async at => {
      const path = join(folder, fontFile(at));
      return { path, byteLength: (await stat(path)).size };
    });
  return Promise.all(found);
}

function fontsIn(json: string): number[] {
  const { streams = [] } = JSON.parse(json || '{}') as { streams?: ProbedStream[] };
  return streams.filter(isFont).map(({ index }) => index);
}

type ProbedStream = { index: number; codec_type?: string; codec_name?: string; tags?: { filename?: string; mimetype?: string } };

const isFont = ({ codec_type, codec_name, tags }: ProbedStream): boolean =>
  codec_type === 'attachment' &&
  (['ttf', 'otf'].includes(codec_name ?? '') ||
    /font|opentype|truetype/i.test(tags?.mimetype ?? '') ||
    /\.(?:ttf|otf|ttc|otc|woff2?)$/i.test(tags?.filename ?? ''));

async function removeTooLarge(folder: string): Promise<void> {
  let all = 0;
  for (const { path, byteLength } of await fontsOf(folder)) {
    all += byteLength;
    if (byteLength > MAX_FONT_BYTES || all > MAX_ALL_BYTES) await rm(path, { force: true });
  }
}
