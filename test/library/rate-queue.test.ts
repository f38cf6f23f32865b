// Rates measured in the background: each film once, kept with its record, and no failure stops the next.
import assert from 'node:assert/strict';
import { copyFile, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { type FilmRates, RATES_FORMAT } from '#domain/delivery/film-rates.ts';
import { FerriteError } from '#domain/errors.ts';
import type { Media } from '#domain/media.ts';
import { RateQueue, type RateQueueOptions } from '#library/rate-queue.ts';
import { makeFilm, temporaryFolder } from '../support/run-tool.ts';
import { makeWorld } from './support.ts';

const RATES: FilmRates = { format: RATES_FORMAT, targetMs: 2_000, videoCopy: null, audioCopy: [], audioEncode: [], demand: null };
const log = { info: () => {}, warn: () => {} };

test('rate queue: a film is measured once, after a restart or for other segments again, and what was replaced meanwhile is not written', async t => {
  const film = join(await temporaryFolder(t), 'film.mp4');
  await makeFilm(film);
  const wanted: Media['id'][] = [];
  const world = await makeWorld(t, { onListed: id => wanted.push(id) });
  for (const name of ['a.mp4', 'b.mp4']) await copyFile(film, join(world.root, name));
  await world.scan();
  assert.equal(new Set(wanted).size, 2, 'the scan says what it has listed');
  const { media, keyframeMaps: keyframes } = world.database;
  const measured: string[] = [];
  const measure: RateQueueOptions['measure'] = async ({ title }, map) => {
    assert.ok(map.video.keyframes.length > 0);
    measured.push(title);
    if (measured.length === 1) throw new FerriteError('INSPECTOR_LOST', 'it was lost');
    return { rates: RATES, cpuSeconds: 1 };
  };
  const queue = (changes: Partial<RateQueueOptions> = {}): RateQueue => {
    const made = new RateQueue({ media, keyframes, measure, targetMs: 2_000, log, ...changes });
    t.after(() => made.stop());
    return made;
  };
  const run = async (made: RateQueue): Promise<string[]> => {
    measured.splice(0);
    made.resume();
    await made.whenIdle();
    return measured.toSorted();
  };
  const rated = (): number => world.media().filter(({ rates }) => rates !== undefined).length;
  assert.deepEqual(await run(queue()), ['A', 'B']);
  assert.equal(rated(), 1, 'the first failed, the second did not');
  const again = queue({ measure: async () => ({ rates: RATES, cpuSeconds: 1 }) });
  await run(again);
  assert.equal(rated(), 2);
  assert.deepEqual(await run(queue()), [], 'nothing is left');
  assert.deepEqual(
    await run(queue({ targetMs: 6_000, measure: async () => ({ rates: { ...RATES, targetMs: 6_000 }, cpuSeconds: 1 }) })),
    [],
  );
  assert.ok(world.media().every(({ rates }) => rates?.targetMs === 6_000));

  const replaced = queue({
    measure: async ({ id }) => {
      const now = media.get(id);
      assert.ok(now);
      await media.put({ ...now, version: 'another' });
      return { rates: RATES, cpuSeconds: 1 };
    },
  });
  await run(replaced);
  assert.ok(
    world.media().every(({ rates }) => rates?.targetMs === 6_000),
    'what was measured was another file',
  );
});

test('rate queue: a film that can not be measured is tried twice, and again when its file is another; one that was only slow each time', async t => {
  const film = join(await temporaryFolder(t), 'film.mp4');
  await makeFilm(film);
  const world = await makeWorld(t);
  await copyFile(film, join(world.root, 'a.mp4'));
  await world.scan();
  const { media, keyframeMaps: keyframes } = world.database;
  const starts = async (count: number, code: 'INSPECTION_DEFERRED' | 'INSPECTOR_LOST', targetMs = 2_000): Promise<number> => {
    let tried = 0;
    const measure: RateQueueOptions['measure'] = async () => {
      tried++;
      throw new FerriteError(code, 'no');
    };
    for (let start = 0; start < count; start++) {
      const queue = new RateQueue({ media, keyframes, measure, targetMs, log });
      queue.resume();
      await queue.whenIdle();
      await queue.stop();
    }
    return tried;
  };
  assert.equal(await starts(3, 'INSPECTION_DEFERRED'), 3);
  assert.equal(await starts(4, 'INSPECTOR_LOST'), 2);
  assert.equal(await starts(1, 'INSPECTOR_LOST', 6_000), 1, 'for other segments it was never tried');
  await utimes(join(world.root, 'a.mp4'), 1, 1);
  await world.scan();
  assert.equal(await starts(4, 'INSPECTOR_LOST'), 2);
});
