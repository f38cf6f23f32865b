import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FerriteError } from '#domain/errors.ts';
import { EXIT, exitCodeOf, inOneLine, StartFailure } from '#src/start-failure.ts';

test('start failure: one line tells what failed and what the system said, and never quotes a record of the store', () => {
  const system = Object.assign(new Error('EACCES: permission denied,\n  open'), { code: 'EACCES' });
  assert.equal(
    inOneLine(new FerriteError('STORAGE_FAILED', 'the keys can not be read', { cause: system })),
    'the keys can not be read: EACCES: permission denied, open',
  );
  const damaged = new StartFailure(EXIT.storeDamaged, 'the store is damaged', { cause: new Error('end of buffer {"passwordHash":"x"}') });
  assert.deepEqual([inOneLine(damaged), exitCodeOf(damaged)], ['the store is damaged', 4]);
  assert.deepEqual([inOneLine(new TypeError('a bug')), exitCodeOf(new TypeError('a bug'))], ['TypeError: a bug', 1]);
});
