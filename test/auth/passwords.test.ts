import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FerriteError } from '#domain/errors.ts';
import { checkCredentials } from '#src/auth/credentials.ts';
import { NO_PASSWORD, Passwords } from '#src/auth/passwords.ts';

const passwords = await Passwords.create();

test('passwords: are kept as argon2id with the parameters of OWASP, each time another text', async () => {
  const [first, second] = await Promise.all([passwords.hash('a good one'), passwords.hash('a good one')]);
  assert.match(first, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  assert.notEqual(first, second);
  assert.equal(await passwords.verify('a good one', first), true);
  assert.equal(await passwords.verify('a bad one', first), false);
});

test('passwords: composed and decomposed letters are the same password', async () => {
  assert.equal(await passwords.verify('cafe\u0301 au lait', await passwords.hash('caf\u00e9 au lait')), true);
});

test('passwords: nothing matches a user that does not exist or has none, and the answer takes as long', async () => {
  const encoded = await passwords.hash('a good one');
  const timeMs = async (known: string | null): Promise<number> => {
    const startMs = performance.now();
    assert.equal(await passwords.verify('wrong', known), false);
    return performance.now() - startMs;
  };
  const fastest: Record<string, number> = {};
  for (let round = 0; round < 5; round++) {
    for (const [name, known] of Object.entries({ real: encoded, missing: null, none: NO_PASSWORD })) {
      fastest[name] = Math.min(fastest[name] ?? Number.POSITIVE_INFINITY, await timeMs(known));
    }
  }
  const { real = 0, missing = 0, none = 0 } = fastest;
  assert.ok(missing > real / 2 && none > real / 2, JSON.stringify(fastest));
});

test('passwords: a storm of sign-ins waits in a bounded line, and the rest is refused at once', async () => {
  const outcomes = await Promise.allSettled(Array.from({ length: 80 }, () => passwords.verify('wrong', null)));
  const refused = outcomes.filter(outcome => outcome.status === 'rejected');
  assert.equal(refused.length, 80 - 66);
  for (const { reason } of refused) assert.ok(reason instanceof FerriteError && reason.code === 'TOO_MANY_REQUESTS');
  assert.equal(await passwords.verify('wrong', null), false);
});

test('credentials: every offending field is named, and nothing of a password is repeated', () => {
  const check = () => checkCredentials({ username: 'no spaces', password: 'short' });
  assert.throws(check, (error: unknown) => {
    assert.ok(error instanceof FerriteError);
    assert.deepEqual(
      error.fields.map(field => field.path),
      ['/username', '/password'],
    );
    assert.equal(JSON.stringify([error.message, error.fields]).includes('short'), false);
    return error.code === 'INVALID_REQUEST';
  });
});

const RULES: readonly [field: 'username' | 'password', text: string, isGood: boolean][] = [
  ['username', 'a', true],
  ['username', 'Zoë.müller_2@home:x-y', true],
  ['username', 'x'.repeat(64), true],
  ['username', 'x'.repeat(65), false],
  ['username', '', false],
  ['username', 'a/b', false],
  ['username', 'a\n', false],
  ['password', '1234567', false],
  ['password', '12345678', true],
  ['password', 'x'.repeat(200), true],
  ['password', 'x'.repeat(201), false],
];

for (const [field, text, isGood] of RULES) {
  test(`credentials: a ${field} of ${text.length} characters, ${JSON.stringify(text.slice(0, 24))}, is ${isGood ? 'accepted' : 'refused'}`, () => {
    const check = () => checkCredentials({ [field]: text });
    if (isGood) check();
    else assert.throws(check, { code: 'INVALID_REQUEST' });
  });
}
