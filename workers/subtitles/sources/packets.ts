// A subtitle stream as its packets, however they were found; and the file that they make.
import { supOfPackets } from '#workers/subtitles/pictures/dvd-pictures.ts';
import { supSegments } from '#workers/subtitles/pictures/pgs.ts';
import { readIdxHeader } from '#workers/subtitles/pictures/vobsub.ts';

export type Packet = {
  readonly startMs: number;
  /** Null where the container does not say. */
  readonly endMs: number | null;
  readonly bytes: Buffer;
};

export type Packets = { readonly codecPrivate: Buffer; readonly packets: readonly Packet[] };

/** Of a line that does not say how long it stands. */
const USUAL_MS = 4_000;

type Writer = (packets: Packets, signal: AbortSignal) => Buffer | Promise<Buffer>;

/** By ffmpeg's name of the codec: what packets can be written as. */
const WRITERS: Readonly<Record<string, Writer>> = {
  subrip: writeSrt,
  ass: writeAss,
  ssa: writeAss,
  hdmv_pgs_subtitle: writePgs,
  dvd_subtitle: writeDvd,
};

export const canWrite = (codec: string): boolean => codec in WRITERS;

/** @throws where the codec has no such file: ask before; MEDIA_UNREADABLE */
export async function writePackets(codec: string, packets: Packets, signal: AbortSignal): Promise<Buffer> {
  const writer = WRITERS[codec];
  if (writer === undefined) throw new Error(`no file is known for ${codec}`);
  return writer(packets, signal);
}

function writeSrt({ packets }: Packets): Buffer {
  const lines = packets.map(({ startMs, endMs, bytes }, at) => {
    const end = endMs ?? Math.min(startMs + USUAL_MS, packets[at + 1]?.startMs ?? Number.POSITIVE_INFINITY);
    // An empty line would end the cue.
    const text = bytes
      .toString('utf8')
      .replace(/\r/g, '')
      .replace(/\n{2,}/g, '\n')
      .trim();
    return `${at + 1}\n${clock(startMs, ',', 3)} --> ${clock(end, ',', 3)}\n${text}\n`;
  });
  return Buffer.from(lines.join('\n'), 'utf8');
}

/** Matroska keeps a line without its times and with its number in the script in front. */
function writeAss({ codecPrivate, packets }: Packets): Buffer {
  const header = codecPrivate.toString('utf8').replaceAll('\0', '').trimEnd();
  const isSsa = !/^\[v4\+ styles\]/im.test(header);
  const events = /^\[events\]/im.test(header)
    ? ''
    : `\n\n[Events]\nFormat: ${isSsa ? 'Marked' : 'Layer'}, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text`;
  const lines = packets.flatMap(({ startMs, endMs, bytes }) => {
    const text = bytes.toString('utf8').replace(/\r?\n/g, '\\N');
    const [order, layer, ...rest] = text.split(',');
    if (rest.length === 0) return [];
    const end = endMs ?? startMs + USUAL_MS;
    const first = isSsa ? 'Marked=0' : (layer ?? '0');
    return [{ order: Number(order), line: `Dialogue: ${first},${clock(startMs, '.', 2)},${clock(end, '.', 2)},${rest.join(',')}` }];
  });
  const sorted = lines.toSorted((a, b) => a.order - b.order).map(({ line }) => line);
  return Buffer.from(`${header}${events}\n${sorted.join('\n')}\n`, 'utf8');
}

function writePgs({ packets }: Packets): Buffer {
  return Buffer.concat(packets.flatMap(({ startMs, bytes }) => supSegments(bytes, startMs)));
}

function writeDvd({ codecPrivate, packets }: Packets, signal: AbortSignal): Promise<Buffer> {
  return supOfPackets(packets, readIdxHeader(codecPrivate.toString('latin1')), signal);
}

/** SRT counts in thousandths, ASS in hundredths and with one digit for the hour. */
function clock(ms: number, point: string, digits: 2 | 3): string {
  const unit = digits === 3 ? 1 : 10;
  const all = Math.max(0, Math.round(ms / unit) * unit);
  const two = (value: number): string => String(value).padStart(2, '0');
  const seconds = Math.floor(all / 1000);
  const hours = Math.floor(seconds / 3600);
  const fraction = String((all % 1000) / unit).padStart(digits, '0');
  return `${digits === 3 ? two(hours) : hours}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}${point}${fraction}`;
}
