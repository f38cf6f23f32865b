// What a rung costs that nobody watches, and where an encode begins when a player goes over to another rung.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as paced } from 'node:timers/promises';
import { promisify } from 'node:util';
import { base, Client, type Started } from '../support/client.ts';
import { ffmpeg } from '../support/media.ts';
import { until } from '../support/processes.ts';
import { startServer, temporaryFolder } from '../support/server.ts';

type Encode = { readonly rendition: string; readonly firstIndex: number; readonly nextIndex: number };

const FILM_S = 60;
/** A little more than half of a segment's duration: no faster than a player that plays along. */
const PACE_MS = 1_100;

test('rungs', async t => {
  const scratch = await temporaryFolder(t);
  const library = join(scratch, 'films');
  await mkdir(library);
  await ffmpeg(
    ...['-f', 'lavfi', '-i', `testsrc2=s=640x360:r=24:d=${FILM_S}`, '-f', 'lavfi', '-i', `sine=d=${FILM_S}`],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '48', '-pix_fmt', 'yuv420p', '-c:a', 'aac', join(library, 'rungs.mp4')],
  );
  const server = await startServer(t, { library });
  const client = await Client.signIn(server.url);
  const [film] = await client.media();
  assert.ok(film);
  const mediaId = film.id;
  const start = (): Promise<Started> => client.start(mediaId, { delivery: 'transcode' });
  const encodesOf = async ({ sessionId }: Started): Promise<readonly Encode[]> =>
    (await client.call<{ encodes: Encode[] }>('GET', `/api/v1/sessions/${sessionId}`)).encodes;
  const pictures = async (session: Started): Promise<readonly Encode[]> =>
    (await encodesOf(session)).filter(({ rendition }) => rendition.startsWith('video:'));
  const started = async (rung: string): Promise<number> =>
    Number(new RegExp(`^encodes_total\\{rung="${rung}",outcome="started"\\} (\\d+)$`, 'm').exec(await client.metrics())?.[1] ?? 0);

  await t.test('the header of a rung that is switched to in the middle comes with the segment that the player asks for next', async () => {
    const session = await start();
    const [high, low] = session.ladder.map(({ rung }) => rung);
    assert.ok(high && low);
    await client.renditions(session);
    for (const index of [0, 1, 2, 3, 4]) await client.segment(session, `video/${high}`, index);
    assert.equal(await started(low), 0, 'playlists start no encode');
    await client.init(session, `video/${low}`);
    const begun = await until('the encode of the other rung', async () =>
      (await pictures(session)).find(({ rendition }) => rendition === `video:${low}`),
    );
    assert.equal(begun.firstIndex, 5);
    await client.segment(session, `video/${low}`, 5);
    assert.equal(await started(low), 1);
    await client.stop(session.sessionId);
  });

  await t.test('a viewer who plays along on a rung has the one above made where the player is, beside it', async () => {
    const session = await start();
    const [high, low] = session.ladder.map(({ rung }) => rung);
    // Half a minute of the rung that a session begins with is made as it is: what is watched here lies after that.
    let index = 22;
    await client.segment(session, `video/${low}`, index);
    const begun = await until('the rung above', async () => {
      const [ahead] = (await pictures(session)).filter(({ rendition, firstIndex }) => rendition === `video:${high}` && firstIndex > 22);
      if (ahead || index > 27) return ahead;
      await paced(PACE_MS);
      await client.segment(session, `video/${low}`, ++index);
      return undefined;
    });
    assert.ok(begun.firstIndex >= 22 + 4, 'four segments after the player came there, and one for the way');
    await client.segment(session, `video/${high}`, begun.firstIndex);
    await client.stop(session.sessionId);
  });

  await t.test('a header that is kept starts nothing', async () => {
    const session = await start();
    const list = await client.fetch(`${base(session)}video/${session.ladder[0]?.rung}/index.m3u8`);
    assert.deepEqual([list.status, list.headers.get('vary')], [200, 'Accept-Encoding'], 'only the list of rungs depends on who asks');
    const low = session.ladder[1]?.rung ?? '';
    await client.init(session, `video/${low}`);
    assert.deepEqual(
      (await pictures(session)).filter(({ rendition }) => rendition === `video:${low}`),
      [],
    );
    await client.stop(session.sessionId);
  });

  await t.test('ffmpeg, which reads every rung that it is told of, is told of one', async () => {
    const session = await start();
    const variants = async (path: string, userAgent: string): Promise<number> => {
      const response = await client.fetch(path, { headers: { 'user-agent': userAgent } });
      assert.equal(response.headers.get('vary'), path.endsWith('one.m3u8') ? 'Accept-Encoding' : 'Accept-Encoding, User-Agent');
      return new Set((await response.text()).match(/^(unsigned\/)?video\/.*/gm)).size;
    };
    for (const userAgent of ['Lavf/59.27.100', 'libmpv', 'mpv 0.35.1']) assert.equal(await variants(session.streamUrl, userAgent), 1);
    for (const userAgent of ['Mozilla/5.0 (X11; Linux x86_64)', 'VLC/3.0.23 LibVLC/3.0.23', 'AppleCoreMedia/1.0', ''])
      assert.equal(await variants(session.streamUrl, userAgent), session.ladder.length);
    assert.equal(await variants(`${base(session)}one.m3u8`, 'Mozilla/5.0'), 1, 'whoever wants it can ask for it');
    const low = session.ladder[1]?.rung ?? '';
    const before = await started(low);
    await promisify(execFile)('ffprobe', ['-v', 'error', '-show_streams', `${server.url}${session.streamUrl}`]);
    assert.equal(await started(low), before);
    await client.stop(session.sessionId);
  });
});
