// On a simulated clock.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { RightOfWay } from '#src/threads/right-of-way.ts';

function start(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const told: string[] = [];
  const rightOfWay = new RightOfWay();
  for (const name of ['taken', 'given'] as const) rightOfWay.events.on(name, () => told.push(name));
  const viewer = () => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    rightOfWay.during(promise);
    const settled = async (end: () => void) => {
      end();
      await promise.catch(() => undefined);
    };
    return { isAnswered: () => settled(resolve), isRefused: () => settled(() => reject(new Error('refused'))) };
  };
  return { told, viewer, clock: t.mock.timers };
}

test('right of way: is taken by the first who waits and given back a moment after the last was answered, well or not', async t => {
  const { told, viewer, clock } = start(t);
  const [first, second] = [viewer(), viewer()];
  assert.deepEqual(told, ['taken']);
  await first.isAnswered();
  clock.tick(1_000);
  assert.deepEqual(told, ['taken']);
  await second.isRefused();
  assert.deepEqual(told, ['taken']);
  clock.tick(200);
  assert.deepEqual(told, ['taken', 'given']);
});

test('right of way: of a start that asks again at once it is not given back in between', async t => {
  const { told, viewer, clock } = start(t);
  await viewer().isAnswered();
  clock.tick(100);
  const next = viewer();
  clock.tick(1_000);
  assert.deepEqual(told, ['taken']);
  await next.isAnswered();
  clock.tick(200);
  assert.deepEqual(told, ['taken', 'given']);
});

test('right of way: whoever waits for ever has it for a part of the time only', t => {
  const { told, viewer, clock } = start(t);
  viewer();
  for (let passedMs = 0; passedMs < 9_000; passedMs += 50) clock.tick(50);
  assert.deepEqual(told, ['taken', 'given', 'taken', 'given', 'taken', 'given', 'taken'].slice(0, told.length));
  assert.ok(told.length >= 6, told.join());
});
