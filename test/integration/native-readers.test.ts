// Players on ffmpeg's reader and on GStreamer's: the playlist they are given shows every picture at its own time, whatever the delivery.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { base, Client, type Started } from '../support/client.ts';
import { ffmpeg } from '../support/media.ts';
import { startServer, temporaryFolder } from '../support/server.ts';

const FPS = 24;
const SECONDS = 8;
const GSTREAMER = { 'user-agent': 'GStreamer souphttpsrc 1.22.0 libsoup/3.2.3' };
const EVERYTHING = { client: { profile: 'generic', capabilities: { videoCodecs: ['h264', 'hevc'] } } };

test('native readers', async t => {
  const scratch = await temporaryFolder(t);
  const library = join(scratch, 'films');
  await mkdir(library);
  const source = ['-f', 'lavfi', '-i', `testsrc2=s=320x180:r=${FPS}:d=${SECONDS}`, '-f', 'lavfi', '-i', `sine=d=${SECONDS}`];
  const sound = ['-pix_fmt', 'yuv420p', '-c:a', 'aac', '-ac', '2'];
  await ffmpeg(
    ...source,
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-bf',
    '3',
    '-b_strategy',
    '0',
    '-g',
    '48',
    ...sound,
    join(library, 'reordered.mp4'),
  );
  // Its groups are open: pictures are shown before the keyframe that they follow.
  const hevc = ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'bframes=4:b-adapt=0:keyint=48:open-gop=1:log-level=none'];
  await ffmpeg(...source, ...hevc, ...sound, join(library, 'open.mkv'));
  const server = await startServer(t, { library });
  const client = await Client.signIn(server.url);
  const films = await client.media();

  async function started(title: string, delivery: string): Promise<Started> {
    const film = films.find(one => one.title === title);
    assert.ok(film, `no film ${title} among ${films.map(one => one.title).join()}`);
    return client.start(film.id, { ...EVERYTHING, delivery });
  }

  /** As ffmpeg, and mpv with it, reads the playlist under the address that everybody is given, in the order they are shown. */
  async function timesByFfmpeg(session: Started, stream: 'v:0' | 'a:0'): Promise<{ first: number; times: number[] }> {
    const show = ['-select_streams', stream, '-show_entries', 'packet=pts_time', '-of', 'csv=p=0'];
    const { stdout, stderr } = await execa('ffprobe', ['-v', 'warning', ...show, server.url + session.streamUrl]);
    assert.equal(stderr, '');
    const times = stdout
      .split(/[\n,]+/)
      .filter(Boolean)
      .map(Number);
    return { first: times[0] ?? Number.NaN, times: times.toSorted((a, b) => a - b) };
  }

  for (const [title, delivery] of [
    ['Reordered', 'remux'],
    ['Reordered', 'transcode'],
    ['Open', 'remux'],
  ] as const) {
    await t.test(`${title}, ${delivery}: ffmpeg has each picture at its number, and the sound where it was`, async () => {
      const session = await started(title, delivery);
      const pictures = await timesByFfmpeg(session, 'v:0');
      assert.equal(pictures.first, 0);
      assert.equal(pictures.times.length, SECONDS * FPS);
      for (const [number, time] of pictures.times.entries())
        assert.ok(Math.abs(time - number / FPS) < 0.0011, `picture ${number} at ${time}`);
      const [firstSound = Number.NaN] = (await timesByFfmpeg(session, 'a:0')).times;
      assert.ok(firstSound >= 0 && firstSound < 0.025, `sound from ${firstSound}`);
      await client.stop(session.sessionId);
    });
  }

  await t.test('one playlist for all but them: it and its segments are as they were, and theirs hold the same bytes of film', async () => {
    const session = await started('Reordered', 'remux');
    const usual = await client.fetch(session.streamUrl, { headers: { 'user-agent': 'Mozilla/5.0' } });
    assert.ok(!(await usual.text()).includes('unsigned'));
    const theirs = await (await client.fetch(session.streamUrl, { headers: GSTREAMER })).text();
    assert.equal(theirs.match(/^unsigned\/video\/.+$/gm)?.length, session.ladder.length);
    assert.match(theirs, /URI="audio\/0\/index\.m3u8"/, 'sound has no such offsets');
    const [text, unsignedText] = await Promise.all(
      ['', 'unsigned/'].map(way => client.bytes(`${base(session)}${way}video/original/index.m3u8`)),
    );
    assert.deepEqual(text, unsignedText);
    for (const name of ['init.mp4', '0.m4s', '2.m4s']) {
      const [whole, unsigned] = await Promise.all(
        ['', 'unsigned/'].map(async way => {
          const response = await client.fetch(`${base(session)}${way}video/original/${name}`);
          assert.equal(response.status, 200);
          assert.equal(response.headers.get('content-type'), 'video/mp4');
          return { etag: response.headers.get('etag'), bytes: Buffer.from(await response.arrayBuffer()) };
        }),
      );
      assert.ok(whole && unsigned);
      const dataAt = Math.max(0, whole.bytes.indexOf('mdat'));
      assert.deepEqual(whole.bytes.subarray(dataAt), unsigned.bytes.subarray(dataAt));
      assert.equal(whole.etag === unsigned.etag, name === 'init.mp4', `${name}: other bytes have another name`);
    }
    for (const path of [
      'unsigned/video/original/4.m4s',
      'unsigned/video/9p/0.m4s',
      'unsigned/audio/0/0.m4s',
      'unsigned/unsigned/video/original/0.m4s',
    ])
      assert.equal((await client.fetch(base(session) + path)).status, 404, path);
    await client.stop(session.sessionId);
  });
});
