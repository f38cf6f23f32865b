// A subtitle stream as a file of its own kind, written out by ffmpeg: it reads the film once, and decodes nothing.
import { FerriteError } from '#domain/errors.ts';
import type { Media, MendedClock } from '#domain/media.ts';
import { inputArguments } from '#workers/encode/input-arguments.ts';
import { pour } from '#workers/encode/pour.ts';
import { mendedBytes } from '#workers/mended/mended-film.ts';
import type { RunTool } from '#workers/programs/run-tool.ts';
import { packetsOf } from './matroska-packets.ts';
import { writePackets } from './packets.ts';

const MIB = 1024 ** 2;
const MAX_TEXT_BYTES = 8 * MIB;
const MAX_PICTURE_BYTES = 128 * MIB;

type Output = {
  readonly encoder: string;
  readonly format: string;
  readonly maxBytes: number;
  /** Options of the input. */
  readonly input?: readonly string[];
  /** What is written is a container, whose packets make the file. */
  readonly isWrapped?: true;
  /** Of a transport stream that begins at 0 and of which nothing but its subtitles is read, ffmpeg 5.1 moves the first to 0, `-copyts` or not. */
  readonly needsPicture?: true;
};

const text = (encoder: string, format: string): Output => ({ encoder, format, maxBytes: MAX_TEXT_BYTES });

/** Codec → what it is written as. A copy keeps what the author wrote; the text of MP4 and teletext are no files, and become SRT. */
const OUTPUTS: Readonly<Record<string, Output>> = {
  subrip: text('copy', 'srt'),
  ass: text('copy', 'ass'),
  ssa: text('copy', 'ass'),
  webvtt: text('copy', 'webvtt'),
  dvb_teletext: { ...text('srt', 'srt'), input: ['-txt_format', 'text', '-txt_page', 'subtitle', '-fix_sub_duration'], needsPicture: true },
  hdmv_pgs_subtitle: { encoder: 'copy', format: 'sup', maxBytes: MAX_PICTURE_BYTES },
  dvd_subtitle: { encoder: 'copy', format: 'matroska', maxBytes: MAX_PICTURE_BYTES, isWrapped: true },
  dvb_subtitle: { encoder: 'copy', format: 'matroska', maxBytes: MAX_PICTURE_BYTES },
};
const AS_SRT = text('srt', 'srt');

type Film = Pick<Media, 'path' | 'byteLength' | 'mtimeMs'> & { readonly mended?: MendedClock | undefined };

/** Times are those of the film's own clock. @throws MEDIA_UNREADABLE */
export async function extractStream(
  film: Film,
  { streamIndex, codec }: { streamIndex: number; codec: string },
  tools: { runTool: RunTool; signal: AbortSignal },
): Promise<Buffer> {
  const { encoder, format, maxBytes, input = [], isWrapped, needsPicture } = OUTPUTS[codec] ?? AS_SRT;
  // Where the film's clock jumps, its subtitles are read as its pictures are.
  const { mended } = film;
  const { stdout, exitCode, stderrTail } = await tools.runTool(
    'ffmpeg',
    [
      ...['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'error', '-copyts', ...input],
      ...(mended ? ['-protocol_whitelist', 'pipe', '-f', mended.format, '-i', 'pipe:0'] : inputArguments(film.path)),
      ...[
        '-map',
        mended ? `0:i:${idIn(mended, streamIndex)}` : `0:${streamIndex}`,
        '-c:s',
        encoder,
        '-avoid_negative_ts',
        'disabled',
        '-f',
        format,
        'pipe:1',
      ],
      ...(needsPicture ? ['-map', '0:v:0', '-c', 'copy', '-f', 'null', '-'] : []),
    ],
    {
      // A viewer waits for it, so it is no background work. All of a large film is read where its container keeps text between pictures.
      deadlineMs: Math.min(20 * 60_000, 60_000 + Math.ceil((film.byteLength * 1000) / (10 * MIB))),
      maxOutputBytes: maxBytes,
      limits: { addressSpaceBytes: 1024 * MIB, cpuSeconds: Math.min(5 * 60, 10 + Math.ceil(film.byteLength / (50 * MIB))) },
      signal: tools.signal,
      ...(mended && { feed: program => pour(Buffer.alloc(0), mendedBytes(film, mended, 0), program) }),
    },
  );
  if (exitCode !== 0) throw new FerriteError('MEDIA_UNREADABLE', 'the subtitles can not be read', { cause: new Error(stderrTail) });
  return isWrapped ? writePackets(codec, packetsOf(stdout), tools.signal) : stdout;
}

function idIn({ tracks }: MendedClock, streamIndex: number): number {
  const track = tracks.find(one => one.streamIndex === streamIndex);
  if (!track) throw new FerriteError('MEDIA_UNREADABLE', 'the subtitles have no name in the film');
  return track.id;
}
