// Changes on their way to the store.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MediaId, newUserId } from '#domain/ids.ts';
import { ChangeQueue } from '#src/progress/change-queue.ts';
import type { Transaction } from '#storage/environment.ts';

const ANNA = newUserId();
const NO_STORE = {} as Transaction;

/** A store whose transactions end when the test says so. */
function slowStore() {
  const written: string[][] = [];
  const ends: ((error?: Error) => void)[] = [];
  const into: string[] = [];
  const queue = new ChangeQueue(async action => {
    action(NO_STORE);
    written.push(into.splice(0));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    ends.push(error => (error ? reject(error) : resolve()));
    await promise;
  });
  const say = (film: string | null, text: string, kind = 'beat') =>
    queue.add(ANNA, film === null ? null : { mediaId: film as MediaId, kind }, () => {
      into.push(text);
      return text;
    });
  const begun = async (count: number) => {
    while (ends.length < count) await new Promise(resolve => setImmediate(resolve));
  };
  return { queue, written, ends, say, begun };
}

test('changes: what arrives while a transaction is written goes into the next one, of one kind only the last', async () => {
  const { queue, written, ends, say, begun } = slowStore();
  const first = say('a', 'a1');
  await begun(1);
  const later = [say('a', 'a2'), say('b', 'b1'), say('a', 'a3')];
  assert.equal(queue.size, 2);
  const settled = queue.settled();
  ends[0]?.();
  assert.equal(await first, 'a1');
  await begun(2);
  ends[1]?.();
  assert.deepEqual(await Promise.all(later), ['a3', 'b1', 'a3']);
  assert.deepEqual(written, [['a1'], ['a3', 'b1']]);
  await settled;
  assert.equal(queue.size, 0);
});

test('changes: nothing is replaced across another kind or a change of the user’s own', async () => {
  const { written, ends, say, begun } = slowStore();
  const all = [say('a', 'a1')];
  await begun(1);
  all.push(say('a', 'a2'), say('a', 'end', 'end'), say('a', 'a3'), say(null, 'put'), say('a', 'a4'));
  ends[0]?.();
  await begun(2);
  ends[1]?.();
  await Promise.all(all);
  assert.deepEqual(written[1], ['a2', 'end', 'a3', 'put', 'a4']);
});

test('changes: a transaction that fails is told to all whose changes were in it, and the next one is written', async () => {
  const { ends, say, begun } = slowStore();
  const lost = [say('a', 'a1'), say(null, 'put')].map(promise => assert.rejects(promise, /full/));
  await begun(1);
  const kept = say('a', 'a2');
  ends[0]?.(new Error('the disk is full'));
  await Promise.all(lost);
  await begun(2);
  ends[1]?.();
  assert.equal(await kept, 'a2');
});
