// Changes that wait to be looked at: each once, and bounded.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChangeQueue } from '#library/watch/change-queue.ts';
import { Settling } from '#library/watch/settling.ts';

const namesOf = (queue: ChangeQueue) => queue.take().map(({ rootIndex, name }) => `${rootIndex}:${name}`);

test('change queue: a place that changes twice waits once, and what is taken waits no more', () => {
  const queue = new ChangeQueue();
  for (const name of ['a', 'b', 'a']) queue.add({ rootIndex: 0, name });
  queue.add({ rootIndex: 1, name: 'a' });
  assert.deepEqual([queue.size, namesOf(queue), queue.size], [3, ['0:a', '0:b', '1:a'], 0]);
});

test('change queue: too many changes become their folders, and too many folders the whole, which nothing is added to', () => {
  const queue = new ChangeQueue(4, 2);
  for (const name of ['f/a', 'f/b', 'f/c', 'g/a', 'g/b']) queue.add({ rootIndex: 0, name });
  assert.deepEqual(namesOf(queue), ['0:f', '0:g']);
  for (const name of ['f/a', 'g/a', 'h/a', 'i/a', 'j/a', 'k/a']) queue.add({ rootIndex: 0, name });
  assert.deepEqual(namesOf(queue), ['0:']);
  for (const name of ['f/a', 'g/a', 'h/a', 'i/a', 'j']) queue.add({ rootIndex: 0, name });
  assert.deepEqual(namesOf(queue), ['0:']);
});

test('settling: a file has come to rest when it was not written for a while, by its clock or by ours', () => {
  let nowMs = 10_000;
  const settling = new Settling(2_000, () => nowMs);
  const look = (byteLength: number, mtimeMs: number) => settling.isSettled({ path: '/a', byteLength, mtimeMs });
  assert.equal(look(1, 8_000), true);
  assert.equal(look(1, 9_000), false);
  nowMs = 10_500;
  assert.equal(look(2, 10_400), false);
  // A clock that is ahead: two looks tell.
  assert.equal(look(2, 99_000), false);
  nowMs = 12_500;
  assert.equal(look(2, 99_000), true);
});
