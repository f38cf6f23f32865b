import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SetupGuard } from '#src/auth/setup-guard.ts';

const headers = (values: Record<string, string>) => (name: string) => values[name] ?? '';

test('setup guard: at the machine itself no code is asked for; for another name, or through a proxy, it is', () => {
  const told: string[] = [];
  const guard = new SetupGuard('127.0.0.1', code => told.push(code));
  guard.announce();
  for (const host of ['127.0.0.1:8096', 'localhost', '[::1]:8096', 'LOCALHOST:1'])
    assert.equal(guard.asksFor(headers({ host })), false, host);
  assert.deepEqual(told, []);
  for (const values of [
    { host: 'evil.test:8096' },
    { host: '127.0.0.1.evil.test' },
    { host: '192.0.2.1' },
    { host: '' },
    { host: 'localhost', 'x-forwarded-for': '192.0.2.1' },
    { host: 'localhost', forwarded: 'for=192.0.2.1' },
  ] as Record<string, string>[])
    assert.equal(guard.asksFor(headers(values)), true, JSON.stringify(values));
  assert.equal(told.length, 1, 'and it is told once');
});

test('setup guard: where strangers reach the port, the code of the log is needed, as people type it', () => {
  for (const host of ['0.0.0.0', '::', '192.0.2.1', 'films.test']) {
    const told: string[] = [];
    const guard = new SetupGuard(host, code => told.push(code));
    guard.announce();
    const [code = ''] = told;
    assert.match(code, /^[A-Z0-9]{4}-[A-Z0-9]{4}-[A-Z0-9]{4}$/);
    const local = headers({ host: 'localhost' });
    for (const wrong of [undefined, '', 'AAAA-AAAA-AAAA', code.slice(0, -1)])
      assert.throws(() => guard.check(local, wrong), { code: 'SETUP_CODE_NEEDED' });
    for (const right of [code, code.toLowerCase(), ` ${code.replaceAll('-', ' ')} `]) guard.check(local, right);
  }
});
