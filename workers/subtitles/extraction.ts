// The text of a subtitle stream, written out by ffmpeg as a file of its own kind: it reads the film once, and decodes nothing.
import { FerriteError } from '#domain/errors.ts';
import type { Media } from '#domain/media.ts';
import { inputArguments } from '#workers/encode/input-arguments.ts';
import type { RunTool } from '#workers/programs/run-tool.ts';

const MIB = 1024 ** 2;
const MAX_TEXT_BYTES = 8 * MIB;

/** Codec → what it is written as. A copy keeps what the author wrote; the text of MP4 is no file, and becomes SRT. */
const OUTPUTS: Readonly<Record<string, readonly [codec: string, format: string]>> = {
  subrip: ['copy', 'srt'],
  ass: ['copy', 'ass'],
  ssa: ['copy', 'ass'],
  webvtt: ['copy', 'webvtt'],
};
const AS_SRT = ['srt', 'srt'] as const;

type Film = Pick<Media, 'path' | 'byteLength'>;

/** Times are those of the film's own clock. @throws MEDIA_UNREADABLE */
export async function extractText(
  film: Film,
  { streamIndex, codec }: { streamIndex: number; codec: string },
  tools: { runTool: RunTool; signal: AbortSignal },
): Promise<Buffer> {
  const [encoder, format] = OUTPUTS[codec] ?? AS_SRT;
  const { stdout, exitCode, stderrTail } = await tools.runTool(
    'ffmpeg',
    [
      ...['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'error', '-copyts'],
      ...inputArguments(film.path),
      ...['-map', `0:${streamIndex}`, '-c:s', encoder, '-avoid_negative_ts', 'disabled', '-f', format, 'pipe:1'],
    ],
    {
      // A viewer waits for it, so it is no background work. All of a large film is read where its container keeps text between pictures.
      deadlineMs: Math.min(20 * 60_000, 60_000 + Math.ceil((film.byteLength * 1000) / (10 * MIB))),
      maxOutputBytes: MAX_TEXT_BYTES,
      limits: { addressSpaceBytes: 1024 * MIB, cpuSeconds: Math.min(5 * 60, 10 + Math.ceil(film.byteLength / (50 * MIB))) },
      signal: tools.signal,
    },
  );
  if (exitCode !== 0) throw new FerriteError('MEDIA_UNREADABLE', 'the subtitles can not be read', { cause: new Error(stderrTail) });
  return stdout;
}
