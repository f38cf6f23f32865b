import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { processorMs } from '#src/threads/processor-time.ts';
import { until } from '../support/until.ts';

const ENOUGH_MS = 50;

test('processor time: who works has some, who was stopped has no more, and of who is gone it can not be told', {
  skip: !existsSync('/proc/self/stat'),
}, async t => {
  // Its name has spaces and parentheses.
  const busy = spawn('sh', ['-c', 'while :; do :; done'], { argv0: 'a) b (c' });
  t.after(() => busy.kill('SIGKILL'));
  const { pid = 0 } = busy;
  await until(() => (processorMs(pid) ?? 0) >= ENOUGH_MS, 'it has worked');
  busy.kill('SIGSTOP');
  const mine = () => processorMs(process.pid) ?? 0;
  const [stoppedAt, mineAt] = [processorMs(pid) ?? 0, mine()];
  while (mine() < mineAt + 2 * ENOUGH_MS);
  assert.ok((processorMs(pid) ?? 0) <= stoppedAt + ENOUGH_MS);
  busy.kill('SIGKILL');
  await once(busy, 'exit');
  assert.equal(processorMs(pid), null);
});
