import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Silence } from '#src/threads/silence.ts';

/** A silence whose intervals are told one by one. */
function listen(limitMs: number) {
  const told = new EventTarget();
  const silence = new Silence({
    intervalMs: 10,
    limitMs,
    onInterval: () => told.dispatchEvent(new Event('interval')),
    onTooLong: () => told.dispatchEvent(new Event('too long')),
  });
  const next = () => Promise.race(['interval', 'too long'].map(async name => ((await once(told, name))[0] as Event).type));
  return { silence, next };
}

test('silence: who is never heard of is told of', async () => {
  const { next } = listen(30);
  const seen = [];
  // Its timer keeps nothing alive.
  const alive = setInterval(() => undefined, 1000);
  do seen.push(await next());
  while (seen.at(-1) !== 'too long');
  clearInterval(alive);
  assert.ok(seen.length >= 3, seen.join());
});

test('silence: what was told once is not told again', t => {
  let [nowMs, told] = [0, 0];
  t.mock.method(performance, 'now', () => nowMs);
  t.mock.timers.enable({ apis: ['setInterval'] });
  new Silence({ intervalMs: 10, limitMs: 30, onTooLong: () => told++ });
  for (; nowMs < 200; nowMs += 10) t.mock.timers.tick(10);
  assert.equal(told, 1);
});

test('silence: time in which this thread itself did nothing counts as one interval', async () => {
  const { silence, next } = listen(30);
  const alive = setInterval(() => undefined, 1000);
  silence.heard();
  const endsAtMs = performance.now() + 200;
  while (performance.now() < endsAtMs);
  assert.equal(await next(), 'interval');
  silence.close();
  clearInterval(alive);
});
