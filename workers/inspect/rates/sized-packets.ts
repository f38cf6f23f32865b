// The sizes of a film's packets as ffprobe tells them, for containers that no reader of ours opens: read once from start to end, never decoded.
import { stat } from 'node:fs/promises';
import { FerriteError } from '#domain/errors.ts';
import type { Inspections } from '#domain/inspector-protocol.ts';
import type { MendedClock } from '#domain/media.ts';
import { inputArguments } from '#workers/encode/input-arguments.ts';
import { packetBounds } from '#workers/inspect/inspect.ts';
import type { RunTool } from '#workers/programs/run-tool.ts';
import type { SizedPacket } from '#workers/remux/source.ts';

const ARGUMENTS = ['-v', 'error', '-show_entries', 'packet=stream_index,pts_time,dts_time,size,pos:format=format_name', '-of', 'csv=p=0'];

/** In front of each frame of AAC in a transport stream (ISO/IEC 13818-7, 6.2): a copy has it once, in its header. */
const ADTS_BYTES = 7;

const MENDED_TICKS = 90_000;
/** Handed out together. */
const LINES = 4096;

/** @throws MEDIA_UNREADABLE */
export async function* sizedPackets(
  { path, streams, keyframes: { mended } }: Inspections['rates']['input'],
  runTool: RunTool,
): AsyncGenerator<readonly SizedPacket[]> {
  const { size } = await stat(path).catch((cause: unknown) => {
    throw new FerriteError('MEDIA_UNREADABLE', 'the file can not be opened', { cause });
  });
  const { stdout, exitCode } = await runTool('ffprobe', [...ARGUMENTS, ...inputArguments(path)], packetBounds(size));
  if (exitCode !== 0) throw new FerriteError('MEDIA_UNREADABLE', 'the packets of the file can not be listed');
  // The line of the format comes last.
  const format = stdout
    .toString('latin1', Math.max(0, stdout.byteLength - 64))
    .trim()
    .split('\n')
    .at(-1);
  const framed = new Set(format === 'mpegts' ? streams.audio.filter(({ codec }) => codec === 'aac').map(({ index }) => index) : []);
  let packets: SizedPacket[] = [];
  for (let at = 0; at < stdout.byteLength; ) {
    const newline = stdout.indexOf(0x0a, at);
    const end = newline === -1 ? stdout.byteLength : newline;
    const packet = packetOf(stdout.toString('latin1', at, end).split(','), mended);
    if (packet) packets.push(framed.has(packet.streamIndex) ? { ...packet, byteLength: packet.byteLength - ADTS_BYTES } : packet);
    at = end + 1;
    if (packets.length === LINES) {
      yield packets;
      packets = [];
    }
  }
  yield packets;
}

/** Null: no packet with a time. Side data adds fields and blank lines, which are passed over. */
function packetOf([stream, pts, dts, size, position]: readonly string[], mended: MendedClock | undefined): SizedPacket | null {
  if (position === undefined) return null;
  // AVI has no presentation times.
  const told = Number.isNaN(Number(pts)) ? Number(dts) : Number(pts);
  const streamIndex = Number(stream);
  const atS = told + (mended ? addedTicks(mended, streamIndex, Number(position)) / MENDED_TICKS : 0);
  return Number.isFinite(atS) ? { streamIndex, atS, byteLength: Number(size) || 0, frames: 1 } : null;
}

const addedTicks = ({ tracks }: MendedClock, streamIndex: number, position: number): number =>
  tracks.find(track => track.streamIndex === streamIndex)?.changes.findLast(change => change.position <= position)?.offset ?? 0;
