// A rendition that hardware makes, with an ffmpeg whose hardware is x264 in disguise: what it breaks off, software goes on with, in the same segments.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { execa } from 'execa';
import { createActor, createMachine, fromCallback, SimulatedClock } from 'xstate';
import type { EncodeJob, FfmpegEffect } from '#actors/effects.ts';
import { encode } from '#actors/encode.ts';
import { byEncoders } from '#domain/delivery/encoder-choice.ts';
import { buildLadder } from '#domain/delivery/ladder.ts';
import { profileOf } from '#domain/delivery/profiles.ts';
import { gridOf, segmentCount } from '#domain/plan.ts';
import type { Measurement } from '#domain/protocol.ts';
import type { SegmentName } from '#domain/rendition.ts';
import { SpawnerProcess } from '#src/threads/spawner-process.ts';
import { FragmentReader } from '#workers/bmff/fragments.ts';
import { ffmpegEffect } from '#workers/encode/ffmpeg-process.ts';
import { WarmEncoders } from '#workers/encode/warm-encoders.ts';
import { HardwareUse } from '#workers/encoders/hardware-use.ts';
import { SpawnerClient } from '#workers/programs/spawner-client.ts';
import { codecStringOf } from '#workers/remux/codecs/codec-strings.ts';
import { RemuxCache } from '#workers/remux/remux-cache.ts';
import { FakeHardware, type FakeMode } from '../../support/fake-hardware.ts';
import { Film } from '../support.ts';

const DEADLINE = { timeout: 300_000 };
const STALL_MS = 5_000;

function jobOf(film: Film): EncodeJob {
  const [rendition] = byEncoders(buildLadder(film.video, 2_000), { h264: { encoder: 'h264_nvenc' } }, profileOf('web-chrome'));
  assert.ok(rendition);
  const grid = gridOf(film.plan, rendition);
  return { ...film.job('video-encode'), rendition, grid, lastIndex: segmentCount(grid) - 1 };
}

/** Machine and effect as a session has them, on a clock of the test's own. */
async function world(t: TestContext, fake: FakeHardware) {
  const spawner = await SpawnerProcess.start(() => undefined);
  const client = new SpawnerClient(spawner.socketPath);
  const told: string[] = [];
  const hardware = new HardwareUse((measurement: Measurement) => told.push(measurement.name));
  const encoders = new WarmEncoders({ spawner: client, ffmpegPath: fake.path, limit: 0, hardware });
  const remux = new RemuxCache();
  const clock = new SimulatedClock();
  t.after(async () => {
    encoders.close();
    remux.close();
    await client.close();
    await spawner.close();
  });
  const run = async (job: EncodeJob, onSegment: (index: number) => void = () => undefined) => {
    const bytesOf = new Map<SegmentName, Buffer>();
    const effect = ffmpegEffect({
      ...{ spawner: client, encoders, hardware, remux, ffmpegPath: fake.path },
      // The first init segment is the one that a player has: a later one changes nothing for it.
      publish: ({ name, bytes }) => {
        if (!bytesOf.has(name)) bytesOf.set(name, bytes);
        if (name !== 'init') onSegment(name);
      },
      publishChunk: () => undefined,
      log: () => undefined,
    });
    const ended = Promise.withResolvers<unknown>();
    const begun: boolean[] = [];
    const heard: FfmpegEffect = scope => {
      const sendBack: typeof scope.sendBack = event => {
        if (event.type === 'ffmpeg.begun') begun.push(event.isByHardware);
        scope.sendBack(event);
      };
      return effect({ ...scope, sendBack });
    };
    const machine = encode.provide({ actors: { ffmpeg: fromCallback(heard as never) } });
    const parent = createMachine({
      invoke: { id: 'encode', src: machine, input: { job, actorId: 'run', limitIndex: 1_000 } },
      on: { 'xstate.done.actor.encode': { actions: ({ event }) => ended.resolve((event as { output?: unknown }).output) } },
    });
    const actor = createActor(parent, { clock }).start();
    // What waits for no time at all still waits for the clock.
    const ticking = setInterval(() => clock.increment(1), 20);
    t.after(() => {
      clearInterval(ticking);
      actor.stop();
    });
    const output = await ended.promise;
    clearInterval(ticking);
    return { bytesOf, output, begun };
  };
  return { run, told, clock };
}

