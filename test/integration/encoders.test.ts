// A server with hardware that works, as it seems, and every codec: what it offers is what its segments are, on one clock in each of them.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import HLS from 'hls-parser';
import { findBox } from '#workers/bmff/boxes.ts';
import { codecStringOf } from '#workers/remux/codecs/codec-strings.ts';
import { Client, type Started } from '../support/client.ts';
import { FakeHardware } from '../support/fake-hardware.ts';
import { makeFrameFilm } from '../support/frame-film.ts';
import { complaints } from '../support/media.ts';
import { startServer, temporaryFolder } from '../support/server.ts';
import { assertContinuous, readSegment, timescaleOf } from '../support/track-check.ts';

const CODECS = { '240p': /^avc3\./, '240p-hevc': /^hvc1\.1\.6\.L90\.90$/, '240p-av1': /^av01\.0\.0\dM\.08$/ } as const;

const sampleEntryOf = (init: Buffer): Buffer => {
  const stsd = findBox(init, ['moov', 'trak', 'mdia', 'minf', 'stbl', 'stsd']);
  assert.ok(stsd);
  return init.subarray(stsd.start + 8, stsd.end);
};

test('encoders of this machine', async t => {
  const scratch = await temporaryFolder(t);
  const library = join(scratch, 'films');
  await mkdir(library);
  await makeFrameFilm(join(library, 'frames.mkv'), { seconds: 9 });
  const fake = await FakeHardware.make(scratch, 'good');
  const env = { FERRITE_FFMPEG: fake.path, FERRITE_HARDWARE: 'nvenc', FERRITE_CODECS: 'hevc,av1' };
  const server = await startServer(t, { library, env });
  const client = await Client.signIn(server.url);
  const [film] = await client.media();
  assert.ok(film);
  const tried = await server.line(({ msg }) => msg === 'the encoders were tried');
  assert.ok((tried.works as string[]).includes('encode h264_nvenc'), JSON.stringify(tried));
  const start = (videoCodecs: readonly string[]): Promise<Started> =>
    client.start(film.id, { delivery: 'transcode', client: { profile: 'web-chrome', capabilities: { videoCodecs } } });

  await t.test('a client is offered the codecs that it takes, H.264 first, each with all rungs', async () => {
    const rungs = async (videoCodecs: readonly string[]) => (await start(videoCodecs)).ladder.map(({ rung }) => rung);
    assert.deepEqual(await rungs(['h264']), ['360p', '240p']);
    assert.deepEqual(await rungs(['h264', 'hevc']), ['360p', '240p', '360p-hevc', '240p-hevc']);
  });

  await t.test('each codec is what its playlist says, by its own init segment, with the same segments on the same clock', async () => {
    const session = await start(['h264', 'hevc', 'av1']);
    const main = HLS.parse((await client.bytes(session.streamUrl)).toString());
    assert.ok(main.isMasterPlaylist);
    const renditions = (await client.renditions(session)).filter(({ path }) => path.startsWith('video/240p'));
    assert.equal(renditions.length, 3);
    const starts: number[][] = [];
    for (const rendition of renditions) {
      // Two runs: what the second writes is decoded by the init segment of the first.
      const order = [3, 4, 0, 1, 2];
      const bytes: Buffer[] = [];
      for (const index of order) bytes[index] = await client.segment(session, rendition.path, index);
      const init = await client.init(session, rendition.path);
      const times = bytes.map(readSegment);
      assertContinuous(rendition.path, times, { timescale: timescaleOf(init), durationsS: rendition.durationsS });
      starts.push(times.map(({ firstPts }) => firstPts));
      const name = rendition.path.slice('video/'.length) as keyof typeof CODECS;
      const codecs = codecStringOf(sampleEntryOf(init));
      assert.match(String(codecs), CODECS[name]);
      if (name !== '240p')
        assert.equal(main.variants.find(({ uri }) => uri.startsWith(`${rendition.path}/`))?.codecs?.split(',')[0], codecs);
      const path = join(scratch, `${name}.mp4`);
      await writeFile(path, Buffer.concat([init, ...bytes]));
      assert.equal(await complaints(path), '', name);
    }
    assert.deepEqual(starts[1], starts[0]);
    assert.deepEqual(starts[2], starts[0]);
  });

  await t.test('the metrics say what works', async () => {
    assert.match(await client.metrics(), /encoder_works\{does="encode",name="h264_nvenc",device=""\} 1/);
  });
});
