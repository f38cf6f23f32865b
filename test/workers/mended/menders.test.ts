import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProgramStreamMender } from '#workers/mended/program-stream.ts';
import { addToTimestamp, readTimestamp } from '#workers/mended/track-offsets.ts';
import { TransportStreamMender } from '#workers/mended/transport-stream.ts';

const PID = 0x100;
const TABLE_PID = 0x1000;

function timestamp(prefix: number, ticks: number): Buffer {
  const bytes = Buffer.from([prefix << 4, 0, 0, 0, 0]);
  addToTimestamp(bytes, 0, ticks);
  return bytes;
}

const mpeg2Pes = (pts: number, dts: number, payload: Buffer): Buffer =>
  Buffer.concat([Buffer.from([0x84, 0xc0, 10]), timestamp(3, pts), timestamp(1, dts), payload]);
const mpeg1Pes = (pts: number, payload: Buffer): Buffer =>
  Buffer.concat([Buffer.from([0xff, 0xff, 0x60, 0x20]), timestamp(2, pts), payload]);

function packet(pid: number, begins: boolean, payload: Buffer): Buffer {
  const bytes = Buffer.alloc(188, 0xff);
  bytes.writeUInt32BE(0x4700_0010 + pid * 256 + (begins ? 0x40_0000 : 0));
  payload.copy(bytes, 4);
  return bytes;
}

const picture = (pts: number): Buffer =>
  packet(PID, true, Buffer.concat([Buffer.from([0, 0, 1, 0xe0, 0, 0]), mpeg2Pes(pts, pts - 10, Buffer.alloc(8))]));
const programs = packet(
  0,
  true,
  Buffer.from([0, 0, 0xb0, 13, 0, 1, 0xc1, 0, 0, 0, 1, 0xe0 + (TABLE_PID >> 8), TABLE_PID & 0xff, 0, 0, 0, 0]),
);
const table = packet(TABLE_PID, true, Buffer.from([0, 2, 0xb0, 0]));
const timesIn = (bytes: Buffer, at: number): number[] => [readTimestamp(bytes, at + 13), readTimestamp(bytes, at + 18)];

test('times count 33 bits, and run over', () => {
  for (const [time, offset, sum] of [
    [0, 2 ** 33 - 1, 2 ** 33 - 1],
    [2 ** 33 - 1, 1, 0],
    [5, -6, 2 ** 33 - 1],
    [0x1_5555_5555, 0x2aaa_aaaa, 0x1_7fff_ffff],
  ] as const) {
    const bytes = timestamp(3, time);
    addToTimestamp(bytes, 0, offset);
    assert.equal(readTimestamp(bytes, 0), sum);
    assert.equal((bytes[0] ?? 0) >> 4, 3);
  }
});

for (const [what, around] of [
  ['plain packets', (one: Buffer) => one],
  ['packets with a time in front', (one: Buffer) => Buffer.concat([Buffer.alloc(4, 7), one])],
] as const) {
  test(`a transport stream of ${what}, pushed in any pieces: the times of known tracks, each by where it stands`, () => {
    const stride = around(Buffer.alloc(188)).byteLength;
    const stream = Buffer.concat(
      [picture(1_000), ...Array.from({ length: 20 }, () => packet(0x50, true, Buffer.from([0, 0, 1]))), picture(2_000)].map(around),
    );
    const changes = [
      { position: 0, offset: 5 },
      { position: 21 * stride, offset: 7_000 },
    ];
    for (const size of [1, 300, 10_000]) {
      const mender = new TransportStreamMender([{ streamIndex: 0, id: PID, changes }], { position: 0, start: 0 });
      const parts: Buffer[] = [];
      for (let at = 0; at < stream.byteLength; at += size) parts.push(mender.push(stream.subarray(at, at + size)));
      const mended = Buffer.concat([...parts, mender.end()]);
      assert.equal(mended.byteLength, 22 * 188);
      assert.deepEqual(
        [timesIn(mended, 0), timesIn(mended, 21 * 188)],
        [
          [1_005, 995],
          [9_000, 8_990],
        ],
      );
    }
  });
}

test('before its place a transport stream gives its tables alone, and what is no packet is left out', () => {
  const early = [programs, table, ...Array.from({ length: 6 }, () => picture(2))];
  const stream = [picture(1), ...early, Buffer.from('no packet'), ...Array.from({ length: 6 }, () => picture(3))];
  const mender = new TransportStreamMender([], { position: 1_880, start: 1_880 + 9 * 188 });
  const mended = Buffer.concat([mender.push(Buffer.concat(stream)), mender.end()]);
  const pids = Array.from({ length: mended.byteLength / 188 }, (_, at) => mended.readUInt16BE(at * 188 + 1) & 0x1fff);
  assert.deepEqual(pids, [0, TABLE_PID, ...Array.from({ length: 6 }, () => PID)]);
});

test('a program stream, pushed in any pieces: both kinds of header, and substreams by their own number', () => {
  const pes = (stream: number, content: Buffer): Buffer => {
    const head = Buffer.from([0, 0, 1, stream, 0, 0]);
    head.writeUInt16BE(content.byteLength, 4);
    return Buffer.concat([head, content]);
  };
  const pack = Buffer.concat([Buffer.from([0, 0, 1, 0xba, 0x44]), Buffer.alloc(8), Buffer.from([0xfa, 1, 1])]);
  const one = pes(0xe0, mpeg2Pes(1_000, 900, Buffer.from([0, 0, 1, 0xe0, 0])));
  const two = pes(0xbd, mpeg2Pes(2_000, 1_900, Buffer.from([0x80, 1, 2])));
  const three = pes(0xc0, mpeg1Pes(3_000, Buffer.alloc(300)));
  const stream = Buffer.concat([pack, one, pack, two, pes(0xbe, Buffer.alloc(40, 0xff)), three]);
  const track = (id: number, offset: number) => ({ streamIndex: id, id, changes: [{ position: 0, offset }] });
  for (const size of [1, 77, 10_000]) {
    const mender = new ProgramStreamMender([track(0x1e0, 1), track(0x80, 2), track(0x1c0, 3)], { position: 0 });
    const parts: Buffer[] = [];
    for (let at = 0; at < stream.byteLength; at += size) parts.push(mender.push(stream.subarray(at, at + size)));
    const mended = Buffer.concat([...parts, mender.end()]);
    assert.equal(mended.byteLength, stream.byteLength);
    const at = (part: Buffer): number => stream.indexOf(part);
    assert.deepEqual(
      [
        readTimestamp(mended, at(one) + 9),
        readTimestamp(mended, at(one) + 14),
        readTimestamp(mended, at(two) + 9),
        readTimestamp(mended, at(three) + 10),
      ],
      [1_001, 901, 2_002, 3_003],
    );
  }
});
