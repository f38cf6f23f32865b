// Random operations on saved progress beside a model that is simple enough to be believed. A failure names its seed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MediaId, newUserId, type UserId } from '#domain/ids.ts';
import type { Media } from '#domain/media.ts';
import { randomOf, startProgress } from './support.ts';

const SEEDS = [11, 22, 33];
const STEPS = 400;
const PAGE = { limit: 50, cursor: null };

type Record = { positionMs: number; watched: boolean; updatedAtMs: number; isHidden: boolean };

/** One record a user and file; a film is its newest record; nothing else. */
class Model {
  readonly records = new Map<string, Record>();
  history = 0;

  write(user: UserId, media: Media, positionMs: number, told: { watched?: boolean | undefined; updatedAtMs: number }): void {
    const before = this.records.get(`${user} ${media.id}`);
    if (before !== undefined && before.updatedAtMs > told.updatedAtMs) return;
    const watched = told.watched ?? positionMs >= media.durationMs * 0.9;
    if (watched && before?.watched !== true) this.history++;
    this.records.set(`${user} ${media.id}`, { positionMs, watched, updatedAtMs: told.updatedAtMs, isHidden: false });
  }

  newest(user: UserId, files: readonly Media[]): { id: MediaId; record: Record } | null {
    const found = files.flatMap(({ id }) => {
      const record = this.records.get(`${user} ${id}`);
      return record === undefined ? [] : [{ id, record }];
    });
    return found.toSorted((a, b) => b.record.updatedAtMs - a.record.updatedAtMs)[0] ?? null;
  }
}

for (const seed of SEEDS) {
  test(`progress: behaves as the model does, whatever is done to it (seed ${seed})`, async t => {
    const clock = { now: 1_000_000 };
    const { saved, database, film } = await startProgress(t, { now: () => clock.now });
    const users = [newUserId(), newUserId(), newUserId()];
    const films = [await film('One', 2), await film('Two', 1), await film('Three', 3), await film('Four', 1)];
    const random = randomOf(seed);
    const model = new Model();
    const pick = <T>(all: readonly T[]): T => all[random(all.length)] as T;
    const pending: Promise<unknown>[] = [];

    const steps: Readonly<{ [name: string]: (user: UserId, files: readonly Media[]) => void }> = {
      beat: (user, files) => {
        const [media, positionMs] = [pick(files), random(1_000_001)];
        model.write(user, media, positionMs, { updatedAtMs: clock.now });
        pending.push(saved.beat(user, media, { positionMs }));
      },
      'put of another time': (user, files) => {
        const [media, positionMs] = [pick(files), random(1_000_001)];
        const updatedAtMs = clock.now - 5_000 + random(10_000);
        const watched = pick([undefined, undefined, true, false]);
        model.write(user, media, positionMs, { watched, updatedAtMs: Math.min(updatedAtMs, clock.now) });
        pending.push(saved.save(user, media, { positionMs, watched, updatedAtMs }));
      },
      mark: (user, files) => {
        const [media, watched] = [pick(files), pick([true, false])];
        const newest = model.newest(user, files)?.record;
        const isSo = newest === undefined ? !watched : newest.watched === watched && (watched || newest.positionMs === 0);
        if (!isSo) model.write(user, media, 0, { watched, updatedAtMs: clock.now });
        pending.push(saved.mark(user, [media], { watched }));
      },
      hide: (user, files) => {
        for (const { id } of files) {
          const record = model.records.get(`${user} ${id}`);
          if (record !== undefined) record.isHidden = true;
        }
        pending.push(saved.hide(user, pick(files).id));
      },
      forget: (user, files) => {
        for (const { id } of files) model.records.delete(`${user} ${id}`);
        pending.push(saved.forget(user, pick(files).id));
      },
    };

    for (let step = 0; step < STEPS; step++) {
      // A time of its own for each: of equal times over versions the order is nobody's business.
      clock.now += 1 + random(2_000);
      const name = pick(Object.keys(steps));
      steps[name]?.(pick(users), pick(films));
      // Mostly several are on their way at once.
      if (random(5) > 0) continue;
      await Promise.all(pending.splice(0));
      compare(`step ${step}, after ${name}`);
    }
    await Promise.all(pending);
    compare('the end');

    function compare(when: string): void {
      for (const user of users) {
        const found = new Map(
          [...database.progress.ofUser(user)].map(({ mediaId, progress, isHidden }) => [mediaId, { ...progress, isHidden }]),
        );
        for (const files of films) {
          for (const media of files) {
            const { durationMs: _, ...record } = found.get(media.id) ?? { durationMs: 0 };
            assert.deepEqual(record, model.records.get(`${user} ${media.id}`) ?? {}, when);
          }
        }
        const expected = films
          .flatMap(files => model.newest(user, files) ?? [])
          .filter(({ record: { watched, isHidden, positionMs } }) => !watched && !isHidden && positionMs >= 30_000 && positionMs <= 950_000)
          .toSorted((a, b) => b.record.updatedAtMs - a.record.updatedAtMs);
        const listed = saved.list(user, PAGE, { all: false, isShown: () => true }).items;
        assert.deepEqual(
          listed.map(({ mediaId }) => mediaId),
          expected.map(({ id }) => id),
          when,
        );
      }
      const history = users.reduce((count, user) => count + [...database.history.ofUser(user)].length, 0);
      assert.equal(history, model.history, when);
    }
  });
}
