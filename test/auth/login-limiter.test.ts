import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FerriteError } from '#domain/errors.ts';
import { LoginLimiter } from '#src/auth/login-limiter.ts';

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

test('login limiter: wrong passwords make a name wait at that address, longer each time, and nowhere else', () => {
  const limiter = new LoginLimiter();
  let nowMs = 1_000;
  for (let failure = 0; failure < 5; failure++) limiter.begin('anna', '192.0.2.1', nowMs)('wrong');
  for (const waitMs of [1_000, 2_000, 4_000, 8_000]) {
    assert.equal(
      waitOf(() => limiter.begin('anna', '192.0.2.1', nowMs)),
      waitMs,
    );
    assert.equal(
      waitOf(() => limiter.begin('anna', '192.0.2.2', nowMs)('right')),
      0,
      'from elsewhere',
    );
    assert.equal(
      waitOf(() => limiter.begin('bert', '192.0.2.1', nowMs)('right')),
      0,
      'somebody else',
    );
    nowMs += waitMs;
    limiter.begin('anna', '192.0.2.1', nowMs)('wrong');
  }
  for (let failure = 0; failure < 20; failure++) {
    nowMs += 15 * 60_000;
    limiter.begin('anna', '192.0.2.1', nowMs)('wrong');
  }
  assert.ok(waitOf(() => limiter.begin('anna', '192.0.2.1', nowMs)) <= 15 * 60_000);
  nowMs += 15 * 60_000;
  limiter.begin('anna', '192.0.2.1', nowMs)('right');
  assert.equal(
    waitOf(() => limiter.begin('anna', '192.0.2.1', nowMs)('wrong')),
    0,
    'the right one wipes the slate',
  );
});

test('login limiter: an address has thirty failures over all names, and who signed in there before is not kept out by them', () => {
  const limiter = new LoginLimiter();
  limiter.begin('anna', '192.0.2.1', 999)('right');
  for (let index = 0; index < 30; index++) limiter.begin(`name${index}`, '192.0.2.1', 1_000)('wrong');
  assert.equal(
    waitOf(() => limiter.begin('other', '192.0.2.1', 1_000)),
    WINDOW_MS,
  );
  assert.equal(
    waitOf(() => limiter.begin('other', '192.0.2.2', 1_000)),
    0,
  );
  assert.equal(
    waitOf(() => limiter.begin('anna', '192.0.2.1', 1_000)),
    0,
  );
});

test('login limiter: a name that is guessed from everywhere waits its turn at new addresses, and not where its owner was before', () => {
  const limiter = new LoginLimiter();
  limiter.begin('anna', '198.51.100.1', 1_000)('right');
  for (let index = 0; index < 200; index++) {
    try {
      limiter.begin('anna', `192.0.2.${index}`, 2_000)('wrong');
    } catch {
      // Its turn has not come.
    }
  }
  assert.equal(
    waitOf(() => limiter.begin('anna', '203.0.113.1', 2_000)),
    1_000,
  );
  assert.equal(
    waitOf(() => limiter.begin('anna', '203.0.113.1', 3_000)),
    0,
  );
  assert.equal(
    waitOf(() => limiter.begin('anna', '198.51.100.1', 3_000)),
    0,
  );
});

test('login limiter: an address has eight attempts under way, and right ones count for nothing', () => {
  const limiter = new LoginLimiter();
  const ends = Array.from({ length: 8 }, (_, index) => limiter.begin(`name${index}`, '192.0.2.1', 1_000));
  assert.ok(waitOf(() => limiter.begin('other', '192.0.2.1', 1_000)) > 0);
  for (const end of ends) end('right');
  for (let index = 0; index < 100; index++) limiter.begin('anna', '192.0.2.1', 1_000 + index)('right');
});

test('login limiter: who shows a token has a count of their own', () => {
  const limiter = new LoginLimiter();
  for (let index = 0; index < 5; index++) limiter.begin('anna', '192.0.2.1', 1_000)('wrong');
  for (let index = 0; index < 5; index++) limiter.beginProven('user-anna', 1_000)('wrong');
  assert.equal(
    waitOf(() => limiter.beginProven('user-anna', 1_000)),
    1_000,
  );
  limiter.beginProven('user-bert', 1_000)('right');
});
