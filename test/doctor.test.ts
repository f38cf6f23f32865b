// `ferrite doctor` as an operator runs it: the real command, a real measurement.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { inWords } from '#src/doctor.ts';
import { freePort, temporaryFolder } from './support/server.ts';

const CLI = fileURLToPath(new URL('../src/cli.ts', import.meta.url));

type Trial = { name: string; does: string; isProven: boolean; reason: string };
type Diagnosis = {
  isGood: boolean;
  pixelsPerSecond: number | null;
  trials: Trial[];
  checks: { name: string; isGood: boolean; found: string }[];
};

async function doctor(t: TestContext, { args = ['--json'], env = {} }: { args?: string[]; env?: Record<string, string> } = {}) {
  const dataDir = await temporaryFolder(t);
  const settings = { FERRITE_DATA_DIR: dataDir, FERRITE_PORT: String(await freePort()), ...env };
  const { promise, resolve } = Promise.withResolvers<{ code: number; stdout: string }>();
  const environment = { PATH: process.env.PATH, HOME: process.env.HOME, ...settings };
  const child = execFile(process.execPath, [CLI, 'doctor', ...args], { env: environment, timeout: 300_000 }, (_error, stdout) =>
    resolve({ code: child.exitCode ?? -1, stdout }),
  );
  return { dataDir, ...(await promise) };
}

test('doctor: a fit machine is measured, and the measurement kept', { timeout: 300_000 }, async t => {
  const { code, stdout, dataDir } = await doctor(t);
  const { isGood, pixelsPerSecond, checks, trials } = JSON.parse(stdout) as Diagnosis;
  assert.deepEqual([code, isGood], [0, true], stdout);
  assert.ok((pixelsPerSecond ?? 0) > 1_000_000);
  for (const name of ['node', 'machine', 'data folder', 'cache folder', 'port', 'ffmpeg', 'ffprobe', 'encoders', 'encoding'])
    assert.ok(
      checks.some(check => check.name === name && check.found !== ''),
      name,
    );
  assert.ok(trials.find(({ name }) => name === 'libx264')?.isProven);
  for (const { name, isProven, reason } of trials) assert.equal(isProven, reason === '', name);
  assert.ok(existsSync(join(dataDir, 'machine-speed.json')));
});

test('doctor: of hardware it says how fast its trial was, of software only that it works', () => {
  const trial = { does: 'encode', codec: 'h264', device: null, isProven: true, pixelsPerSecond: 92_160_000, reason: '' } as const;
  const trials = [
    { ...trial, kind: 'software', name: 'libx264' },
    { ...trial, kind: 'nvenc', name: 'h264_nvenc' },
  ] as const;
  const words = inWords({ checks: [], pixelsPerSecond: null, trials, isGood: true }).split('\n');
  assert.match(words[0] ?? '', /libx264.*: works$/);
  assert.match(words[1] ?? '', /h264_nvenc.*: works, about 100 frames of 720p a second$/);
});

test('doctor: what is missing is named, and the exit code says so', { timeout: 300_000 }, async t => {
  const scratch = await temporaryFolder(t);
  const file = join(scratch, 'a-file');
  await writeFile(file, '');
  const { code, stdout } = await doctor(t, {
    args: [],
    env: { FERRITE_FFMPEG: join(scratch, 'nothing'), FERRITE_CACHE_DIR: join(file, 'cache') },
  });
  assert.equal(code, 1, stdout);
  assert.match(stdout, /FAIL {2}ffmpeg: .*nothing can not be started/);
  assert.match(stdout, /FAIL {2}cache folder: .*ENOTDIR/);
  assert.match(stdout, /ok {4}ffprobe/);
});
