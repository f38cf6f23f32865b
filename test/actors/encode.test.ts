import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ActorRefFrom, createActor, createMachine, fromCallback, SimulatedClock } from 'xstate';
import type { FfmpegCommand, FfmpegEvent } from '#actors/effects.ts';
import { encode } from '#actors/encode.ts';
import type { ErrorRecord } from '#domain/errors.ts';
import { aJob } from '../support/titles.ts';

const EXIT_TIMEOUT = 5_000;
const STALL_TIMEOUT = 15_000;
const HOLD_TIMEOUT = 15_000;
const FAILURE: ErrorRecord = { code: 'ENCODE_FAILED', message: 'broken' };

type Script = (command: FfmpegCommand, say: (event: FfmpegEvent) => void) => void;
const exitsWhenStopped: Script = (command, say) => {
  if (command.type === 'ffmpeg.stop') say({ type: 'ffmpeg.exited' });
};

/** One encode of segments 0 to `lastIndex` on a simulated clock, with a scripted ffmpeg in place of the real one. */
function start({
  lastIndex = 9,
  limitIndex = 100,
  script = exitsWhenStopped,
  job = aJob(0, lastIndex),
}: {
  lastIndex?: number;
  limitIndex?: number;
  script?: Script;
  job?: ReturnType<typeof aJob>;
} = {}) {
  const clock = new SimulatedClock();
  const starts: number[] = [];
  const fallbacks: boolean[] = [];
  const commands: string[] = [];
  let running = 0;
  let say: (event: FfmpegEvent) => void = () => undefined;
  const ffmpeg = fromCallback<FfmpegCommand, ReturnType<typeof aJob>>(({ input, receive, sendBack }) => {
    starts.push(input.firstIndex);
    fallbacks.push(input.isFallback === true);
    running++;
    say = sendBack as (event: FfmpegEvent) => void;
    receive(command => {
      commands.push(command.type);
      script(command, say);
    });
    return () => {
      running--;
    };
  });
  const reported: number[] = [];
  const input = { job, actorId: 'run', limitIndex };
  const parent = createMachine({
    invoke: { id: 'encode', src: encode.provide({ actors: { ffmpeg } }), input },
    on: { 'encode.progressed': { actions: () => reported.push(actor.getSnapshot().context.position.nextIndex) } },
  });
  const actor = createActor(parent, { clock }).start().getSnapshot().children.encode as ActorRefFrom<typeof encode>;
  return {
    actor,
    clock,
    starts,
    fallbacks,
    commands,
    reported,
    say: (event: FfmpegEvent) => say(event),
    written: (...indexes: number[]) => {
      for (const index of indexes) say({ type: 'segment.written', index });
    },
    running: () => running,
    value: () => actor.getSnapshot().value,
    output: () => actor.getSnapshot().output,
  };
}

test('encode: a stalled ffmpeg is stopped, then resumed at the next missing segment', () => {
  const { clock, starts, written, commands } = start();
  written(0);
  clock.increment(STALL_TIMEOUT);
  assert.deepEqual(commands, ['ffmpeg.stop']);
  clock.increment(100);
  assert.deepEqual(starts, [0, 1]);
});

test('encode: every segment puts off the stall', () => {
  const { clock, written, commands, reported } = start();
  for (let index = 0; index < 5; index++) {
    clock.increment(STALL_TIMEOUT - 1);
    written(index);
  }
  assert.deepEqual(commands, []);
  assert.deepEqual(reported, [1, 2, 3, 4, 5]);
});

test('encode: a stalled ffmpeg that does not die is waited for, but not for ever', () => {
  const { clock, starts, running } = start({ script: () => undefined });
  clock.increment(STALL_TIMEOUT);
  clock.increment(EXIT_TIMEOUT - 1);
  assert.deepEqual([starts, running()], [[0], 1]);
  clock.increment(1);
  clock.increment(100);
  assert.deepEqual([starts, running()], [[0, 0], 1]);
});

test('encode: one that stalls and does not end either is tried no more often than one that fails', () => {
  const { clock, starts, value, output } = start({ script: () => undefined });
  for (let minute = 0; minute < 60; minute++) for (const wait of [STALL_TIMEOUT, EXIT_TIMEOUT, 100, 400]) clock.increment(wait);
  assert.deepEqual([starts.length, value(), output()?.error?.code], [3, 'failed', 'ENCODE_STALLED']);
});

