import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';

const PROGRAM = `
  import { returnFreedMemory } from '${new URL('../src/allocator.ts', import.meta.url).href}';
  returnFreedMemory();
  console.log(JSON.stringify({ pid: process.pid, bound: process.env.MALLOC_MMAP_THRESHOLD_, other: process.env.OTHER, last: process.argv.at(-1) }));
`;

async function run(env: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM, 'the last one'], {
    env: { ...env, OTHER: 'kept' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said = JSON.parse(await text(child.stdout)) as { pid: number; bound: string; other: string; last: string };
  return { ...said, spawned: child.pid };
}

test('allocator: the program begins anew as the same process, its arguments and environment kept', {
  skip: process.platform !== 'linux',
}, async () => {
  const { pid, spawned, bound, other, last } = await run({});
  assert.deepEqual({ pid, bound, other, last }, { pid: spawned, bound: String(128 * 1024), other: 'kept', last: 'the last one' });
});

test('allocator: what the operator has set stays', async () => {
  assert.equal((await run({ MALLOC_MMAP_THRESHOLD_: '1048576' })).bound, '1048576');
});
