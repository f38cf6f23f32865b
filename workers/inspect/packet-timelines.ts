// Keyframe map from packets, for containers without a usable index: read once from start to end, never decoded.
import type { AudioStream, AudioTimeline, MendedClock, Rational, VideoStream, VideoTimeline } from '#domain/media.ts';
import { JumpingClock } from '#workers/mended/jumping-clock.ts';

const PEAK_INTERVAL_S = 2;

/** One stream's packets in file order, in ticks of its time base. */
class PacketList {
  /** Packets that have a decode time alone. */
  unshownCount = 0;
  /** Of those, the decode time. */
  readonly pts: number[] = [];
  readonly isUnshown: boolean[] = [];
  /** What has to be added to each time, while it is not known whether that clock jumps. */
  readonly offset: number[] = [];
  readonly duration: number[] = [];
  readonly byteLength: number[] = [];
  readonly isKey: boolean[] = [];
}

export type Packets = ReadonlyMap<number, PacketList>;

/** What a container with a clock that may jump calls its streams; `pictures`: those among them that are no sound. */
export type SystemStreams = {
  readonly format: MendedClock['format'];
  readonly ids: ReadonlyMap<number, number>;
  /** Those of subtitles, which have the clock of the picture. */
  readonly texts: ReadonlyMap<number, number>;
  readonly pictures: readonly number[];
};

export type ReadPackets = { readonly packets: Packets; readonly mended: MendedClock | null };

/** ffprobe's arguments to write what `parsePackets` reads. */
export const PACKET_ARGUMENTS: readonly string[] = [
  '-v',
  'error',
  '-show_entries',
  'packet=stream_index,pts,dts,duration,size,pos,flags',
  '-of',
  'csv=p=0',
];

/**
 * Lines of `stream_index,pts,dts,duration,size,pos,flags`; side data adds fields and blank lines, which are passed over. `system`: of a
 * container whose clock may jump, which is then made continuous.
 */
export function parsePackets(csv: Buffer, system: SystemStreams | null = null): ReadPackets {
  const streams = new Map<number, PacketList>();
  const clock = system && new JumpingClock(system.pictures);
  for (let at = 0; at < csv.byteLength; ) {
    const newline = csv.indexOf(0x0a, at);
    const end = newline === -1 ? csv.byteLength : newline;
    addPacket(streams, clock && system.ids, csv.toString('latin1', at, end).split(','), clock);
    at = end + 1;
  }
  const mended = (clock && system && clock.mended(system.format, system)) || null;
  for (const list of streams.values()) {
    if (clock && mended) for (const [at, offset] of list.offset.entries()) list.pts[at] = (list.pts[at] ?? 0) + offset + clock.shift;
    list.offset.length = 0;
  }
  return { packets: streams, mended };
}

function addPacket(
  streams: Map<number, PacketList>,
  known: ReadonlyMap<number, number> | null,
  fields: readonly string[],
  clock: JumpingClock | null,
): void {
  const [streamIndex, pts, dts, duration, byteLength, position, flags] = fields;
  if (flags === undefined) return;
  const index = Number(streamIndex);
  const isKey = flags.startsWith('K');
  const times = { pts: Number(pts), dts: Number(dts), duration: Number(duration) || 0, position: Number(position) };
  const offset = clock && known?.has(index) ? clock.offsetOf(index, { ...times, isKeyPicture: isKey }) : 0;
  // AVI has no presentation times: there, decoding order is all that is known.
  const time = Number.isNaN(times.pts) ? times.dts : times.pts;
  if (!Number.isFinite(time)) return;
  const list = streams.get(index) ?? new PacketList();
  streams.set(index, list);
  if (pts === 'N/A') list.unshownCount++;
  list.isUnshown.push(pts === 'N/A');
  list.pts.push(time);
  if (clock) list.offset.push(offset);
  list.duration.push(times.duration);
  list.byteLength.push(Number(byteLength) || 0);
  list.isKey.push(isKey);
}

/** A few in the middle of a stream are those that a cut has torn apart. */
export function lacksPresentationTimes(packets: Packets, streamIndex: number): boolean {
  const list = packets.get(streamIndex);
  return list !== undefined && list.unshownCount * 2 > list.pts.length;
}

/** Null when there is no keyframe. */
export function videoTimeline(
  packets: Packets,
  { index, frameRate, reorderFrames }: Pick<VideoStream, 'index' | 'frameRate' | 'reorderFrames'>,
  timeBase: Rational,
): VideoTimeline | null {
  const found = packets.get(index);
  if (found === undefined) return null;
  const exactTicks = (frameRate.den * timeBase.den) / (frameRate.num * timeBase.num);
  const list = asDecoded(found, Math.round(reorderFrames * exactTicks));
  const { keyframes, hasLeadingPictures } = findKeyframes(list);
  if (keyframes.length === 0) return null;
  const frameTicks = Math.max(1, Math.round(exactTicks));
  return {
    timescale: timeBase.den,
    originPts: (keyframes[0] ?? 0) * timeBase.num,
    firstShownPts: (keyframes[0] ?? 0) * timeBase.num,
    keyframes: keyframes.map(pts => pts * timeBase.num),
    endPts: endOf(list, frameTicks) * timeBase.num,
    hasLeadingPictures,
    peakBitrateBps: peakBitrate(list, timeBase),
  };
}

