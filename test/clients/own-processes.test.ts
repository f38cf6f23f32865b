// A run of the matrix that is ended from outside.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { isRunning, until } from '../support/processes.ts';

const RUN = `
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { ownRun } from ${JSON.stringify(new URL('own-processes.ts', import.meta.url).href)};
ownRun();
const child = spawn('sh', ['-c', 'sleep 600 & echo $!; wait'], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
child.stdout.on('data', text => console.log(child.pid + ' ' + String(text).trim() + ' ' + tmpdir()));
`;

test('a run that is ended by a signal takes with it all that it has started, and its folder', async () => {
  const run = spawn(process.execPath, ['--input-type=module', '-e', RUN], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(run, 'exit');
  const [line] = (await once(createInterface({ input: run.stdout }), 'line')) as [string];
  const [child = '', grandchild = '', folder = ''] = line.split(' ');
  assert.ok(isRunning(Number(grandchild)));
  run.kill('SIGTERM');
  assert.deepEqual(await exited, [143, null]);
  await until('both are gone', () => !isRunning(Number(child)) && !isRunning(Number(grandchild)));
  assert.equal(existsSync(folder), false);
});