test('encode: one that hangs after its last segment has done its work', () => {
  const { clock, starts, written, value } = start({ lastIndex: 0, script: () => undefined });
  written(0);
  clock.increment(STALL_TIMEOUT);
  clock.increment(EXIT_TIMEOUT);
  assert.deepEqual([starts.length, value()], [1, 'finished']);
});

test('encode: frames put off the stall for as long as a segment takes', () => {
  const { clock, say, commands, starts } = start();
  for (let sign = 0; sign < 10; sign++) {
    clock.increment(STALL_TIMEOUT - 1);
    say({ type: 'frames.arrived' });
  }
  assert.deepEqual([commands, starts], [[], [0]]);
  clock.increment(STALL_TIMEOUT);
  assert.deepEqual(commands, ['ffmpeg.stop']);
});

test('encode: failures are retried after growing waits, then given up with the last error', () => {
  const { clock, starts, say, value, output } = start();
  say({ type: 'ffmpeg.failed', error: FAILURE });
  clock.increment(99);
  assert.equal(starts.length, 1);
  clock.increment(1);
  assert.equal(starts.length, 2);
  say({ type: 'ffmpeg.failed', error: FAILURE });
  clock.increment(399);
  assert.equal(starts.length, 2);
  clock.increment(1);
  say({ type: 'ffmpeg.failed', error: { code: 'ENCODE_FAILED', message: 'broken for good' } });
  assert.equal(value(), 'failed');
  assert.deepEqual(output()?.error, { code: 'ENCODE_FAILED', message: 'broken for good' });
});

test('encode: what retrying can not help is not tried again', () => {
  const { starts, clock, say, value, output } = start();
  say({ type: 'ffmpeg.failed', error: { code: 'MEDIA_CHANGED', message: 'another file now' } });
  assert.equal(value(), 'failed');
  clock.increment(10_000);
  assert.deepEqual([starts.length, output()?.error?.code], [1, 'MEDIA_CHANGED']);
});

test('encode: a segment gives the retries back', () => {
  const { clock, say, written, value } = start({ lastIndex: 99 });
  for (let index = 0; index < 10; index++) {
    say({ type: 'ffmpeg.failed', error: FAILURE });
    clock.increment(400);
    written(index);
  }
  assert.deepEqual(value(), { running: 'writing' });
});

test('encode: an exit before the last segment is a failure, after it the end', () => {
  const early = start({ lastIndex: 1 });
  early.written(0);
  early.say({ type: 'ffmpeg.exited' });
  assert.equal(early.value(), 'backingOff');
  const done = start({ lastIndex: 1 });
  done.written(0, 1);
  done.say({ type: 'ffmpeg.exited' });
  assert.equal(done.value(), 'finished');
  assert.deepEqual(done.output(), { actorId: 'run', job: aJob(0, 1), error: null });
});

test('encode: an error that a retry cured is not told in the end', () => {
  const { clock, say, written, output } = start({ lastIndex: 1 });
  say({ type: 'ffmpeg.failed', error: FAILURE });
  clock.increment(100);
  written(0, 1);
  say({ type: 'ffmpeg.exited' });
  assert.equal(output()?.error, null);
});

test('encode: an ffmpeg that fails after its last segment has done its work', () => {
  const { say, written, value } = start({ lastIndex: 0 });
  written(0);
  say({ type: 'ffmpeg.failed', error: FAILURE });
  assert.equal(value(), 'finished');
});

test('encode: it holds at the limit of its lead and resumes when that moves', () => {
  const { actor, commands, written, value } = start({ limitIndex: 1 });
  written(0, 1);
  assert.deepEqual(value(), { running: 'holding' });
  assert.deepEqual(commands, ['ffmpeg.hold']);
  actor.send({ type: 'lead.moved', viewerIndex: 0, limitIndex: 2 });
  assert.deepEqual(value(), { running: 'writing' });
  assert.deepEqual(commands, ['ffmpeg.hold', 'ffmpeg.resume']);
});

