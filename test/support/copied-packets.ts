// Copies a whole track by segments, as a player would fetch them, and lists packets with ffprobe: what must be equal between the two.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { boxes, findBox } from '#workers/bmff/boxes.ts';
import type { RemuxSource } from '#workers/remux/source.ts';

export type Packet = { readonly pts: number; readonly dts: number; readonly size: number; readonly isKey: boolean; readonly hash: string };

const SHIFT_S = 10;
const SEGMENT_S = 2;

export type CopiedTrack = { readonly init: Buffer; readonly segments: readonly Buffer[]; readonly shiftTicks: number };

/** Video is cut at keyframes at least two seconds apart, sound at the frames nearest to each two seconds. */
export function boundariesOf(source: RemuxSource, streamIndex: number): { timescale: number; boundaries: number[] } {
  const sound = source.audio.find(track => track.index === streamIndex);
  if (!sound) {
    const { timescale, keyframes, endPts } = source.video;
    const boundaries: number[] = [];
    for (const pts of keyframes) if (pts - (boundaries.at(-1) ?? Number.NEGATIVE_INFINITY) >= SEGMENT_S * timescale) boundaries.push(pts);
    return { timescale, boundaries: [...boundaries, endPts] };
  }
  const { timescale, firstPts, endPts, frameDuration } = sound;
  assert.ok(frameDuration !== null, 'the sound has equal frames');
  const step = Math.round((SEGMENT_S * timescale) / frameDuration) * frameDuration;
  const boundaries = [];
  for (let pts = firstPts; pts < endPts; pts += step) boundaries.push(pts);
  return { timescale, boundaries: [...boundaries, endPts] };
}

export async function copyTrack(source: RemuxSource, streamIndex: number): Promise<CopiedTrack> {
  const { timescale, boundaries } = boundariesOf(source, streamIndex);
  const shiftTicks = SHIFT_S * timescale;
  const segments: Buffer[] = [];
  for (const [index, fromPts] of boundaries.slice(0, -1).entries()) {
    const toPts = boundaries[index + 1];
    assert.ok(toPts !== undefined);
    segments.push(await source.segment(streamIndex, { index, fromPts, toPts, originPts: -shiftTicks, factor: 1, anchor: 'decode' }));
  }
  return { init: source.initSegment(streamIndex, 1), segments, shiftTicks };
}

export async function packetsOf(path: string, streamIndex: number): Promise<Packet[]> {
  const entries = 'packet=pts,dts,size,flags,data_hash';
  const { stdout } = await execa('ffprobe', [
    ...['-v', 'error', '-select_streams', String(streamIndex), '-show_packets', '-show_data_hash', 'md5', '-show_entries', entries],
    ...['-of', 'json', path],
  ]);
  const { packets }: { packets: Record<string, string | number>[] } = JSON.parse(stdout);
  return packets.map(packet => ({
    pts: Number(packet.pts),
    dts: Number(packet.dts),
    size: Number(packet.size),
    isKey: String(packet.flags).startsWith('K'),
    hash: String(packet.data_hash),
  }));
}

/** Every error line that decoding the file gives. */
export async function decodeErrors(path: string): Promise<string> {
  const { stderr } = await execa('ffmpeg', ['-v', 'error', '-i', path, '-f', 'null', '-']);
  return stderr;
}

export async function writeTrack({ init, segments }: CopiedTrack, path: string): Promise<void> {
  await writeFile(path, Buffer.concat([init, ...segments]));
}

type Fragment = { readonly sequenceNumber: number; readonly decodeTime: number; readonly durations: number[]; readonly firstFlags: number };

export function parseFragment(segment: Buffer): Fragment {
  assert.deepEqual(
    [...boxes(segment)].map(({ type }) => type),
    ['moof', 'mdat'],
  );
  const inside = (...path: string[]) => {
    const found = findBox(segment, ['moof', ...path]);
    assert.ok(found);
    return found.start;
  };
  const run = inside('traf', 'trun');
  const durations = Array.from({ length: segment.readUInt32BE(run + 4) }, (_, row) => segment.readUInt32BE(run + 12 + row * 16));
  return {
    sequenceNumber: segment.readUInt32BE(inside('mfhd') + 4),
    decodeTime: Number(segment.readBigUInt64BE(inside('traf', 'tfdt') + 4)),
    durations,
    firstFlags: segment.readUInt32BE(run + 12 + 8),
  };
}

