// A long list of which few pages are held: entered anywhere, or page after page by cursors.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PagedItems } from '../../../src/web/lists/paged-items.js';

type Place = { offset: number; cursor: string | null; limit: number; signal: AbortSignal };

/** A list of numbers, as a server pages it. */
function listOf(length: number, { counts }: { counts: boolean }) {
  const asked: string[] = [];
  const list = new PagedItems(({ offset, cursor, limit }: Place) => {
    const from = counts ? offset : Number(cursor ?? 0);
    asked.push(counts ? `from ${from}` : `after ${cursor}`);
    const items = Array.from({ length: Math.max(0, Math.min(limit, length - from)) }, (_, at) => from + at);
    const nextCursor = from + items.length < length ? String(from + items.length) : null;
    return Promise.resolve({ items, nextCursor, total: counts ? length : null });
  });
  const settled = () => new Promise(resolve => setImmediate(resolve));
  const want = async (first: number, last: number) => {
    list.want(first, last);
    await settled();
  };
  return { list, asked, want };
}

test('a counted list is entered anywhere with one request, and knows its length from the first', async () => {
  const { list, asked, want } = listOf(100_000, { counts: true });
  await want(0, 0);
  assert.deepEqual([list.length, list.isComplete], [100_000, true]);
  await want(77_790, 77_799);
  assert.equal(list.at(77_795), 77_795);
  assert.deepEqual(asked, ['from 0', 'from 77760']);
});

test('however far one goes, few pages are held, and what was given up is had again', async () => {
  const { list, asked, want } = listOf(100_000, { counts: true });
  for (let at = 0; at < 6_000; at += 60) await want(at, at + 59);
  const held = Array.from({ length: 6_000 }, (_, at) => list.at(at)).filter(item => item !== undefined).length;
  assert.ok(held <= 12 * 60, `${held} are held`);
  assert.equal(list.at(0), undefined);
  const before = asked.length;
  await want(0, 5);
  assert.equal(list.at(0), 0);
  assert.equal(asked.length, before + 1);
});

test('a list of cursors grows as one comes to its end, and goes back by the cursors it has seen', async () => {
  const { list, asked, want } = listOf(1_500, { counts: false });
  await want(0, 0);
  assert.deepEqual([list.length, list.isComplete], [61, false]);
  for (let at = 0; !list.isComplete; at += 60) await want(at, list.length - 1);
  assert.equal(list.length, 1_500);
  assert.equal(list.at(1_499), 1_499);
  assert.equal(list.at(5), undefined);
  asked.length = 0;
  await want(0, 59);
  assert.deepEqual([asked, list.at(5)], [['after null'], 5]);
});

test('what fails is told, and asked for again only when a person says so', async () => {
  let isDown = true;
  let count = 0;
  const list = new PagedItems(() => {
    count++;
    return isDown ? Promise.reject(new Error('down')) : Promise.resolve({ items: ['one'], nextCursor: null, total: 1 });
  });
  const again = async () => {
    list.want(0, 0);
    await new Promise(resolve => setImmediate(resolve));
  };
  await again();
  await again();
  assert.equal(count, 1);
  assert.ok(list.failure instanceof Error);
  isDown = false;
  list.retry();
  await again();
  assert.deepEqual([list.failure, list.at(0), list.length], [null, 'one', 1]);
});
