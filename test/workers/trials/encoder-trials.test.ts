// Encoders are tried with real pictures: those of this machine, and a hardware that is x264 in disguise and fails in every way.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { HardwareKind } from '#domain/encoders.ts';
import type { RunTool } from '#workers/programs/run-tool.ts';
import { type TrialOptions, tryEncoders } from '#workers/trials/encoder-trials.ts';
import { FakeHardware, type FakeMode, toolsAt } from '../../support/fake-hardware.ts';
import { runTool, temporaryFolder } from '../../support/run-tool.ts';

const tried = (how: Partial<TrialOptions> & { runTool: RunTool }) =>
  tryEncoders({ software: false, hardware: [], signal: new AbortController().signal, ...how });

test('encoders in software are proven by their pictures, and one that has keyframes elsewhere than asked is not', async () => {
  const trials = await tried({ runTool, software: true });
  const outcome = new Map(trials.map(trial => [trial.name, trial]));
  for (const name of ['libx264', 'libx265', 'libaom-av1']) {
    const trial = outcome.get(name);
    assert.deepEqual([trial?.isProven, trial?.reason], [true, ''], name);
    assert.ok((trial?.pixelsPerSecond ?? 0) > 100_000, name);
  }
  const svt = outcome.get('libsvtav1');
  if (svt && !svt.isProven) assert.match(svt.reason, /^keyframes at pictures 0/);
});

const FAILURES: readonly (readonly [FakeMode, RegExp])[] = [
  ['first', /^the device went away$/],
  ['middle', /^the device broke down$/],
  ['hang', /took too long/],
  ['black', /^its pictures are not those that went in$/],
  ['no-keyframes', /^keyframes at pictures 0 instead of 0 and 24$/],
];

test('hardware whose pictures come back is proven, with its speed; one that fails in any way says why', async t => {
  const fake = await FakeHardware.make(await temporaryFolder(t), 'good');
  const once = async (deadlineMs = 20_000) => {
    const trials = await tried({ runTool: toolsAt(fake), hardware: ['nvenc'], deadlineMs });
    const found = trials.find(({ name }) => name === 'h264_nvenc');
    assert.ok(found, 'this ffmpeg does not list h264_nvenc');
    return found;
  };
  const good = await once();
  assert.deepEqual([good.isProven, good.kind, good.codec, good.device], [true, 'nvenc', 'h264', null]);
  assert.ok((good.pixelsPerSecond ?? 0) > 0);
  for (const [mode, reason] of FAILURES) {
    await fake.become(mode);
    const failed = await once(mode === 'hang' ? 1_500 : 20_000);
    assert.deepEqual([failed.isProven, failed.pixelsPerSecond], [false, null], mode);
    assert.match(failed.reason, reason, mode);
  }
});

test('each render node is tried by itself, and without one nothing is started', async t => {
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, 'dri'));
  const vaapi: HardwareKind[] = ['vaapi'];
  const without = await tried({ runTool, hardware: vaapi, devicesFolder: join(folder, 'dri') });
  for (const trial of without.filter(({ kind }) => kind === 'vaapi')) assert.equal(trial.reason, 'there is no render node');
  for (const name of ['renderD128', 'renderD129', 'card0']) await writeFile(join(folder, 'dri', name), '');
  const nodes = await tried({ runTool, hardware: vaapi, devicesFolder: join(folder, 'dri') });
  const h264 = nodes.filter(({ name }) => name === 'h264_vaapi');
  assert.deepEqual(
    h264.map(({ device, isProven }) => [device, isProven]),
    [
      [join(folder, 'dri', 'renderD128'), false],
      [join(folder, 'dri', 'renderD129'), false],
    ],
  );
  for (const { reason } of h264) assert.notEqual(reason, '');
});
