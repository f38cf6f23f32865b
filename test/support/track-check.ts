// What a player would notice: gaps, overlaps, times that do not match the playlist. Reads the boxes by itself, so that it shares no code with what it checks.
import assert from 'node:assert/strict';

export type SegmentTimes = {
  readonly decodeTime: number;
  /** Sum of the samples' durations. */
  readonly duration: number;
  readonly firstPts: number;
  /** End of the sample shown last. */
  readonly endPts: number;
  readonly startsWithSync: boolean;
  readonly sampleCount: number;
};

function* boxesOf(bytes: Buffer): Generator<{ type: string; body: Buffer }> {
  for (let at = 0; at < bytes.byteLength; ) {
    const size = bytes.readUInt32BE(at);
    assert.ok(size >= 8 && at + size <= bytes.byteLength, 'a box reaches over the end');
    yield { type: bytes.toString('latin1', at + 4, at + 8), body: bytes.subarray(at + 8, at + size) };
    at += size;
  }
}

function child(bytes: Buffer, ...path: string[]): Buffer {
  let body = bytes;
  for (const type of path) {
    const found = [...boxesOf(body)].find(box => box.type === type);
    assert.ok(found, `no ${type} box`);
    body = found.body;
  }
  return body;
}

export function timescaleOf(init: Buffer): number {
  const mdhd = child(init, 'moov', 'trak', 'mdia', 'mdhd');
  return mdhd.readUInt32BE(mdhd[0] === 1 ? 20 : 12);
}

/** One chunk, or more that follow each other without a tick between. */
export function readSegment(bytes: Buffer): SegmentTimes {
  const found = [...boxesOf(bytes)];
  assert.ok(found.length >= 2 && found.every(({ type }, at) => type === (at % 2 === 0 ? 'moof' : 'mdat')), 'moof and mdat in turn');
  const chunks = found.flatMap(({ type, body }, at) => (type === 'moof' ? [readChunk(body, found[at + 1]?.body ?? Buffer.alloc(0))] : []));
  for (const [at, { decodeTime }] of chunks.entries()) {
    const before = chunks[at - 1];
    if (before) assert.equal(decodeTime, before.decodeTime + before.duration, 'a chunk begins where the one before it ends');
  }
  const [first] = chunks;
  assert.ok(first);
  const sumOf = (count: (chunk: SegmentTimes) => number): number => chunks.reduce((sum, chunk) => sum + count(chunk), 0);
  return {
    ...first,
    duration: sumOf(({ duration }) => duration),
    firstPts: Math.min(...chunks.map(({ firstPts }) => firstPts)),
    endPts: Math.max(...chunks.map(({ endPts }) => endPts)),
    sampleCount: sumOf(({ sampleCount }) => sampleCount),
  };
}

function readChunk(moof: Buffer, data: Buffer): SegmentTimes {
  const traf = child(moof, 'traf');
  const tfdt = child(traf, 'tfdt');
  const decodeTime = tfdt[0] === 1 ? Number(tfdt.readBigInt64BE(4)) : tfdt.readUInt32BE(4);
  const trun = child(traf, 'trun');
  assert.equal(trun.readUInt32BE(0) & 0xffffff, 0xf01, 'duration, size, flags and composition offset of each sample');
  const sampleCount = trun.readUInt32BE(4);
  let at = 12;
  let dts = decodeTime;
  let firstPts = Number.POSITIVE_INFINITY;
  let endPts = Number.NEGATIVE_INFINITY;
  let dataLength = 0;
  let startsWithSync = false;
  for (let index = 0; index < sampleCount; index++, at += 16) {
    const duration = trun.readUInt32BE(at);
    dataLength += trun.readUInt32BE(at + 4);
    if (index === 0) startsWithSync = (trun.readUInt32BE(at + 8) & 0x10000) === 0;
    const pts = dts + trun.readInt32BE(at + 12);
    firstPts = Math.min(firstPts, pts);
    endPts = Math.max(endPts, pts + duration);
    dts += duration;
  }
  assert.equal(data.byteLength, dataLength, 'mdat holds exactly the samples');
  return { decodeTime, duration: dts - decodeTime, firstPts, endPts, startsWithSync, sampleCount };
}

/**
 * Segments in order: no gap, no overlap, nothing negative, EXTINF true within 1 ms. A copy of a variable frame rate has no
 * durations of its own in presentation order, only times: there the start of each segment is compared with the playlist alone.
 */
export function assertContinuous(
  name: string,
  segments: readonly SegmentTimes[],
  { timescale, durationsS, isVariableRate = false }: { timescale: number; durationsS: readonly number[]; isVariableRate?: boolean },
): void {
  assert.equal(segments.length, durationsS.length);
  segments.forEach((segment, index) => {
    const at = `${name} segment ${index}`;
    assert.ok(segment.decodeTime >= 0, `${at}: tfdt is not negative`);
    assert.ok(segment.startsWithSync, `${at}: starts with a keyframe`);
    assert.equal(segment.decodeTime, segment.firstPts, `${at}: tfdt is the earliest presentation time`);
    const next = segments[index + 1];
    if (next) {
      assert.equal(next.decodeTime - (segment.decodeTime + segment.duration), 0, `${at}: decode time gap to the next`);
      if (!isVariableRate) assert.equal(next.firstPts - segment.endPts, 0, `${at}: presentation gap to the next`);
    }
    const trueS = ((next?.firstPts ?? segment.endPts) - segment.firstPts) / timescale;
    // The first segment's EXTINF counts from media time 0: a track that starts a moment later or earlier is told so by its times.
    if (index > 0 && !(isVariableRate && !next))
      assert.ok(Math.abs(trueS - (durationsS[index] ?? 0)) <= 0.001, `${at}: EXTINF ${durationsS[index]} but lasts ${trueS}`);
  });
}
