// Every rendition of every film is one seamless track, whatever the order its segments are asked for in.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Client, type MediaItem, type Rendition, type Started } from '../support/client.ts';
import { complaints, makeFilms, VARIANT_NAMES } from '../support/media.ts';
import { startServer, temporaryFolder } from '../support/server.ts';
import { assertContinuous, readSegment, type SegmentTimes, timescaleOf } from '../support/track-check.ts';

test('continuity', async t => {
  const scratch = await temporaryFolder(t);
  const library = join(scratch, 'films');
  await makeFilms(library);
  const server = await startServer(t, { library });
  const client = await Client.signIn(server.url);
  const films = await client.media();
  assert.equal(films.length, VARIANT_NAMES.length + 3);

  const film = (title: string, width?: number): MediaItem => {
    const found = films.find(one => one.title === title && (width === undefined || one.width === width));
    assert.ok(found, `no film ${title} ${width ?? ''} among ${films.map(one => one.title).join(', ')}`);
    return found;
  };

  const pictureEncodes = async (): Promise<number> => {
    const text = await client.metrics();
    return [...text.matchAll(/^encodes_total\{rung="480p",outcome="started"\} (\d+)$/gm)].reduce(
      (sum, [, count]) => sum + Number(count),
      0,
    );
  };

  async function check(
    session: Started,
    rendition: Rendition,
    { order, isVariableRate }: { order: readonly number[]; isVariableRate: boolean },
  ): Promise<SegmentTimes[]> {
    const init = await client.init(session, rendition.path);
    const bytes: Buffer[] = [];
    for (const index of order) bytes[index] = await client.segment(session, rendition.path, index);
    const times = bytes.map(readSegment);
    const timescale = timescaleOf(init);
    assertContinuous(rendition.path, times, { timescale, durationsS: rendition.durationsS, isVariableRate });
    for (const seconds of rendition.durationsS) assert.ok(Math.round(seconds) <= rendition.targetDurationS, 'EXTINF within TARGETDURATION');
    const path = join(scratch, `${session.sessionId}-${rendition.path.replace('/', '-')}.mp4`);
    await writeFile(path, Buffer.concat([init, ...bytes]));
    assert.equal(await complaints(path), '', rendition.path);
    return times;
  }

  async function checkFilm(media: MediaItem, rungs: (path: string) => boolean): Promise<void> {
    const session = await client.start(media.id, { delivery: 'remux' });
    const renditions = await client.renditions(session);
    const firsts: { path: string; startS: number }[] = [];
    for (const rendition of renditions.filter(({ path }) => rungs(path))) {
      const inOrder = rendition.durationsS.map((_, index) => index);
      const order = rendition.path === 'video/240p' ? shuffled(inOrder) : inOrder;
      const times = await check(session, rendition, {
        order,
        isVariableRate: plainTitle(media) === 'variable rate' && rendition.path === 'video/original',
      });
      const timescale = timescaleOf(await client.init(session, rendition.path));
      firsts.push({ path: rendition.path, startS: (times[0]?.firstPts ?? 0) / timescale });
    }
    for (const { path, startS } of firsts) {
      assert.ok(startS >= 0 && startS < (path.startsWith('video') ? 0.001 : 0.05), `${path} starts at ${startS}`);
    }
    await client.stop(session.sessionId);
  }

  for (const width of [854, 1920]) {
    await t.test(`the ${width === 854 ? '480p' : '1080p'} sample films, copied and encoded`, async () => {
      for (const media of films.filter(one => one.title === 'Big Buck Bunny' && one.width === width)) {
        await checkFilm(media, path => /original|audio|240p|360p/.test(path));
      }
    });
  }

  for (const title of ['matroska', 'film rate', 'variable rate', 'b frames', 'late start', 'cd rate audio', 'surround', 'transport']) {
    await t.test(title, async () => {
      const matching = films.filter(one => plainTitle(one) === title);
      assert.ok(matching.length > 0, `no ${title} among ${films.map(one => one.title).join(', ')}`);
      for (const media of matching) await checkFilm(media, () => true);
    });
  }

  await t.test('segments of restarted encodes join seamlessly across every seam', async () => {
    const long = film('Big Buck Bunny', 854);
    const before = await pictureEncodes();
    // Begun in the middle: what lies before is made by another encode.
    const session = await client.start(long.id, { delivery: 'transcode', startPositionMs: long.durationMs / 2 });
    const rendition = (await client.renditions(session)).find(({ path }) => path === 'video/480p');
    assert.ok(rendition);
    const half = Math.floor(rendition.durationsS.length / 2);
    const order = [half, half + 1, half + 2, 0, 1, 2, half - 2, half - 1];
    const init = await client.init(session, rendition.path);
    const bytes = new Map<number, Buffer>();
    for (const index of order) bytes.set(index, await client.segment(session, rendition.path, index));
    const seam = [half - 2, half - 1, half, half + 1, half + 2];
    const seamBytes = seam.map(index => bytes.get(index) ?? Buffer.alloc(0));
    const durationsS = seam.map(index => rendition.durationsS[index] ?? 0);
    assertContinuous('video/480p', seamBytes.map(readSegment), { timescale: timescaleOf(init), durationsS });
    const path = join(scratch, 'seam.mp4');
    await writeFile(path, Buffer.concat([init, ...seamBytes]));
    assert.equal(await complaints(path), '');
    assert.ok((await pictureEncodes()) - before >= 2, 'there is a seam');
    await client.stop(session.sessionId);
  });
});

/** A fixed shuffle: a failure can be run again. */
function shuffled(indexes: readonly number[]): number[] {
  let state = 1;
  const random = (): number => {
    state = (state * 48_271) % 0x7fffffff;
    return state;
  };
  return indexes
    .map(index => [random(), index] as const)
    .sort(([a], [b]) => a - b)
    .map(([, index]) => index);
}

const plainTitle = ({ title }: MediaItem): string => title.toLowerCase().replaceAll('-', ' ');
