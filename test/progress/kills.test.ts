// What was acknowledged outlives the process.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeDataDir } from '../storage/support.ts';
import { killSavers } from './kills.ts';

test('progress: a process is killed five times in the midst of its writes, and none that it acknowledged is lost', async t => {
  const { acknowledged, lost } = await killSavers(await makeDataDir(t), { kills: 5, seed: 7 });
  assert.deepEqual(lost, []);
  assert.ok(acknowledged >= 5);
});
