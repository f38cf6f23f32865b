// Real inspectors: what they answer, and what becomes of a file that ends or stalls one.
import assert from 'node:assert/strict';
import { chmod, copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { ErrorCode } from '#domain/errors.ts';
import { InspectionPool } from '#src/threads/inspection-pool.ts';
import type { InspectionBounds } from '#src/threads/inspector-process.ts';
import { RightOfWay } from '#src/threads/right-of-way.ts';
import { SpawnerProcess } from '#src/threads/spawner-process.ts';
import { makeFilm, temporaryFolder } from '../support/run-tool.ts';
import { isAlive, until } from '../support/until.ts';

const DEADLINE = { timeout: 300_000 };

/** An ffprobe that never answers for a file named so, and tells its pid instead. */
const PROBE = `#!/bin/sh
for path; do :; done
case "$path" in *harmful*) echo $$ > "\${path#file:}.pid"; exec sleep 1000;; esac
exec ffprobe "$@"
`;

async function start(t: TestContext, bounds?: InspectionBounds) {
  const folder = await temporaryFolder(t);
  const ffprobePath = join(folder, 'ffprobe');
  await writeFile(ffprobePath, PROBE);
  await chmod(ffprobePath, 0o755);
  const [good, harmful] = [join(folder, 'good.mp4'), join(folder, 'harmful.mp4')];
  await makeFilm(good);
  await copyFile(good, harmful);
  const spawner = await SpawnerProcess.start(() => undefined);
  const pool = new InspectionPool({
    spawnerSocketPath: spawner.socketPath,
    ffmpegPath: 'ffmpeg',
    ffprobePath,
    rightOfWay: new RightOfWay(),
    ...(bounds && { bounds }),
  });
  t.after(async () => {
    await pool.close();
    await spawner.close();
  });
  const inspect = (path: string, signal = new AbortController().signal) => pool.inspect(path, signal);
  return { pool, good, harmful, inspect, inspectors: () => inspectorsOf(spawner.socketPath), socketPath: spawner.socketPath };
}

async function inspectorsOf(socketPath: string): Promise<number[]> {
  const pids = (await readdir('/proc')).map(Number).filter(pid => pid > 0);
  const lines = await Promise.all(pids.map(pid => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return pids.filter((_, at) => lines[at]?.includes('inspector.ts') && lines[at]?.includes(socketPath));
}

async function probeOf(path: string): Promise<number> {
  const read = async () => Number(await readFile(`${path}.pid`, 'utf8').catch(() => 0));
  await until(async () => (await read()) > 0, 'its ffprobe runs');
  return await read();
}

const rejects = (promise: Promise<unknown>, code: ErrorCode) => assert.rejects(promise, { code });

test('inspection pool: a film is read, its poster cut, and what is no film refused with its reason', DEADLINE, async t => {
  const { pool, good, inspect, inspectors } = await start(t);
  const { streams, keyframes } = await inspect(good);
  assert.deepEqual([streams.video[0]?.width, keyframes.copyMethod, keyframes.video.keyframes.length], [128, 'mp4', 3]);
  const jpeg = await pool.poster({ path: good, atMs: [1001], width: 64 }, new AbortController().signal);
  assert.deepEqual([jpeg[0], jpeg[1]], [0xff, 0xd8]);
  await assert.rejects(inspect('/nowhere/at/all.mp4'), { code: 'MEDIA_UNREADABLE', message: 'the file is gone' });
  // One file after the other needs one inspector.
  assert.equal((await inspectors()).length, 1);
});

test('inspection pool: an inspector may take so much memory and no more, and lets others go first', DEADLINE, async t => {
  const { good, inspect, inspectors } = await start(t);
  await inspect(good);
  const [pid = 0] = await inspectors();
  const limits = await readFile(`/proc/${pid}/limits`, 'utf8');
  assert.match(limits, /^Max data size +805306368 +805306368/m);
  assert.match(limits, /^Max core file size +0 +0/m);
});

/** Less than an inspector can read a file with. */
const LITTLE_WORK: InspectionBounds = { workMs: 10, silentMs: 60_000 };
/** A few of its signs of life. */
const LITTLE_SILENCE: InspectionBounds = { workMs: 60_000, silentMs: 5_000 };

for (const { what, code, bounds, signal } of [
  { what: 'ends its inspector', code: 'INSPECTOR_LOST', bounds: undefined, signal: 'SIGKILL' },
  { what: 'takes more work than it may', code: 'INSPECTOR_LOST', bounds: LITTLE_WORK, signal: undefined },
  { what: 'waits for long without any work', code: 'INSPECTION_DEFERRED', bounds: LITTLE_SILENCE, signal: 'SIGSTOP' },
] as const) {
  test(`inspection pool: a file that ${what} is told so, takes what it started along, and the next is read`, DEADLINE, async t => {
    const { good, harmful, inspect, inspectors } = await start(t, bounds);
    const failed = rejects(inspect(harmful), code);
    const probe = await probeOf(harmful);
    const [pid = 0] = await inspectors();
    if (signal !== undefined) process.kill(pid, signal);
    await failed;
    await until(() => !isAlive(probe) && !isAlive(pid), 'both are gone');
    if (bounds === undefined) assert.equal((await inspect(good)).durationMs, 3000);
  });
}

test('inspection pool: who does not wait any more ends the inspection, and a closed pool leaves nothing', DEADLINE, async t => {
  const { pool, good, harmful, inspect, inspectors } = await start(t);
  const abort = new AbortController();
  const cancelled = rejects(inspect(harmful, abort.signal), 'CANCELLED');
  const probe = await probeOf(harmful);
  abort.abort();
  await cancelled;
  await until(() => !isAlive(probe), 'its ffprobe is gone');
  await inspect(good);
  await pool.close();
  await until(async () => (await inspectors()).length === 0, 'no inspector is left');
  await rejects(inspect(good), 'DRAINING');
});