/** The pictures that a player sees: as many as there are, in tenths of a second. */
async function picturesOf(path: string): Promise<number[]> {
  const { stdout, stderr } = await execa('ffprobe', [
    '-v',
    'warning',
    '-show_entries',
    'frame=pts_time:frame_side_data=',
    '-of',
    'default=nk=1:nw=1',
    path,
  ]);
  assert.equal(stderr, '', 'it is decoded without a word');
  const times = stdout.split('\n').map(Number);
  // ffprobe moves all of it by the reordering of the first pictures.
  return times.map(time => Math.round((time - (times[0] ?? 0)) * 10));
}

async function requireWhole(film: Film, job: EncodeJob, bytesOf: ReadonlyMap<SegmentName, Buffer>): Promise<Buffer> {
  const names = ['init', ...Array.from({ length: job.lastIndex + 1 }, (_, index) => index)] as SegmentName[];
  const joined = Buffer.concat(names.map(name => bytesOf.get(name) ?? assert.fail(`no segment ${name}`)));
  const path = join(film.path, '..', 'joined.mp4');
  await writeFile(path, joined);
  assert.deepEqual(
    await picturesOf(path),
    Array.from({ length: 80 }, (_, frame) => frame),
  );
  return joined;
}

const runsOf = async (fake: FakeHardware): Promise<number> =>
  (await readFile(`${fake.path}.runs`, 'utf8').catch(() => '')).split('\n').length - 1;

const FAILURES: readonly (readonly [FakeMode, string])[] = [
  ['first', 'before its first frame'],
  ['middle', 'in the middle'],
  ['hang', 'by hanging'],
];

for (const [mode, how] of FAILURES) {
  test(`hardware that fails ${how} is replaced by software within the run: each segment comes, once, and decodes`, DEADLINE, async t => {
    const film = await Film.make(t);
    const fake = await FakeHardware.make(join(film.path, '..'), mode);
    const { run, told, clock } = await world(t, fake);
    const job = jobOf(film);
    const written: number[] = [];
    let stall: NodeJS.Timeout | undefined;
    t.after(() => clearInterval(stall));
    const { bytesOf, output, begun } = await run(job, index => {
      written.push(index);
      // Of three seconds of frames one segment is whole: then nothing comes any more, and the clock goes on.
      if (mode === 'hang' && index === 0) stall = setInterval(() => clock.increment(STALL_MS), 500);
      if (index === 1) clearInterval(stall);
    });
    assert.equal((output as { error: unknown }).error, null);
    assert.deepEqual(written, [0, 1, 2, 3]);
    await requireWhole(film, job, bytesOf);
    assert.deepEqual(told, ['hardware_failed']);
    assert.equal(await runsOf(fake), 1);

    assert.deepEqual(begun, [true, false]);

    const again = await run(job);
    assert.deepEqual(again.begun, [false], 'software has the patience of software');
    await requireWhole(film, job, again.bytesOf);
    assert.equal(await runsOf(fake), 1, 'the device rests: the next run does not begin with it');
  });
}

test('hardware that works makes all of it, and each keyframe brings its parameter sets', DEADLINE, async t => {
  const film = await Film.make(t);
  const fake = await FakeHardware.make(join(film.path, '..'), 'good');
  const { run, told } = await world(t, fake);
  const job = jobOf(film);
  const { bytesOf } = await run(job);
  const joined = await requireWhole(film, job, bytesOf);
  assert.deepEqual([told, await runsOf(fake)], [[], 1]);
  const keyframes: number[] = [];
  let codecs: string | null = null;
  const reader = new FragmentReader({
    onHeader: ({ sampleEntry }) => {
      codecs = codecStringOf(sampleEntry);
    },
    // Of its first unit, behind four bytes of length: 7 is a sequence parameter set.
    onSample: ({ isSync, bytes }) => (isSync ? keyframes.push(bytes.readUInt8(4) & 0x1f) : 0),
  });
  reader.push(joined);
  assert.match(String(codecs), /^avc3\./);
  assert.ok(keyframes.length >= 4);
  assert.ok(keyframes.every(type => type === 7));
});
