import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FerriteError } from '#domain/errors.ts';
import { addressGroup, LoginLimiter } from '#src/auth/login-limiter.ts';

const WINDOW_MS = 5 * 60_000;

/** The wait it demands, or 0. */
function waitOf(attempt: () => unknown): number {
  try {
    attempt();
    return 0;
  } catch (error) {
    assert.ok(error instanceof FerriteError && error.code === 'TOO_MANY_REQUESTS');
    return error.retryAfterMs ?? 0;
  }
}

test('login limiter: the eleventh attempt for a name within five minutes waits until the first is forgotten', () => {
  const limiter = new LoginLimiter();
  for (let index = 0; index < 10; index++) limiter.begin('anna', `192.0.2.${index}`, 1000 + index);
  assert.equal(
    waitOf(() => limiter.begin('anna', '198.51.100.1', 2000)),
    WINDOW_MS - 1000,
  );
  assert.equal(
    waitOf(() => limiter.begin('bert', '198.51.100.1', 2000)),
    0,
  );
  assert.equal(
    waitOf(() => limiter.begin('anna', '198.51.100.1', 1000 + WINDOW_MS)),
    0,
  );
  assert.ok(waitOf(() => limiter.begin('anna', '198.51.100.1', 1000 + WINDOW_MS)) > 0);
});

test('login limiter: an address has thirty attempts over all names', () => {
  const limiter = new LoginLimiter();
  for (let index = 0; index < 30; index++) limiter.begin(`name${index}`, '192.0.2.1', 1000);
  assert.equal(
    waitOf(() => limiter.begin('other', '192.0.2.1', 1000)),
    WINDOW_MS,
  );
  assert.equal(
    waitOf(() => limiter.begin('other', '192.0.2.2', 1000)),
    0,
  );
});

test('login limiter: an attempt given back does not count', () => {
  const limiter = new LoginLimiter();
  for (let index = 0; index < 100; index++) limiter.begin('anna', '192.0.2.1', 1000 + index)();
});

const GROUPS: readonly [string, string][] = [
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['0000:0000:0000:0000:0000:ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:0db8:0001:0002:ffff:ffff:ffff:ffff', '2001:db8:1:2'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['::1', '0:0:0:0'],
  ['', ''],
];

for (const [address, group] of GROUPS) {
  test(`login limiter: ${address || 'no address'} counts as ${group || 'one'}`, () => assert.equal(addressGroup(address), group));
}