test('encode: a lead that becomes smaller than what is written makes it wait', () => {
  const { actor, commands, written, value } = start({ limitIndex: 5 });
  written(0, 1, 2);
  actor.send({ type: 'lead.moved', viewerIndex: 0, limitIndex: 1 });
  assert.deepEqual(value(), { running: 'holding' });
  assert.deepEqual(commands, ['ffmpeg.hold']);
});

test('encode: what arrives while it holds is counted, and holding is no stall', () => {
  const { actor, clock, commands, written, starts } = start({ limitIndex: 1 });
  written(0, 1, 2);
  clock.increment(HOLD_TIMEOUT - 1);
  actor.send({ type: 'lead.moved', viewerIndex: 0, limitIndex: 2 });
  assert.deepEqual(actor.getSnapshot().value, { running: 'holding' }, 'segment 2 is there, so the limit is still reached');
  actor.send({ type: 'lead.moved', viewerIndex: 0, limitIndex: 3 });
  assert.deepEqual(commands, ['ffmpeg.hold', 'ffmpeg.resume']);
  assert.deepEqual(starts, [0]);
});

test('encode: one that is held too long is given back without an error', () => {
  const { clock, written, value, output, running } = start({ limitIndex: 1 });
  written(0, 1);
  clock.increment(HOLD_TIMEOUT - 1);
  assert.deepEqual(value(), { running: 'holding' });
  clock.increment(1);
  assert.equal(value(), 'stopped');
  assert.deepEqual([output()?.error, running()], [null, 0]);
});

test('encode: one whose viewer has left for another rung is given back sooner', () => {
  const { actor, clock, written, value } = start({ limitIndex: 5 });
  written(0, 1);
  actor.send({ type: 'lead.moved', viewerIndex: 1, limitIndex: 1 });
  clock.increment(HOLD_TIMEOUT / 3);
  assert.equal(value(), 'stopped');
});

test('encode: the last segment at the limit still ends the run', () => {
  const { say, written, value } = start({ lastIndex: 1, limitIndex: 1 });
  written(0, 1);
  say({ type: 'ffmpeg.exited' });
  assert.equal(value(), 'finished');
});

test('encode: stop waits for the exit, however often it is said', () => {
  const { actor, say, value, running, commands } = start({ script: () => undefined });
  actor.send({ type: 'encode.stop' });
  actor.send({ type: 'encode.stop' });
  assert.deepEqual([value(), running()], [{ running: 'stopping' }, 1]);
  assert.deepEqual(commands, ['ffmpeg.stop']);
  say({ type: 'ffmpeg.exited' });
  assert.deepEqual([value(), running()], ['stopped', 0]);
});

test('encode: a failure after stop is the end that was asked for', () => {
  const { actor, say, value, output } = start({ script: () => undefined });
  actor.send({ type: 'encode.stop' });
  say({ type: 'ffmpeg.failed', error: FAILURE });
  assert.deepEqual([value(), output()?.error], ['stopped', null]);
});

test('encode: stop works in every other state', () => {
  const stalled = start({ script: () => undefined });
  stalled.clock.increment(STALL_TIMEOUT);
  stalled.actor.send({ type: 'encode.stop' });
  stalled.say({ type: 'ffmpeg.exited' });
  assert.deepEqual([stalled.value(), stalled.starts], ['stopped', [0]]);

  const holding = start({ limitIndex: 0 });
  holding.written(0);
  holding.actor.send({ type: 'encode.stop' });
  assert.equal(holding.value(), 'stopped');

  const backingOff = start();
  backingOff.say({ type: 'ffmpeg.failed', error: FAILURE });
  backingOff.actor.send({ type: 'encode.stop' });
  backingOff.clock.increment(1_000);
  assert.deepEqual([backingOff.value(), backingOff.starts, backingOff.output()?.error], ['stopped', [0], null]);
});

test('encode: a lead that moved while ffmpeg was away counts for the next one', () => {
  const { actor, clock, say, written, value } = start({ limitIndex: 1 });
  say({ type: 'ffmpeg.failed', error: FAILURE });
  actor.send({ type: 'lead.moved', viewerIndex: 0, limitIndex: 5 });
  clock.increment(100);
  written(0, 1, 2);
  assert.deepEqual(value(), { running: 'writing' });
});

