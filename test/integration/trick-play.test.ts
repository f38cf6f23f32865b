// What a player winds through: I-frame playlists and tiles, of a copy and of an encode, read by ffmpeg and looked at.
import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { base, type Started } from '../support/client.ts';
import { checkAddress } from '../support/conformance/stream.ts';
import { ffmpeg, makeClockFilm } from '../support/media.ts';
import { until } from '../support/until.ts';
import { startWorld } from '../support/world.ts';

type Previews = { playlistUrl: string; intervalMs: number; count: number; width: number; height: number; columns: number; rows: number };

const SECONDS = 8;
/** A second, as the squares at the top of a clock film tell it: bit `k` is a white square `k`. */
const secondOf = (
  gray: Uint8Array,
  { width, left = 0, top = 0, scale = 1 }: { width: number; left?: number; top?: number; scale?: number },
) =>
  [0, 1, 2].reduce((second, bit) => {
    const at = (top + Math.round(20 * scale)) * width + left + Math.round((bit * 40 + 20) * scale);
    return second + ((gray[at] ?? 0) > 128 ? 2 ** bit : 0);
  }, 0);

async function grayOf(...input: string[]): Promise<Uint8Array> {
  const { stdout } = await execa(
    'ffmpeg',
    ['-v', 'error', ...input, '-fps_mode', 'passthrough', '-f', 'rawvideo', '-pix_fmt', 'gray', 'pipe:1'],
    {
      encoding: 'buffer',
      maxBuffer: 1 << 26,
    },
  );
  return stdout;
}