type TimedSample = { readonly pts: number; readonly duration: number; readonly byteLength: number };

function samplesOf(segment: Buffer): { readonly decodeTime: number; readonly endTime: number; readonly samples: readonly TimedSample[] } {
  const { decodeTime, durations } = parseFragment(segment);
  const run = findBox(segment, ['moof', 'traf', 'trun']);
  assert.ok(run);
  let dts = decodeTime;
  const samples = durations.map((duration, row): TimedSample => {
    const at = run.start + 12 + row * 16;
    const sample = { pts: dts + segment.readInt32BE(at + 12), duration, byteLength: segment.readUInt32BE(at + 4) };
    dts += duration;
    return sample;
  });
  return { decodeTime, endTime: dts, samples };
}

const FACTOR = 3;

/**
 * The same pictures on a rendition's timeline: each at its source's time, on a finer clock, from 0 on; every segment begins with its
 * earliest picture, and the next one where it ends.
 */
export async function assertAnchored(source: RemuxSource, { isEarliest }: { isEarliest: boolean }): Promise<void> {
  const { boundaries } = boundariesOf(source, 0);
  const { originPts, firstShownPts, endPts } = source.video;
  const shiftTicks = SHIFT_S * source.video.timescale;
  let end = 0;
  for (const [index, fromPts] of boundaries.slice(0, -1).entries()) {
    const span = { index, fromPts, toPts: boundaries[index + 1] ?? 0 };
    const fed = samplesOf(await source.segment(0, { ...span, originPts: originPts - shiftTicks, factor: 1, anchor: 'decode' }));
    const shown = samplesOf(await source.segment(0, { ...span, originPts, factor: FACTOR, anchor: 'presentation' }));
    assert.deepEqual(
      shown.samples.map(({ byteLength }) => byteLength),
      fed.samples.map(({ byteLength }) => byteLength),
    );
    const hidden = fed.samples.filter(({ pts }) => index === 0 && pts - shiftTicks + originPts < firstShownPts).length;
    for (const [at, { pts }] of shown.samples.entries()) {
      const sourcePts = (fed.samples[at]?.pts ?? 0) - shiftTicks + originPts;
      const own = (sourcePts - originPts) * FACTOR;
      if (index === 0 && sourcePts < firstShownPts) assert.ok(pts < hidden, 'what is hidden has no time to be seen');
      else if (index === 0 && sourcePts === firstShownPts) assert.equal(pts, hidden);
      else if (sourcePts >= endPts)
        assert.ok(pts < (endPts - originPts) * FACTOR && pts > (endPts - originPts) * FACTOR - fed.samples.length);
      else assert.equal(pts, own, `segment ${index}: picture ${at} at its time`);
    }
    assert.equal(shown.decodeTime, end, `segment ${index} begins where the one before it ends`);
    const earliest = Math.min(...shown.samples.map(({ pts }) => pts));
    if (isEarliest) assert.equal(shown.decodeTime, earliest, `segment ${index} begins with its earliest picture`);
    else assert.ok(shown.decodeTime <= earliest, `segment ${index} begins no later than its earliest picture`);
    assert.ok(shown.samples.every(({ duration }) => duration > 0));
    end = shown.endTime;
  }
  assert.equal(end, (endPts - originPts) * FACTOR, 'the last ends with the film');
}

/** Segments numbered from 0 that follow each other without a gap, each from a sync sample and in a buffer of its own. */
export function assertContinuous(segments: readonly Buffer[]): void {
  let nextDecodeTime: number | undefined;
  for (const [index, segment] of segments.entries()) {
    const { sequenceNumber, decodeTime, durations, firstFlags } = parseFragment(segment);
    assert.equal(sequenceNumber, index + 1);
    assert.equal(decodeTime, nextDecodeTime ?? decodeTime, `segment ${index} starts where the one before ends`);
    assert.equal(firstFlags & 0x0001_0000, 0, `segment ${index} starts with a sync sample`);
    assert.equal(segment.buffer.byteLength, segment.byteLength, 'the buffer holds the segment and nothing else');
    nextDecodeTime = decodeTime + durations.reduce((sum, duration) => sum + duration, 0);
  }
}