test('encode: what comes after the end changes nothing', () => {
  const { actor, say, written, value } = start({ lastIndex: 0 });
  written(0);
  say({ type: 'ffmpeg.exited' });
  actor.send({ type: 'lead.moved', viewerIndex: 0, limitIndex: 50 });
  actor.send({ type: 'encode.stop' });
  say({ type: 'ffmpeg.failed', error: FAILURE });
  assert.equal(value(), 'finished');
});

const ofHardware = (): ReturnType<typeof aJob> => {
  const job = aJob(0, 9);
  return { ...job, rendition: { ...job.rendition, encoder: 'h264_nvenc' } as typeof job.rendition };
};
const HARDWARE_STALL_TIMEOUT = 5_000;

test('encode: hardware that stalls is replaced by software, which has the time of software', () => {
  const { clock, commands, fallbacks, say } = start({ job: ofHardware() });
  say({ type: 'ffmpeg.begun', isByHardware: true });
  clock.increment(HARDWARE_STALL_TIMEOUT);
  assert.deepEqual(commands, ['ffmpeg.stop']);
  clock.increment(1);
  assert.deepEqual(fallbacks, [false, true]);
  say({ type: 'ffmpeg.begun', isByHardware: false });
  clock.increment(STALL_TIMEOUT - 1);
  assert.deepEqual(commands, ['ffmpeg.stop']);
});

test('encode: software in place of hardware that rests has the time of software, and what it fails at is not blamed on the hardware', () => {
  const { clock, commands, fallbacks, say } = start({ job: ofHardware() });
  say({ type: 'ffmpeg.begun', isByHardware: false });
  clock.increment(STALL_TIMEOUT - 1);
  assert.deepEqual(commands, []);
  clock.increment(1);
  clock.increment(100);
  assert.deepEqual(fallbacks, [false, false]);
});

test('encode: what is made ready before the encoder starts can not stall, but has an end of its own', () => {
  const { clock, commands, starts, say, value, output } = start();
  say({ type: 'ffmpeg.preparing' });
  clock.increment(119_999);
  assert.deepEqual([commands, value()], [[], { running: 'preparing' }]);
  clock.increment(1);
  assert.deepEqual([commands, starts.length, value(), output()?.error?.code], [['ffmpeg.stop'], 1, 'failed', 'SUBTITLES_PENDING']);
  const begun = start();
  begun.say({ type: 'ffmpeg.preparing' });
  begun.clock.increment(60_000);
  begun.say({ type: 'ffmpeg.begun', isByHardware: false });
  begun.clock.increment(STALL_TIMEOUT);
  assert.deepEqual(begun.commands, ['ffmpeg.stop'], 'from then on it may');
});

test('encode: one that is stopped while it is made ready ends', () => {
  const { actor, say, value } = start();
  say({ type: 'ffmpeg.preparing' });
  actor.send({ type: 'encode.stop' });
  say({ type: 'ffmpeg.begun', isByHardware: false });
  assert.equal(value(), 'stopped');
});

test('encode: subtitles that are still being read cost no attempt, and are not waited for without end', () => {
  const pending: ErrorRecord = { code: 'SUBTITLES_PENDING', message: 'still being read' };
  const { clock, say, starts, written, value } = start();
  for (let round = 0; round < 8; round++) {
    say({ type: 'ffmpeg.preparing' });
    say({ type: 'ffmpeg.failed', error: pending });
    clock.increment(1_000);
  }
  assert.deepEqual([starts.length, value()], [9, { running: 'writing' }]);
  for (const wait of [100, 400]) {
    say({ type: 'ffmpeg.failed', error: FAILURE });
    clock.increment(wait);
  }
  written(0);
  assert.deepEqual(value(), { running: 'writing' }, 'all of its attempts were left');
  const endless = start();
  for (let round = 0; round < 9; round++) {
    endless.say({ type: 'ffmpeg.failed', error: pending });
    endless.clock.increment(1_000);
  }
  assert.deepEqual([endless.starts.length, endless.value(), endless.output()?.error], [9, 'failed', pending]);
});
