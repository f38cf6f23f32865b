// How far a viewer has come in a film, whichever of its files was watched.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { itemProgress, partAt } from '#domain/catalogue/item-progress.ts';
import type { MediaId } from '#domain/ids.ts';
import type { Progress } from '#domain/media.ts';

const file = (id: string, durationMs = 100) => ({ id: id as MediaId, durationMs });
const at = (positionMs: number, updatedAtMs: number, watched = false): Progress => ({ positionMs, durationMs: 100, watched, updatedAtMs });
const of = (saved: Record<string, Progress>) => (id: MediaId) => saved[id];
const TWO = [[file('sharp')], [file('small')]];
const PARTS = [[file('cd1', 100), file('cd2', 50)]];

test('progress of an item: the newest of its versions counts, and what was never watched has none', () => {
  assert.equal(itemProgress(TWO, of({})), null);
  assert.deepEqual(itemProgress(TWO, of({ sharp: at(90, 1, true), small: at(20, 2) })), { mediaId: 'small', progress: at(20, 2) });
  assert.deepEqual(itemProgress(TWO, of({ sharp: at(0, 3, true), small: at(20, 2) }))?.progress, at(0, 3, true));
});

test('progress of an item: parts follow each other', () => {
  const whole = (saved: Record<string, Progress>) => {
    const { positionMs, durationMs, watched } = itemProgress(PARTS, of(saved))?.progress ?? assert.fail();
    return [positionMs, durationMs, watched];
  };
  assert.deepEqual(whole({ cd1: at(30, 1) }), [30, 150, false]);
  assert.deepEqual(whole({ cd1: at(97, 1, true) }), [100, 150, false]);
  assert.deepEqual(whole({ cd1: at(97, 1, true), cd2: at(10, 2) }), [110, 150, false]);
  assert.deepEqual(whole({ cd1: at(97, 1, true), cd2: at(49, 2, true) }), [149, 150, true]);
  assert.deepEqual(partAt(PARTS[0] ?? [], 110), { id: 'cd2', positionMs: 10 });
  assert.deepEqual(partAt(PARTS[0] ?? [], 9_999), { id: 'cd2', positionMs: 9_899 });
});