test('trick play', async t => {
  const { client, library, scratch, dataDir, film } = await startWorld(t, async folder => {
    // A keyframe every two seconds, on the even ones, and pictures that are reordered.
    await makeClockFilm(join(folder, 'clock.mp4'), { seconds: SECONDS, args: ['-bf', '2'] });
    await ffmpeg('-i', join(folder, 'clock.mp4'), '-c', 'copy', join(folder, 'clock matroska.mkv'));
    // A container without an index of ours, on a clock that begins late.
    await ffmpeg('-i', join(folder, 'clock.mp4'), '-c', 'copy', '-output_ts_offset', '7', join(folder, 'clock stream.ts'));
    // The second half's clock begins anew.
    const halves = [
      ['-t', '4'],
      ['-ss', '4'],
    ].map(async (range, at) => {
      const half = join(folder, `.half-${at}`);
      await ffmpeg(...range, '-i', join(folder, 'clock.mp4'), '-c', 'copy', '-f', 'mpegts', half);
      return await readFile(half);
    });
    await writeFile(join(folder, 'clock joined.ts'), Buffer.concat(await Promise.all(halves)));
  });
  const noErrors = async (session: Started): Promise<void> => {
    const findings = await checkAddress(new URL(session.streamUrl, client.url).href);
    assert.deepEqual(
      findings.filter(({ level }) => level === 'error'),
      [],
    );
  };
  const encodesOf = async ({ sessionId }: Started): Promise<number> =>
    (await client.call<{ encodes: unknown[] }>('GET', `/api/v1/sessions/${sessionId}`)).encodes.length;
  /** The times of pictures as ffmpeg takes them from a playlist, and the seconds that they show. */
  async function watched(session: Started, path: string, width: number): Promise<{ timesS: number[]; seconds: number[] }> {
    const address = new URL(`${base(session)}${path}/index.m3u8`, client.url).href;
    const { stdout, stderr } = await execa('ffprobe', [
      '-v',
      'warning',
      '-show_entries',
      'frame=pts_time,pict_type',
      '-of',
      'csv=p=0',
      address,
    ]);
    assert.doesNotMatch(stderr, /invalid|error|corrupt/i);
    const rows = stdout
      .trim()
      .split('\n')
      .filter(row => row !== '')
      .map(row => row.split(','));
    assert.ok(
      rows.every(([, type]) => type === 'I'),
      stdout,
    );
    const gray = await grayOf('-i', address);
    const size = gray.byteLength / rows.length;
    const seconds = rows.map((_, at) => secondOf(gray.subarray(at * size), { width, scale: width / 640 }));
    return { timesS: rows.map(([time]) => Math.round(Number(time) * 100) / 100), seconds };
  }

  for (const title of ['clock', 'clock matroska']) {
    await t.test(`${title}: a copy's keyframes are wound through as they lie in the film, and no encode is started`, async () => {
      const session = await client.start(film(title).id, { delivery: 'remux' });
      assert.equal(session.delivery, 'remux');
      const { timesS, seconds } = await watched(session, 'iframes/original', 640);
      assert.deepEqual(seconds, [0, 2, 4, 6]);
      assert.deepEqual(timesS, [0, 2, 4, 6]);
      assert.equal(await encodesOf(session), 0);
      await noErrors(session);
      await client.stop(session.sessionId);
    });
  }

  await t.test('a film that is encoded is wound through in small pictures, each at its time', async () => {
    for (const title of ['clock', 'clock stream', 'clock joined']) {
      const session = await client.start(film(title).id, { delivery: 'transcode' });
      const { timesS, seconds } = await watched(session, 'iframes/preview', 320);
      // What is joined may last a few frames longer.
      assert.deepEqual(timesS.slice(0, SECONDS), [0, 1, 2, 3, 4, 5, 6, 7]);
      for (const [at, second] of seconds.slice(0, SECONDS).entries())
        assert.ok(second % 2 === 0 && Math.abs(second - at) <= 1, `${title}: ${seconds.join()}`);
      await noErrors(session);
      await client.stop(session.sessionId);
    }
  });

  await t.test('tiles show what the film shows at their times, however it is delivered', async () => {
    for (const delivery of ['direct', 'remux', 'transcode']) {
      const session = await client.start(film('clock').id, { delivery });
      const { playlistUrl, count, width, height, columns, rows, intervalMs } = (session as unknown as { previews: Previews }).previews;
      assert.deepEqual([count, width, height, intervalMs], [SECONDS, 320, 180, 1000]);
      const playlist = (await client.bytes(playlistUrl)).toString();
      assert.match(playlist, /#EXT-X-TILES:RESOLUTION=320x180,LAYOUT=5x4,DURATION=1\n0\.jpg/);
      const file = join(scratch, `${delivery}.jpg`);
      await writeFile(file, await client.bytes(playlistUrl.replace('index.m3u8', '0.jpg')));
      const gray = await grayOf('-i', file);
      assert.equal(gray.byteLength, width * columns * height * rows);
      const seconds = Array.from({ length: count }, (_, at) => {
        const place = { left: (at % columns) * width, top: Math.floor(at / columns) * height };
        return secondOf(gray, { width: width * columns, ...place, scale: 0.5 });
      });
      assert.deepEqual(seconds, [0, 0, 2, 2, 4, 4, 6, 6]);
      const missing = await client.fetch(playlistUrl.replace('index.m3u8', '1.jpg'));
      assert.equal(missing.status, 404);
      await client.stop(session.sessionId);
    }
  });

  await t.test('when the film changes its pictures are made again, and those of before are gone', async () => {
    const kept = async (): Promise<string[]> =>
      (await readdir(join(dataDir, 'previews'))).filter(name => name.startsWith(film('clock').id));
    const before = await kept();
    assert.equal(before.length, 1);
    await ffmpeg('-i', join(library, 'clock matroska.mkv'), '-c', 'copy', '-t', '4', join(library, 'clock.mp4'));
    const [{ id } = { id: '' }] = (await client.call<{ items: { id: string }[] }>('GET', '/api/v1/libraries')).items;
    await client.call('POST', `/api/v1/libraries/${id}/scan`);
    await until(
      async () => (await client.call<{ state: string }>('GET', `/api/v1/libraries/${id}/scan`)).state === 'done',
      'the scan ends',
    );
    assert.deepEqual(await kept(), []);
    const session = await client.start(film('clock').id, { delivery: 'direct' });
    await client.bytes((session as unknown as { previews: Previews }).previews.playlistUrl.replace('index.m3u8', '0.jpg'));
    const after = await kept();
    assert.equal(after.length, 1);
    assert.notDeepEqual(after, before);
  });
});
