// What ends the process, and what does not.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';

const MODULE = new URL('../src/process-end.ts', import.meta.url).href;

/** A process that writes its log and what it does on stdout; `script` may use `end` and `say`. */
function run(t: TestContext, script: string) {
  const code = `
    const say = text => process.stdout.write(text + '\\n');
    const log = Object.fromEntries(['info', 'error', 'fatal'].map(level => [level, (facts, text) => say(level + ': ' + (text ?? facts))]));
    const { ProcessEnd } = await import('${MODULE}');
    const end = new ProcessEnd(log);
    const awake = setInterval(() => {}, 1000);
    ${script}`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on('line', line => lines.push(line));
  const ended = once(child, 'exit').then(async ([exitCode]) => ({ exitCode: exitCode as number | null, lines }));
  return { child, lines: reader, ended };
}

test('a rejection that nobody awaits is logged and ends nothing', { timeout: 120_000 }, async t => {
  const { ended } = run(
    t,
    `end.closeWith(async () => say('closing'));
     Promise.reject(new Error('no disk'));
     setTimeout(() => Promise.reject(new Error('still no disk')), 1);
     setTimeout(() => { say('alive'); process.kill(process.pid, 'SIGTERM'); }, 50);`,
  );
  const logged = 'error: a promise was rejected and nobody waited for it';
  assert.deepEqual(await ended, { exitCode: 0, lines: [logged, logged, 'alive', 'info: closing', 'closing', 'info: closed'] });
});

test('a failure that nobody caught closes in order, and is told by the exit code; so is one while that lasts', {
  timeout: 120_000,
}, async t => {
  const once = run(
    t,
    `end.closeWith(async () => { say('closing'); await new Promise(done => setTimeout(done, 10)); say('all closed'); });
     setTimeout(() => { throw new Error('a mistake'); }, 1);`,
  );
  const failure = 'fatal: a failure that nobody caught; closing';
  assert.deepEqual(await once.ended, { exitCode: 1, lines: [failure, 'closing', 'all closed', 'info: closed'] });
  const twice = run(
    t,
    `end.closeWith(() => new Promise(() => {}));
     setTimeout(() => { throw new Error('a mistake'); }, 1);
     setTimeout(() => { throw new Error('another'); }, 20);`,
  );
  assert.deepEqual(await twice.ended, { exitCode: 1, lines: [failure, failure] });
});

test('the second signal does not wait for the first to be obeyed', { timeout: 120_000 }, async t => {
  const { child, lines, ended } = run(t, `end.closeWith(() => new Promise(() => {})); say('ready');`);
  await once(lines, 'line');
  child.kill('SIGTERM');
  await once(lines, 'line');
  child.kill('SIGINT');
  assert.deepEqual((await ended).exitCode, 1);
});
