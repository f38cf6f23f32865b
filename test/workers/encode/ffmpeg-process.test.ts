import assert from 'node:assert/strict';
import { chmod, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { execa } from 'execa';
import { createActor, createMachine, fromCallback } from 'xstate';
import type { EncodeJob, FfmpegCommand, FfmpegEvent } from '#actors/effects.ts';
import { FerriteError } from '#domain/errors.ts';
import { segmentCount } from '#domain/plan.ts';
import type { SegmentName } from '#domain/rendition.ts';
import { SpawnerProcess } from '#src/threads/spawner-process.ts';
import { boxes } from '#workers/bmff/boxes.ts';
import { type FfmpegEffectOptions, ffmpegEffect } from '#workers/encode/ffmpeg-process.ts';
import { WarmEncoders } from '#workers/encode/warm-encoders.ts';
import { HardwareUse } from '#workers/encoders/hardware-use.ts';
import { SpawnerClient } from '#workers/programs/spawner-client.ts';
import { RemuxCache } from '#workers/remux/remux-cache.ts';
import { readSegment } from '../../support/track-check.ts';
import { isAlive, until } from '../../support/until.ts';
import { cut, Film, record } from '../support.ts';

const DEADLINE = { timeout: 300_000 };

/** The effect under a parent that only listens. */
async function start(
  t: TestContext,
  job: EncodeJob,
  ffmpegPath = 'ffmpeg',
  { prepareBurning }: Pick<FfmpegEffectOptions, 'prepareBurning'> = {},
) {
  const spawner = await SpawnerProcess.start(() => undefined);
  const client = new SpawnerClient(spawner.socketPath);
  const starts = t.mock.method(client, 'run');
  const published: SegmentName[] = [];
  const bytesOf = new Map<SegmentName, Buffer>();
  const events: FfmpegEvent[] = [];
  /** What is told before there is anything to tell of. */
  const beginnings: FfmpegEvent['type'][] = [];
  const ended = Promise.withResolvers<void>();
  const hardware = new HardwareUse(() => undefined);
  const encoders = new WarmEncoders({ spawner: client, ffmpegPath, limit: 0, hardware });
  const remux = new RemuxCache();
  const effect = ffmpegEffect({
    spawner: client,
    encoders,
    hardware,
    remux,
    ffmpegPath,
    ...(prepareBurning ? { prepareBurning } : {}),
    publish: ({ name, bytes }) => {
      published.push(name);
      bytesOf.set(name, bytes);
    },
    publishChunk: () => undefined,
    log: () => undefined,
  });
  const parent = createMachine({
    invoke: { id: 'ffmpeg', src: fromCallback<FfmpegCommand, EncodeJob>(effect as never), input: job },
    on: {
      '*': {
        actions: ({ event }) => {
          if (event.type === 'ffmpeg.preparing' || event.type === 'ffmpeg.begun') beginnings.push(event.type);
          else events.push(event as FfmpegEvent);
          if (event.type === 'ffmpeg.exited' || event.type === 'ffmpeg.failed') ended.resolve();
        },
      },
    },
  });
  const actor = createActor(parent).start();
  t.after(async () => {
    actor.stop();
    encoders.close();
    remux.close();
    await client.close();
    await spawner.close();
  });
  return {
    published,
    bytesOf,
    events,
    beginnings,
    starts: () => starts.mock.callCount(),
    ended: ended.promise,
    tell: (command: FfmpegCommand) => actor.getSnapshot().children.ffmpeg?.send(command),
  };
}

const withoutSigns = (events: readonly FfmpegEvent[]): FfmpegEvent[] => events.filter(({ type }) => type !== 'frames.arrived');

/** A job whose encoder reads the film by itself, as what a script repeats was recorded. */
const unfed = (job: EncodeJob): EncodeJob => ({ ...job, keyframes: { ...job.keyframes, copyMethod: 'ffmpeg' } });
/** The same of one encoder, whose output is all that a script repeats. */
const scripted = (job: EncodeJob): EncodeJob => ({ ...unfed(job), isFollowOn: true });

/** A program in ffmpeg's place. */
async function script(film: Film, body: string): Promise<string> {
  const path = join(film.path, '..', 'encoder.sh');
  await writeFile(path, `#!/bin/sh\n${body}\n`);
  await chmod(path, 0o755);
  return path;
}

test('ffmpeg process: every segment is published and told in order, then the exit, once', DEADLINE, async t => {
  const film = await Film.make(t);
  const job = film.job('video-encode');
  const { published, events, ended } = await start(t, job);
  await ended;
  const indexes = Array.from({ length: segmentCount(job.grid) }, (_, index) => index);
  assert.deepEqual(published, ['init', ...indexes]);
  assert.deepEqual(withoutSigns(events), [...indexes.map(index => ({ type: 'segment.written', index })), { type: 'ffmpeg.exited' }]);
});

/** What x264 writes into its first picture of how it was made. */
const speedsIn = (bytes: Buffer | undefined): string[] => [...new Set((bytes ?? Buffer.alloc(0)).toString('latin1').match(/subme=\d/g))];

for (const [how, change] of [
  ['that is fed', (job: EncodeJob) => job],
  ['that reads the film by itself', unfed],
] as const) {
  test(
    `ffmpeg process: a run ${how} begins with the quick encoder and goes on with the good one, under one init segment`,
    DEADLINE,
    async t => {
      const film = await Film.make(t);
      const job = change(film.job('video-encode', 1));
      const { bytesOf, ended, events } = await start(t, job);
      await ended;
      assert.equal(events.at(-1)?.type, 'ffmpeg.exited');
      assert.deepEqual(
        [...bytesOf].map(([name, bytes]) => [name, name === 'init' ? [] : speedsIn(bytes)]),
        [
          ['init', []],
          [1, ['subme=1']],
          [2, ['subme=2']],
          [3, []],
        ],
      );
      const good = cut(job, await record(job));
      assert.deepEqual(bytesOf.get('init'), good.init, 'its init segment is that of the good encoder alone');
      for (const [index, bytes] of good.segments) {
        const [made, expected] = [bytesOf.get(index) ?? Buffer.alloc(0), bytes].map(readSegment);
        assert.deepEqual({ ...made, dataBytes: 0 }, { ...expected, dataBytes: 0 }, `every time of segment ${index}`);
      }
      const { stderr, stdout } = await execa('ffmpeg', ['-v', 'warning', '-i', 'pipe:0', '-f', 'framecrc', '-'], {
        input: Buffer.concat([...bytesOf.values()]),
      });
      assert.equal(stderr, '', 'the whole decodes without a warning');
      assert.equal(stdout.split('\n').filter(line => /^0,/.test(line)).length, 60);
    },
  );
}

test('ffmpeg process: a run that goes on where another ended is made by the good encoder alone', DEADLINE, async t => {
  const film = await Film.make(t, { seconds: 4 });
  const { bytesOf, ended } = await start(t, { ...film.job('video-encode'), isFollowOn: true });
  await ended;
  assert.deepEqual(speedsIn(bytesOf.get(0)), ['subme=2']);
});

/** As much of an encode's output as ends with whole frame number `frames`. */
async function firstFrames(film: Film, job: EncodeJob, frames: number): Promise<string> {
  const output = await record(job);
  const end = [...boxes(output)].filter(({ type }) => type === 'mdat').at(frames - 1)?.end;
  const path = join(film.path, '..', `first-${frames}-frames`);
  await writeFile(path, output.subarray(0, end));
  return path;
}

test('ffmpeg process: what a run that dies leaves of a segment is never published, of the last one neither', DEADLINE, async t => {
  const film = await Film.make(t, { seconds: 4 });
  for (const kind of ['video-encode', 'video-copy'] as const) {
    const job = film.job(kind);
    // Five frames into the second of two segments of twenty.
    const part = await firstFrames(film, job, 25);
    for (const death of ['exit 1', 'kill -KILL $$']) {
      const { published, events, ended } = await start(t, scripted(job), await script(film, `cat ${part}\n${death}`));
      await ended;
      assert.deepEqual(published, ['init', 0], `${kind}, ${death}`);
      assert.deepEqual(
        withoutSigns(events).map(({ type }) => type),
        ['segment.written', 'ffmpeg.failed'],
      );
    }
  }
});

test('ffmpeg process: a copy’s last segment is published when the run ends well', DEADLINE, async t => {
  const film = await Film.make(t);
  const job = film.job('video-copy');
  const { published, ended } = await start(t, job);
  await ended;
  assert.equal(published.at(-1), segmentCount(job.grid) - 1);
});

test('ffmpeg process: output that is no film ends the run as ENCODE_FAILED', DEADLINE, async t => {
  const film = await Film.make(t, { seconds: 2 });
  for (const body of [
    'echo this is not a film; sleep 1000',
    'head -c 100000 /dev/zero; sleep 1000',
    'printf "\\377\\377\\377\\377mdat"; sleep 1000',
  ]) {
    const { published, events, ended } = await start(t, scripted(film.job('video-encode')), await script(film, body));
    await ended;
    assert.deepEqual(published, []);
    assert.deepEqual(
      events.map(event => ('error' in event ? event.error.code : event.type)),
      ['ENCODE_FAILED'],
    );
  }
});

test('ffmpeg process: output that is cut off is ENCODE_FAILED even if the program is content', DEADLINE, async t => {
  const film = await Film.make(t, { seconds: 2 });
  const output = await record(film.job('video-encode'));
  const part = join(film.path, '..', 'part');
  await writeFile(part, output.subarray(0, output.byteLength / 2));
  const { events, ended } = await start(t, scripted(film.job('video-encode')), await script(film, `cat ${part}`));
  await ended;
  const last = events.at(-1);
  assert.ok(last?.type === 'ffmpeg.failed' && last.error.code === 'ENCODE_FAILED');
});

test('ffmpeg process: a program that is not there fails the run', DEADLINE, async t => {
  const film = await Film.make(t, { seconds: 2 });
  const { events, ended } = await start(t, film.job('video-encode'), 'ferrite-no-such-program');
  await ended;
  assert.deepEqual(
    events.map(({ type }) => type),
    ['ffmpeg.failed'],
  );
  const [failed] = events;
  assert.ok(failed?.type === 'ffmpeg.failed' && failed.error.message !== 'the film has a damaged place', 'it is no fault of the film');
});

test('ffmpeg process: a file that was replaced since its scan is not encoded', DEADLINE, async t => {
  const film = await Film.make(t, { seconds: 2 });
  await utimes(film.path, 1, 1);
  const { published, events, ended } = await start(t, film.job('video-encode'));
  await ended;
  assert.ok(events[0]?.type === 'ffmpeg.failed' && events[0].error.code === 'MEDIA_CHANGED');
  assert.deepEqual(published, []);
});

test('ffmpeg process: stop ends the program, and nothing is published after it', DEADLINE, async t => {
  const film = await Film.make(t);
  const job = film.job('video-encode');
  const whole = join(film.path, '..', 'whole');
  const output = await record(job);
  await writeFile(whole, output);
  const pidFile = join(film.path, '..', 'pid');
  const { published, events, ended, tell } = await start(
    t,
    scripted(job),
    await script(film, `echo $$ > ${pidFile}\nhead -c 2000 ${whole}\nsleep 1000`),
  );
  await until(() => published.length > 0, 'it has begun');
  tell({ type: 'ffmpeg.stop' });
  const before = [...published];
  await ended;
  assert.deepEqual(published, before);
  assert.equal(events.at(-1)?.type, 'ffmpeg.exited');
  assert.ok(!isAlive(Number(await readFile(pidFile, 'utf8'))));
});

test('ffmpeg process: frames are a sign of life before the first segment is whole', DEADLINE, async t => {
  const film = await Film.make(t);
  const job = film.job('video-encode');
  const part = await firstFrames(film, job, 5);
  const { published, events, ended, tell } = await start(t, scripted(job), await script(film, `cat ${part}\nsleep 1000`));
  await until(() => events.length > 0, 'it tells of them');
  assert.deepEqual([published, events], [['init'], [{ type: 'frames.arrived' }]]);
  tell({ type: 'ffmpeg.stop' });
  await ended;
});

for (const [who, jobOf] of [
  ['is fed', (job: EncodeJob) => job],
  ['reads the film by itself', unfed],
] as const) {
  test(`ffmpeg process: stop before an encoder that ${who} runs starts none`, DEADLINE, async t => {
    const film = await Film.make(t, { seconds: 2 });
    const { published, events, ended, tell, starts } = await start(t, jobOf(film.job('video-encode')));
    tell({ type: 'ffmpeg.stop' });
    await ended;
    assert.deepEqual([published, events], [[], [{ type: 'ffmpeg.exited' }]]);
    assert.equal(starts(), 0);
  });
}

test('ffmpeg process: one that is held stands still until it may go on', DEADLINE, async t => {
  const film = await Film.make(t);
  const job = film.job('video-encode');
  const { published, ended, tell } = await start(t, job);
  tell({ type: 'ffmpeg.hold' });
  tell({ type: 'ffmpeg.resume' });
  tell({ type: 'ffmpeg.hold' });
  // As long as the whole of it takes when nobody holds it.
  await record(job);
  assert.deepEqual(published, []);
  tell({ type: 'ffmpeg.resume' });
  await ended;
  assert.equal(published.length, 1 + segmentCount(job.grid));
});

test('ffmpeg process: it tells that subtitles are made ready, and that the encoder begins when they are', DEADLINE, async t => {
  const film = await Film.make(t);
  const job = film.job('video-encode');
  const burned = { track: 0, codec: 'subrip', streamIndex: 2, sidecar: null };
  const burning = { ...job, rendition: { ...job.rendition, burned } } as EncodeJob;
  const ready = Promise.withResolvers<null>();
  const one = await start(t, burning, 'ffmpeg', { prepareBurning: () => ready.promise });
  await until(() => one.beginnings.length > 0, 'it is being made ready');
  assert.deepEqual(one.beginnings, ['ffmpeg.preparing']);
  ready.resolve(null);
  await one.ended;
  assert.deepEqual(one.beginnings, ['ffmpeg.preparing', 'ffmpeg.begun']);
  assert.equal(one.events.at(-1)?.type, 'ffmpeg.exited');
  const pending = new FerriteError('SUBTITLES_PENDING', 'still being read');
  const other = await start(t, burning, 'ffmpeg', { prepareBurning: () => Promise.reject(pending) });
  await other.ended;
  assert.deepEqual([other.beginnings, other.starts()], [['ffmpeg.preparing'], 0]);
  assert.ok(other.events[0]?.type === 'ffmpeg.failed' && other.events[0].error.code === 'SUBTITLES_PENDING');
});
