// The pictures of DVD subtitles are many: writing them leaves turns to others, and ends when nobody wants it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { supOfPackets } from '#workers/subtitles/pictures/dvd-pictures.ts';
import { readIdxHeader, readPicture } from '#workers/subtitles/pictures/vobsub.ts';

const HEADER = readIdxHeader('size: 720x576');

/** Eight pixels wide and two high, in one colour: each row is one run to its end. */
const PACKET = Buffer.concat([
  Buffer.from([0, 34, 0, 8, 0x00, 0x01, 0x00, 0x01]),
  Buffer.from([0, 0, 0, 8, 0x01, 0x03, 0x32, 0x10, 0x04, 0xff, 0xf0, 0x05, 0, 0, 7, 0, 0, 1, 0x06, 0, 4, 0, 6, 0xff, 0xff, 0xff]),
]);

/** Taken off at that date. */
function packetUntil(date: number): Buffer {
  const packet = Buffer.concat([PACKET, Buffer.alloc(6)]);
  packet.writeUInt16BE(34, 10);
  packet.writeUInt16BE(date, 34);
  packet.writeUInt16BE(34, 36);
  packet.set([0x02, 0xff], 38);
  return packet;
}

function* packets(count: number) {
  for (let at = 0; at < count; at++) yield { startMs: at * 1_000, bytes: PACKET };
}

test('dvd pictures: each is shown until the next one', async () => {
  const sup = await supOfPackets(packets(3), HEADER, new AbortController().signal);
  const shown = [...sup.toString('latin1').matchAll(/PG/g)]
    .filter(({ index }) => sup[index + 10] === 0x16)
    .map(({ index }) => sup.readUInt32BE(index + 2) / 90);
  assert.deepEqual(shown, [0, 1_000, 2_000, 7_000]);
});

test('dvd pictures: one that is taken off stands until then, and one that says never until the next or as long as any', async () => {
  const endOf = (date: number): number | undefined => readPicture(packetUntil(date), 1_000, HEADER)?.endMs;
  assert.deepEqual([endOf(90), endOf(0xffff)], [1_000 + 90 * (1024 / 90), 6_000]);
});

test('dvd pictures: nobody who wants them any more ends the writing in its midst, and more than any disc has are refused', async () => {
  const over = new AbortController();
  setImmediate(() => over.abort());
  await assert.rejects(supOfPackets(packets(1e9), HEADER, over.signal), { name: 'AbortError' });
  await assert.rejects(supOfPackets(packets(1e9), HEADER, new AbortController().signal), { code: 'MEDIA_UNREADABLE' });
});
