// Segments as transport streams, for players that know no fragmented MP4: the same frames at the same times, each segment after any other.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { base, Client, type Started } from '../support/client.ts';
import { checkAddress } from '../support/conformance/stream.ts';
import { ffmpeg } from '../support/media.ts';
import { startServer, temporaryFolder } from '../support/server.ts';

const SECONDS = 12;
/** Where media time 0 stands. */
const START_S = 10;
const OLD_PLAYER = { client: { profile: 'generic', capabilities: { segments: 'mpegts' } } };

type Packet = { pts_time: string; dts_time: string; flags: string };

async function packetsOf(file: string): Promise<Packet[]> {
  const show = ['-show_packets', '-show_entries', 'packet=pts_time,dts_time,flags', '-of', 'json'];
  const { stdout, stderr } = await execa('ffprobe', ['-v', 'warning', ...show, file]);
  assert.equal(stderr, '');
  return JSON.parse(stdout).packets;
}

const times = (packets: readonly Packet[]): number[] => packets.map(packet => Number(packet.pts_time));

test('transport streams', async t => {
  const scratch = await temporaryFolder(t);
  const library = join(scratch, 'films');
  await mkdir(library);
  await ffmpeg(
    ...['-f', 'lavfi', '-i', `testsrc2=s=320x180:r=24:d=${SECONDS}`, '-f', 'lavfi', '-i', `sine=d=${SECONDS}`],
    ...['-c:v', 'libx264', '-g', '48', '-bf', '3', '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-ac', '2', join(library, 'old.mp4')],
  );
  await writeFile(join(library, 'old.en.srt'), '1\n00:00:01,000 --> 00:00:02,000\nhello\n');
  const server = await startServer(t, { library });
  const client = await Client.signIn(server.url);
  const [film] = await client.media();
  assert.ok(film);

  const indices = Array.from({ length: SECONDS / 2 }, (_, index) => index);
  async function fetched(session: Started, name: string, paths: readonly string[]): Promise<string> {
    const file = join(scratch, name);
    await writeFile(file, Buffer.concat(await Promise.all(paths.map(path => client.bytes(base(session) + path)))));
    return file;
  }

  for (const delivery of ['remux', 'transcode']) {
    await t.test(`${delivery}: every frame of the fragments, at its own time after second ten, decoded without a word`, async () => {
      const old = await client.start(film.id, { ...OLD_PLAYER, delivery });
      const usual = await client.start(film.id, { client: { profile: 'generic' }, delivery });
      const rung = delivery === 'remux' ? 'original' : '240p';
      for (const track of [`video/${rung}`, 'audio/0']) {
        // Backwards: each run of an encode begins where nothing was made before.
        const paths = indices.map(index => `${track}/${index}.ts`);
        for (const path of paths.toReversed()) await client.bytes(base(old) + path);
        const stream = await fetched(old, `${delivery}.ts`, paths);
        const fragments = await fetched(usual, `${delivery}.mp4`, [`${track}/init.mp4`, ...indices.map(index => `${track}/${index}.m4s`)]);
        const [inStream, inFragments] = [await packetsOf(stream), await packetsOf(fragments)];
        assert.ok(inFragments.length > 200);
        assert.equal(inStream.length, inFragments.length);
        // ffprobe moves what has offsets with a sign.
        const fragmentTimes = times(inFragments);
        const first = Math.min(...fragmentTimes);
        for (const [at, time] of times(inStream).entries())
          assert.ok(Math.abs(time - START_S - (fragmentTimes[at] ?? 0) + first) < 0.0001, `${track}: frame ${at} at ${time}`);
        const decode = inStream.map(packet => Number(packet.dts_time));
        assert.ok(
          decode.every((time, at) => time > (decode[at - 1] ?? 0) && time <= (times(inStream)[at] ?? 0)),
          'decoded in order, before it is shown',
        );
        assert.equal(decode[0], START_S, 'the first when it is shown');
        const { stderr } = await execa('ffmpeg', ['-v', 'warning', '-xerror', '-i', stream, '-f', 'null', '-']);
        assert.equal(stderr, '', 'no packet is missed');
      }
      await client.stop(old.sessionId);
      await client.stop(usual.sessionId);
    });
  }

  await t.test('the playlists name them, and nothing that such a player does not know', async () => {
    const session = await client.start(film.id, { ...OLD_PLAYER, delivery: 'transcode', startPositionMs: 5_000 });
    const findings = await checkAddress(new URL(session.streamUrl, client.url).href);
    assert.deepEqual(
      findings.filter(({ level }) => level === 'error'),
      [],
    );
    const main = (await client.bytes(session.streamUrl)).toString();
    const media = (await client.bytes(`${base(session)}video/240p/index.m3u8`)).toString();
    assert.match(main, /#EXT-X-VERSION:3\n/);
    assert.match(media, /#EXT-X-VERSION:3\n/);
    assert.ok(!/EXT-X-MAP|m4s|mp4/.test(media), media);
    const response = await client.fetch(`${base(session)}video/240p/0.ts`);
    assert.equal(response.headers.get('content-type'), 'video/mp2t');
    for (const path of ['video/240p/0.m4s', 'video/240p/init.mp4', 'video/240p/6.ts', 'audio/1/0.ts', 'subtitles/0/0.ts'])
      assert.equal((await client.fetch(base(session) + path)).status, 404, path);
    const text = (await client.bytes(`${base(session)}subtitles/0/0.vtt`)).toString();
    assert.match(text, /^WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:00.000\n/);
    await client.stop(session.sessionId);
    const usual = await client.start(film.id);
    assert.equal((await client.fetch(`${base(usual)}video/original/0.ts`)).status, 404);
    await client.stop(usual.sessionId);
  });

  await t.test('a player that knows nothing else plays the film to its end', async () => {
    const session = await client.start(film.id, { ...OLD_PLAYER, delivery: 'remux' });
    const address = new URL(session.streamUrl, client.url).href;
    const { stderr } = await execa('ffmpeg', [
      '-v',
      'warning',
      '-stats',
      '-i',
      address,
      '-map',
      '0:v:0',
      '-map',
      '0:a:0',
      '-f',
      'null',
      '-',
    ]);
    assert.match(stderr, new RegExp(`frame= *${24 * SECONDS} `));
    assert.ok(!/corrupt|continuity|non.monoton|invalid/i.test(stderr), stderr);
    await client.stop(session.sessionId);
  });
});