/** Null when the track has no packet at all. */
export function audioTimeline(packets: Packets, stream: AudioStream, timeBase: Rational): AudioTimeline | null {
  const list = packets.get(stream.index);
  const first = list?.pts[0];
  if (list === undefined || first === undefined || stream.sampleRate === 0) return null;
  const toSamples = (ticks: number) => Math.round((ticks * timeBase.num * stream.sampleRate) / timeBase.den);
  const frameDuration = constantFrameDuration(list, stream, toSamples);
  const firstPts = toSamples(first);
  const endPts = frameDuration === null ? toSamples(endOf(list, 0)) : firstPts + list.pts.length * frameDuration;
  return { index: stream.index, timescale: stream.sampleRate, firstPts, frameDuration, endPts };
}

type Times = Pick<PacketList, 'pts' | 'duration' | 'byteLength' | 'isKey'>;

/**
 * In a container without presentation times a picture stands where ffmpeg's decoder gives it out: as much later as it holds pictures back to
 * reorder them. Where the first keyframe has one, pictures without are those that a cut has torn apart.
 */
function asDecoded({ pts, isUnshown, duration, byteLength, isKey }: PacketList, delayTicks: number): Times {
  if (!isUnshown[isKey.indexOf(true)]) return { pts, duration, byteLength, isKey };
  return { pts: pts.map((time, at) => (isUnshown[at] ? time + delayTicks : time)), duration, byteLength, isKey };
}

function findKeyframes({ pts, isKey }: Times): { keyframes: number[]; hasLeadingPictures: boolean } {
  const keyframes: number[] = [];
  let hasLeadingPictures = false;
  pts.forEach((time, at) => {
    const last = keyframes.at(-1);
    // A clock that jumps back can't be planned with: what follows belongs to the last good keyframe.
    if (isKey[at] && (last === undefined || time > last)) keyframes.push(time);
    else if (last !== undefined && time < last) hasLeadingPictures = true;
  });
  return { keyframes, hasLeadingPictures };
}

function endOf({ pts, duration }: Times, unknownDuration: number): number {
  return pts.reduce((end, time, at) => Math.max(end, time + (duration[at] || unknownDuration)), Number.NEGATIVE_INFINITY);
}

function peakBitrate({ pts, byteLength }: Times, timeBase: Rational): number {
  const intervalTicks = (PEAK_INTERVAL_S * timeBase.den) / timeBase.num;
  let [oldest, sum, peak] = [0, 0, 0];
  for (let at = 0; at < pts.length; at++) {
    sum += byteLength[at] ?? 0;
    // Reordering moves a PTS by a few frames at most: close enough for an interval of two seconds.
    while (oldest < at && (pts[at] ?? 0) - (pts[oldest] ?? 0) >= intervalTicks) sum -= byteLength[oldest++] ?? 0;
    peak = Math.max(peak, sum);
  }
  return Math.round((peak * 8) / PEAK_INTERVAL_S);
}

/** Samples per frame, if every frame lies where frames of that length would: containers round their times, gaps do not round. */
function constantFrameDuration({ pts, duration }: PacketList, stream: AudioStream, toSamples: (ticks: number) => number): number | null {
  const nominal = nominalFrameDuration(stream, toSamples(duration[0] ?? 0));
  if (nominal === null) return null;
  const firstPts = toSamples(pts[0] ?? 0);
  const isOnGrid = pts.every((time, at) => Math.abs(toSamples(time) - firstPts - at * nominal) <= nominal / 2);
  return isOnGrid ? nominal : null;
}

function nominalFrameDuration({ codec, codecString, sampleRate }: AudioStream, firstDuration: number): number | null {
  switch (codec) {
    case 'aac':
      // ffprobe tells the rate after spectral band replication, which doubles the frame.
      return codecString === 'mp4a.40.5' || codecString === 'mp4a.40.29' ? 2048 : 1024;
    case 'ac3':
      return 1536;
    case 'eac3':
      return firstDuration === 0 ? 1536 : Math.max(256, Math.round(firstDuration / 256) * 256);
    case 'mp3':
      return sampleRate >= 32_000 ? 1152 : 576;
    case 'opus':
      return firstDuration === 0 ? null : Math.max(120, Math.round(firstDuration / 120) * 120);
    default:
      return null;
  }
}
