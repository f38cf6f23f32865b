import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createActor, createMachine, SimulatedClock } from 'xstate';
import { ladder } from '#actors/ladder.ts';

const LINGER_TIMEOUT = 10_000;

/** A ladder under a parent that notes which rungs it was told to give up. */
function start() {
  const clock = new SimulatedClock();
  const retired: string[] = [];
  const parent = createMachine({
    invoke: { id: 'ladder', src: ladder },
    on: { 'rung.retired': { actions: ({ event }) => retired.push(event.rungId) } },
  });
  const actor = createActor(parent, { clock }).start();
  const child = () => actor.getSnapshot().children.ladder;
  return {
    clock,
    retired,
    requested: (rungId: string) => child()?.send({ type: 'rung.requested', rungId }),
    ready: (rungId: string) => child()?.send({ type: 'rung.ready', rungId }),
  };
}

test('ladder: the first rung replaces nothing', () => {
  const { clock, retired, requested, ready } = start();
  requested('720p');
  ready('720p');
  clock.increment(LINGER_TIMEOUT);
  assert.deepEqual(retired, []);
});

test('ladder: the old rung runs out until the new one is ready', () => {
  const { retired, requested, ready } = start();
  requested('720p');
  requested('480p');
  ready('720p');
  assert.deepEqual(retired, []);
  ready('480p');
  assert.deepEqual(retired, ['720p']);
});

test('ladder: the old rung is given up after a while when the new one does not get going', () => {
  const { clock, retired, requested } = start();
  requested('720p');
  requested('480p');
  clock.increment(LINGER_TIMEOUT - 1);
  assert.deepEqual(retired, []);
  clock.increment(1);
  assert.deepEqual(retired, ['720p']);
});

test('ladder: a third rung gives up the first at once and lets the second run out', () => {
  const { clock, retired, requested, ready } = start();
  requested('720p');
  requested('480p');
  clock.increment(LINGER_TIMEOUT - 1);
  requested('360p');
  assert.deepEqual(retired, ['720p']);
  clock.increment(LINGER_TIMEOUT - 1);
  assert.deepEqual(retired, ['720p'], 'the second has a time of its own');
  ready('360p');
  assert.deepEqual(retired, ['720p', '480p']);
});

test('ladder: switching back keeps the old rung and gives up the new one', () => {
  const { clock, retired, requested, ready } = start();
  requested('720p');
  requested('480p');
  requested('720p');
  assert.deepEqual(retired, []);
  ready('480p');
  assert.deepEqual(retired, [], 'the rung that was left again is not the one to wait for');
  clock.increment(LINGER_TIMEOUT);
  assert.deepEqual(retired, ['480p']);
});

test('ladder: switching back and forth gives up only what is not watched', () => {
  const { retired, requested, ready } = start();
  requested('720p');
  for (let round = 0; round < 5; round++) {
    requested('480p');
    requested('720p');
  }
  ready('720p');
  assert.deepEqual(retired, ['480p']);
  requested('480p');
  ready('480p');
  assert.deepEqual(retired, ['480p', '720p']);
});

test('ladder: asking for the same rung again is no switch', () => {
  const { clock, retired, requested, ready } = start();
  requested('720p');
  requested('720p');
  ready('720p');
  clock.increment(LINGER_TIMEOUT);
  requested('480p');
  requested('480p');
  ready('480p');
  ready('480p');
  assert.deepEqual(retired, ['720p']);
});
