// Files that are damaged, no films at all, or not the ones that were scanned: named with a reason, refused with a code, and no harm to others.
import assert from 'node:assert/strict';
import { copyFile, readFile, rename, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { base, type Started } from '../support/client.ts';
import { SAMPLE_480P } from '../support/media.ts';
import { makeFilm } from '../support/run-tool.ts';
import { readSegment } from '../support/track-check.ts';
import { answerOf, assertHealthy, assertProblem, assertTellsNothing, startWorld } from '../support/world.ts';

const DELIVERIES = ['direct', 'remux', 'transcode'] as const;
/** In names, where words of releases are no part of a title. */
const WORDS = { direct: 'directly', remux: 'copied', transcode: 'encoded' } as const;
const named = (what: string, delivery: keyof typeof WORDS): string => `${what}-${WORDS[delivery]}`;

test('files that are no films are named with a reason, and the films beside them play', async t => {
  const world = await startWorld(t, async library => {
    await makeFilm(join(library, 'good.mp4'));
    const whole = await readFile(SAMPLE_480P);
    await writeFile(join(library, 'head.mp4'), whole.subarray(0, 40_000));
    await copyFile(SAMPLE_480P, join(library, 'without-end.mp4'));
    await truncate(join(library, 'without-end.mp4'), Math.round(whole.byteLength / 2));
    await writeFile(join(library, 'text.mkv'), 'Once upon a time there was no picture.\n'.repeat(500));
    await writeFile(join(library, 'empty.mp4'), '');
    await writeFile(join(library, 'noise.webm'), Buffer.from(Array.from({ length: 50_000 }, (_, at) => (at * 7919) % 251)));
  });
  const { client, scratch, film } = world;
  const { items: libraries } = await client.call<{ items: { id: string }[] }>('GET', '/api/v1/libraries');
  const scan = await client.call<{ state: string; errors: { name: string; code: string; message: string }[] }>(
    'GET',
    `/api/v1/libraries/${libraries[0]?.id}/scan`,
  );
  assert.equal(scan.state, 'done');
  const reasons = new Map(scan.errors.map(({ name, code, message }) => [name, { code, message }]));
  for (const name of ['head.mp4', 'text.mkv', 'empty.mp4', 'noise.webm']) {
    const reason = reasons.get(name);
    assert.ok(reason, `${name} is among ${[...reasons.keys()].join(', ')}`);
    assert.equal(reason.code, 'MEDIA_UNREADABLE', name);
    assert.ok(reason.message.length > 10, name);
    assertTellsNothing(name, reason.message, scratch);
  }
  const good = await client.start(film('good').id, { delivery: 'transcode' });
  readSegment(await client.segment(good, `video/${good.ladder.at(-1)?.rung}`, 0));
  // Half a film is either refused by its scan, or plays as far as it goes and then says why not.
  const cut = (await client.media()).find(({ title }) => title.toLowerCase().replaceAll('-', ' ') === 'without end');
  if (cut) {
    const session = await client.start(cut.id, { delivery: 'remux' });
    const [video] = await client.renditions(session);
    const last = (video?.durationsS.length ?? 1) - 1;
    readSegment(await client.segment(session, 'video/original', 0));
    const end = await client.fetch(`${base(session)}video/original/${last}.m4s`);
    if (end.status === 200) readSegment(Buffer.from(await end.arrayBuffer()));
    else assertProblem('past the cut', await answerOf(end), scratch);
  } else assert.ok(reasons.has('without-end.mp4'));
  await assertHealthy(world);
});

test('a film that is removed or replaced after its scan', async t => {
  const names = ['removed', 'replaced', 'overwritten'].flatMap(what => DELIVERIES.map(delivery => named(what, delivery)));
  const world = await startWorld(t, async library => {
    await makeFilm(join(library, 'good.mp4'), { seconds: 20 });
    for (const name of names) await makeFilm(join(library, `${name}.mp4`), { seconds: 20 });
    await makeFilm(join(library, '..', 'other.mp4'), { seconds: 30 });
  });
  const { client, library, scratch, film } = world;
  const pathOf = (session: Started): string =>
    session.delivery === 'direct'
      ? session.streamUrl
      : `${base(session)}${session.delivery === 'remux' ? 'video/original' : `video/${session.ladder.at(-1)?.rung}`}/4.m4s`;

  for (const delivery of DELIVERIES) {
    await t.test(`${delivery}: removed before it is played`, async () => {
      await rm(join(library, `${named('removed', delivery)}.mp4`));
      const session = await client.start(film(named('removed', delivery)).id, { delivery });
      assert.equal(assertProblem(delivery, await answerOf(await client.fetch(pathOf(session))), scratch).code, 'MEDIA_CHANGED');
      await client.stop(session.sessionId);
    });

    await t.test(`${delivery}: another file in its place`, async () => {
      await copyFile(join(library, '..', 'other.mp4'), join(scratch, 'incoming.mp4'));
      await rename(join(scratch, 'incoming.mp4'), join(library, `${named('replaced', delivery)}.mp4`));
      const session = await client.start(film(named('replaced', delivery)).id, { delivery });
      assert.equal(assertProblem(delivery, await answerOf(await client.fetch(pathOf(session))), scratch).code, 'MEDIA_CHANGED');
      await client.stop(session.sessionId);
    });

    await t.test(`${delivery}: overwritten while it plays`, async () => {
      const session = await client.start(film(named('overwritten', delivery)).id, { delivery });
      const first = pathOf(session).replace('/4.m4s', '/0.m4s');
      assert.equal((await client.fetch(first, { headers: { range: 'bytes=0-99' } })).status, 206);
      const path = join(library, `${named('overwritten', delivery)}.mp4`);
      await writeFile(path, await readFile(join(library, '..', 'other.mp4')));
      await utimes(path, new Date(), new Date(Date.now() + 5_000));
      // What was made before it changed may still be there; what was not is refused, also the second time.
      for (const index of [8, 9]) {
        const answer = await answerOf(await client.fetch(pathOf(session).replace('/4.m4s', `/${index}.m4s`)));
        if (delivery === 'transcode' && answer.status === 200) continue;
        assert.equal(assertProblem(delivery, answer, scratch).code, 'MEDIA_CHANGED');
      }
      await client.stop(session.sessionId);
    });
  }

  const good = await client.start(film('good').id, { delivery: 'remux' });
  readSegment(await client.segment(good, 'video/original', 2));
  await assertHealthy(world);
});
