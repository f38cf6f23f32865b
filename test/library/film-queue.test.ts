// Whose turn it is in the background: each film once, a few at a time, and first whoever is waited for.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { MediaId } from '#domain/ids.ts';
import { FilmQueue } from '#library/film-queue.ts';

/** Each film is worked at until the test says so. */
function start(t: TestContext, parallel: number) {
  const begun: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<void>>();
  const queue = new FilmQueue(parallel, async (id, { signal, isWanted }) => {
    const end = Promise.withResolvers<void>();
    begun.push(isWanted ? `${id}!` : id);
    ends.set(id, end);
    signal.addEventListener('abort', () => end.resolve());
    await end.promise;
  });
  t.after(() => queue.stop());
  const add = (...ids: string[]): void => {
    for (const id of ids) queue.add(id as MediaId);
  };
  const want = (id: string): Promise<void> => queue.want(id as MediaId);
  const end = async (id: string): Promise<void> => {
    ends.get(id)?.resolve();
    // The next one begins in the turns of the loop that follow.
    await new Promise(setImmediate);
  };
  return { queue, begun, add, want, end };
}

test('film queue: so many at a time, each once, in the order in which they were asked for; asked for while it runs means once more', async t => {
  const { begun, add, end } = start(t, 2);
  add('a', 'b', 'c', 'd', 'c', 'a');
  assert.deepEqual(begun, ['a', 'b']);
  await end('b');
  assert.deepEqual(begun, ['a', 'b', 'c'], 'a has to end first');
  await end('a');
  await end('d');
  assert.deepEqual(begun, ['a', 'b', 'c', 'd', 'a']);
});

test('film queue: who is waited for goes first, the latest before all, also while the queue is held', async t => {
  const { queue, begun, add, want, end } = start(t, 1);
  queue.hold();
  add('a', 'b');
  assert.deepEqual(begun, []);
  const waits = [want('c'), want('d'), want('b'), want('b'), want('c')];
  for (const id of ['c', 'b', 'd']) await end(id);
  await Promise.all(waits);
  assert.deepEqual(begun, ['c!', 'b!', 'd!']);
  queue.release();
  await end('a');
  assert.deepEqual(begun, ['c!', 'b!', 'd!', 'a'], 'b has had its turn');
});

test('film queue: a stop ends what runs, lets go whoever waits, and takes no more', async t => {
  const { queue, begun, add, want } = start(t, 1);
  add('a', 'b');
  const waiting = want('c');
  await queue.stop();
  await waiting;
  add('d');
  await want('e');
  assert.deepEqual(begun, ['a']);
});
