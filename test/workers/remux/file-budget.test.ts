import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FileBudget } from '#workers/remux/file-budget.ts';
import { heldByteLength } from '#workers/remux/sample-table.ts';

const FILM_BYTES = 8 * 1024 ** 3;

test('file budget: ten hours at 60 pictures a second, each a keyframe, with eight tracks of sound are no more than a film may have', () => {
  const budget = new FileBudget(FILM_BYTES);
  const pictures = 10 * 3600 * 60;
  const frames = Math.ceil((10 * 3600 * 48_000) / 1024);
  budget.take('samples', pictures + 8 * frames);
  budget.take('keyframes', pictures);
  // Fragments of one frame each: eight boxes around it.
  budget.take('elements', 8 * (pictures + frames));
});

test('file budget: a small file has room for less than a large one, and no count that is no number passes', () => {
  const many = 1_000_000;
  new FileBudget(FILM_BYTES).take('samples', many);
  assert.throws(() => new FileBudget(200_000).take('samples', many), { code: 'MEDIA_UNREADABLE', message: /too many samples/ });
  assert.throws(() => new FileBudget(FILM_BYTES).take('samples', 2 ** 32), { code: 'MEDIA_UNREADABLE' });
  assert.throws(() => new FileBudget(FILM_BYTES).take('samples', Number.NaN), { code: 'MEDIA_UNREADABLE' });
});

test('file budget: all of a file is counted together', () => {
  const budget = new FileBudget(0);
  const half = 40_000;
  budget.take('samples', half);
  assert.throws(() => budget.take('samples', half), { code: 'MEDIA_UNREADABLE' });
});

test('file budget: a long loop lets the thread do its other work between two stretches', async () => {
  const budget = new FileBudget(0);
  let turns = 0;
  let stretches = 0;
  const count = () => {
    turns++;
    immediate = setImmediate(count);
  };
  let immediate = setImmediate(count);
  let covered = 0;
  for await (const { from, to } of budget.stretches(200_000)) {
    assert.equal(from, covered);
    covered = to;
    stretches++;
    // Work that takes longer than a turn may.
    while (!budget.isTurnOver);
  }
  clearImmediate(immediate);
  assert.equal(covered, 200_000);
  assert.ok(stretches > 5 && turns >= stretches - 1, `${turns} turns in ${stretches} stretches`);
});

test('sample tables: what an index holds is counted by its buffers, a part of one as the whole and a shared one once', () => {
  const column = new Float64Array(1000);
  assert.equal(heldByteLength([column.subarray(0, 10), column, null, new Uint32Array(10)]), 8040);
});
