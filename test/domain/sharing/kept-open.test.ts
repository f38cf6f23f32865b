// What is kept open between its uses, and when it is closed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FerriteError } from '#domain/errors.ts';
import { KeptOpen } from '#domain/sharing/kept-open.ts';
import { until } from '../../support/until.ts';

function world(options: { maxOpen?: number; idleMs?: number; maxBytes?: number } = {}) {
  const { maxOpen = 2, idleMs = 60_000, maxBytes } = options;
  const [opened, closed]: [string[], string[]] = [[], []];
  const kept = new KeptOpen<string>({
    maxOpen,
    idleMs,
    ...(maxBytes ? { maxBytes: { total: maxBytes, of: name => name.length } } : {}),
    close: async name => void closed.push(name),
  });
  const use = <R>(name: string, work: () => Promise<R>): Promise<R> =>
    kept.use(
      name,
      async () => {
        opened.push(name);
        return name;
      },
      work,
    );
  return { kept, use, opened, closed };
}

const nothing = async (): Promise<void> => undefined;

test('kept open: opened once for all who use it, and closed when others take its room, after its last user', async () => {
  const { use, opened, closed } = world();
  const held = Promise.withResolvers<void>();
  const using = use('a', () => held.promise);
  await Promise.all([use('a', nothing), use('b', nothing)]);
  await use('c', nothing);
  assert.deepEqual([opened, closed], [['a', 'b', 'c'], []]);
  held.resolve();
  await using;
  assert.deepEqual(closed, ['a']);
});

test('kept open: closed when nobody has used it for a while, never under a user', { timeout: 120_000 }, async () => {
  const { use, opened, closed } = world({ idleMs: 10 });
  const held = Promise.withResolvers<void>();
  const using = use('busy', () => held.promise);
  await use('idle', nothing);
  await until(() => closed.length > 0, 'the idle one is closed');
  assert.deepEqual(closed, ['idle']);
  await use('busy', nothing);
  assert.deepEqual(opened, ['busy', 'idle'], 'the one in use is kept for others too');
  held.resolve();
  await using;
  await until(() => closed.length > 1, 'the other one, now that it is idle');
  await use('idle', nothing);
  assert.deepEqual(opened, ['busy', 'idle', 'idle']);
});

test('kept open: what has changed is closed and opened anew; what failed to open is not kept', async () => {
  const { kept, use, opened, closed } = world();
  await assert.rejects(use('a', () => Promise.reject(new FerriteError('MEDIA_CHANGED', 'replaced'))));
  assert.deepEqual(closed, ['a']);
  await assert.rejects(use('a', () => Promise.reject(new FerriteError('MEDIA_UNREADABLE', 'a bad byte'))));
  assert.deepEqual([opened, closed], [['a', 'a'], ['a']]);
  await assert.rejects(kept.use('b', () => Promise.reject(new Error('no such file')), nothing));
  await use('b', nothing);
  kept.close();
  assert.deepEqual(closed.toSorted(), ['a', 'a', 'b']);
});

test('kept open: larger than all that may be kept, it is closed by its user', async () => {
  const { use, closed } = world({ maxBytes: 4 });
  await use('a very long one', nothing);
  assert.deepEqual(closed, ['a very long one']);
});
