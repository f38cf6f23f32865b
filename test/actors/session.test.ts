import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createActor, fromCallback, SimulatedClock } from 'xstate';
import type { EncodeJob, FfmpegCommand, FfmpegEvent } from '#actors/effects.ts';
import { encode } from '#actors/encode.ts';
import { ladder } from '#actors/ladder.ts';
import { positionOf } from '#actors/run.ts';
import { type SessionEmitted, session } from '#actors/session.ts';
import { slotOf } from '#domain/addresses.ts';
import { REACH_SEGMENTS } from '#domain/encode-position.ts';
import { aJob, anOffer, aRecord, aRung, aSound } from '../support/titles.ts';

const LEAD = 5;
const LAST = 99;
const QUIET = 200;
const INTERVAL = 2_500;
const HOLD = 15_000;
const LEFT_HOLD = 5_000;

/** One ffmpeg that only does what the test says. It dies of `ffmpeg.stop` at once, unless it is stubborn. */
class ScriptedRun {
  readonly job: EncodeJob;
  readonly commands: string[] = [];
  readonly say: (event: FfmpegEvent) => void;
  isRunning = true;
  constructor(job: EncodeJob, say: (event: FfmpegEvent) => void) {
    this.job = job;
    this.say = say;
  }
  write(...indexes: number[]): void {
    for (const index of indexes) this.say({ type: 'segment.written', index });
  }
}

/** `hasRoom`: a pending seek that is due is wanted again at once, as where nothing is in its way. */
function start({ isStubborn = false, hasRoom = true } = {}) {
  const clock = new SimulatedClock();
  const runs: ScriptedRun[] = [];
  const ffmpeg = fromCallback<FfmpegCommand, EncodeJob>(({ input, receive, sendBack }) => {
    const run = new ScriptedRun(input, sendBack as ScriptedRun['say']);
    runs.push(run);
    receive(({ type }) => {
      run.commands.push(type);
      if (type === 'ffmpeg.stop' && !isStubborn) run.say({ type: 'ffmpeg.exited' });
    });
    return () => {
      run.isRunning = false;
    };
  });
  const machine = session.provide({ actors: { ladder, encode: encode.provide({ actors: { ffmpeg } }) } });
  const actor = createActor(machine, { input: { record: aRecord(anOffer([aRung()])), lead: { picture: LEAD, sound: LEAD } }, clock });
  const emitted: string[] = [];
  const note = (event: Exclude<SessionEmitted, { type: 'seek.due' }>): void => {
    const more = event.type === 'run.ended' ? ` ${event.error?.code ?? 'ok'}` : '';
    emitted.push(`${event.type} ${event.run?.actorId ?? 'superseded'}${more}`);
  };
  for (const type of ['run.started', 'run.progressed', 'run.superseded', 'run.ended'] as const) actor.on(type, note);
  const due: string[] = [];
  actor.on('seek.due', ({ slot, job }) => {
    due.push(`${slot} ${job.firstIndex}`);
    if (hasRoom) actor.send({ type: 'segment.wanted', slot, rungId: null, job, isInit: false, isAhead: false });
  });
  actor.start();
  return {
    actor,
    clock,
    runs,
    emitted,
    due,
    run: (at: number): ScriptedRun => {
      const run = runs[at];
      assert.ok(run, `run ${at} was not started`);
      return run;
    },
    wants: (index: number, rungId = '720p') =>
      actor.send({
        type: 'segment.wanted',
        slot: slotOf({ rungId }),
        rungId,
        job: aJob(index, LAST, aRung(rungId)),
        isInit: false,
        isAhead: false,
      }),
    wantsInit: (index: number, rungId = '720p') =>
      actor.send({
        type: 'segment.wanted',
        slot: slotOf({ rungId }),
        rungId,
        job: aJob(index, LAST, aRung(rungId)),
        isInit: true,
        isAhead: false,
      }),
    wantsAhead: (index: number, rungId = '720p') =>
      actor.send({
        type: 'segment.wanted',
        slot: slotOf({ rungId }),
        rungId,
        job: aJob(index, LAST, aRung(rungId)),
        isInit: false,
        isAhead: true,
      }),
    wantsSound: (index: number, track = 0) => {
      const job = aJob(index, LAST, { ...aSound(), track });
      actor.send({ type: 'segment.wanted', slot: slotOf({ track }), rungId: null, job, isInit: false, isAhead: false });
    },
    sent: (index: number, rungId = '720p') => actor.send({ type: 'segment.sent', slot: slotOf({ rungId }), rungId, index }),
    /** Long enough for the next seek to be one by itself. */
    calm: () => clock.increment(QUIET),
    firsts: () => runs.map(({ job }) => job.firstIndex),
    alive: () => runs.filter(({ isRunning }) => isRunning).length,
    childNames: () => Object.keys(actor.getSnapshot().children).sort(),
    context: () => actor.getSnapshot().context,
    limits: () => Object.values(actor.getSnapshot().context.runs).map(run => positionOf(run).limitIndex),
    pending: (rungId = '720p') => actor.getSnapshot().context.scrubs[slotOf({ rungId })]?.pending?.firstIndex,
    value: () => actor.getSnapshot().value,
  };
}

test('session: a wanted segment starts an encode there', () => {
  const { wants, firsts, emitted } = start();
  wants(7);
  assert.deepEqual(firsts(), [7]);
  assert.deepEqual(emitted, ['run.started encode-0']);
});

test('session: a request that a running encode is about to reach starts nothing', () => {
  const { wants, run, firsts } = start();
  wants(7);
  for (const index of [7, 8, 7 + REACH_SEGMENTS]) wants(index);
  assert.deepEqual(firsts(), [7]);
  run(0).write(7, 8, 9);
  wants(10 + REACH_SEGMENTS);
  assert.deepEqual(firsts(), [7], 'what counts is where the encode is now, not where it began');
});

test('session: a seek ends the old run and never reuses it', () => {
  const { wants, run, firsts, emitted, alive, calm } = start();
  wants(0);
  run(0).write(0);
  emitted.length = 0;
  calm();
  wants(50);
  assert.deepEqual(firsts(), [0, 50]);
  assert.deepEqual(emitted, ['run.superseded encode-0', 'run.started encode-1', 'run.ended superseded ok']);
  assert.equal(alive(), 1);
  calm();
  wants(1);
  assert.deepEqual(firsts(), [0, 50, 1]);
});

test('session: a seek back to just before the encode is a seek too', () => {
  const { wants, run, firsts, calm } = start();
  wants(10);
  run(0).write(10, 11);
  calm();
  wants(10);
  assert.deepEqual(firsts(), [10, 10]);
});

test('session: the old run of a seek may take its time to die, and what it says then is not heard', () => {
  const { wants, run, context, emitted, childNames, calm } = start({ isStubborn: true });
  wants(0);
  calm();
  wants(50);
  emitted.length = 0;
  run(0).write(0, 1);
  run(1).write(50);
  assert.deepEqual(emitted, ['run.progressed encode-1']);
  assert.equal(context().runsAlive, 2);
  run(0).say({ type: 'ffmpeg.exited' });
  assert.equal(context().runsAlive, 1);
  assert.deepEqual(childNames(), ['encode-1', 'ladder']);
});

test('session: seeking again and again leaves one run alive', () => {
  const { wants, alive, context, childNames, calm } = start();
  for (let round = 0; round < 50; round++) {
    wants((round * 37) % 90);
    calm();
  }
  assert.equal(alive(), 1);
  assert.equal(context().runsAlive, 1);
  assert.equal(childNames().length, 2);
});

test('session: sound and picture have runs of their own that do not end one another', () => {
  const { wants, wantsSound, firsts, context, calm } = start();
  wants(0);
  wantsSound(0);
  calm();
  wants(50);
  assert.deepEqual(firsts(), [0, 0, 50]);
  assert.deepEqual(Object.keys(context().runs).sort(), ['audio:0', 'video:720p']);
  assert.equal(context().rungId, '720p');
});

test('session: an encode holds a lead ahead of its viewer and goes on when a segment goes out', () => {
  const { wants, sent, run } = start();
  wants(0);
  run(0).write(...Array.from({ length: LEAD + 1 }, (_, index) => index));
  assert.deepEqual(run(0).commands, ['ffmpeg.hold']);
  sent(1);
  assert.deepEqual(run(0).commands, ['ffmpeg.hold', 'ffmpeg.resume']);
});

test('session: a segment that was sent from far back does not pull the lead back', () => {
  const { wants, sent, limits } = start();
  wants(20);
  sent(0);
  assert.deepEqual(limits(), [20 + LEAD]);
});

test('session: a lead of another size counts from where each viewer is, for the encodes there are and those to come', () => {
  const { wants, wantsSound, sent, run, actor, limits } = start();
  wants(0);
  wantsSound(0);
  sent(1);
  run(0).write(0, 1, 2, 3, 4);
  actor.send({ type: 'lead.changed', lead: { picture: 2, sound: 1 } });
  assert.deepEqual(limits().sort(), [1, 3]);
  assert.deepEqual(run(0).commands, ['ffmpeg.hold']);
  sent(2);
  assert.deepEqual(run(0).commands, ['ffmpeg.hold']);
  sent(3);
  assert.deepEqual(run(0).commands, ['ffmpeg.hold', 'ffmpeg.resume']);
  wants(50, '480p');
  assert.equal(limits().at(-1), 52);
});

test('session: a run that ended by itself is gone, and the next request starts another', () => {
  const { wants, run, actor, emitted, childNames, firsts } = start();
  actor.send({ type: 'segment.wanted', slot: slotOf({ rungId: '720p' }), rungId: '720p', job: aJob(0, 1), isInit: false, isAhead: false });
  run(0).write(0, 1);
  run(0).say({ type: 'ffmpeg.exited' });
  assert.deepEqual(emitted.at(-1), 'run.ended encode-0 ok');
  assert.deepEqual(childNames(), ['ladder']);
  actor.send({ type: 'segment.sent', slot: slotOf({ rungId: '720p' }), rungId: '720p', index: 1 });
  wants(2);
  assert.deepEqual(firsts(), [0, 2]);
});

test('session: a viewer does not wait for a run that begins where another ended, and does for one that begins elsewhere', () => {
  const { actor, wants, run, calm } = start();
  const slot = slotOf({ rungId: '720p' });
  const wantsUpTo = (index: number, last: number) =>
    actor.send({ type: 'segment.wanted', slot, rungId: '720p', job: aJob(index, last, aRung()), isInit: false, isAhead: false });
  wantsUpTo(0, 1);
  run(0).write(0, 1);
  run(0).say({ type: 'ffmpeg.exited' });
  calm();
  wantsUpTo(2, 3);
  run(1).write(2, 3);
  run(1).say({ type: 'ffmpeg.exited' });
  calm();
  // Elsewhere; and back to where one ended before that: its viewer comes from elsewhere.
  wants(50);
  calm();
  wants(4);
  assert.deepEqual(
    [0, 1, 2, 3].map(at => [run(at).job.firstIndex, run(at).job.isFollowOn === true]),
    [
      [0, false],
      [2, true],
      [50, false],
      [4, false],
    ],
  );
});

test('session: a run that fails for good says why, and its slot is free again', () => {
  const { wants, run, clock, emitted, firsts, context } = start();
  wants(0);
  for (const delay of [100, 400, 0]) {
    run(firsts().length - 1).say({ type: 'ffmpeg.failed', error: { code: 'ENCODE_FAILED', message: 'broken' } });
    clock.increment(delay);
  }
  assert.equal(emitted.at(-1), 'run.ended encode-0 ENCODE_FAILED');
  assert.deepEqual([context().runs, context().runsAlive], [{}, 0]);
  wants(0);
  assert.deepEqual(firsts(), [0, 0, 0, 0]);
});

test('session: a run that is being retried still covers what it was about to write', () => {
  const { wants, run, clock, firsts } = start();
  wants(0);
  run(0).say({ type: 'ffmpeg.failed', error: { code: 'ENCODE_FAILED', message: 'broken' } });
  wants(1);
  assert.deepEqual(firsts(), [0]);
  clock.increment(100);
  assert.deepEqual(firsts(), [0, 0]);
});

test('session: on a switch the old rung runs out until the new one has its first segment, then makes only what was asked for', () => {
  const { wants, run, clock, emitted } = start();
  wants(0, '720p');
  run(0).write(0);
  wants(1, '480p');
  run(0).write(1, 2);
  assert.deepEqual(run(0).commands, []);
  run(1).write(1);
  assert.deepEqual(run(0).commands, ['ffmpeg.hold']);
  clock.increment(LEFT_HOLD);
  assert.deepEqual([run(0).isRunning, run(1).isRunning], [false, true]);
  assert.equal(emitted.at(-1), 'run.ended encode-0 ok');
});

test('session: a new rung that never gets going ends the old one after a while, when that has made what was asked for', () => {
  const { wants, run, clock } = start();
  wants(0, '720p');
  wants(1, '720p');
  run(0).write(0);
  wants(1, '480p');
  clock.increment(10_000);
  run(1).say({ type: 'frames.arrived' });
  assert.deepEqual(run(0).commands, []);
  run(0).write(1);
  assert.deepEqual(run(0).commands, ['ffmpeg.hold']);
  clock.increment(LEFT_HOLD);
  assert.deepEqual([run(0).isRunning, run(1).isRunning], [false, true]);
});

test('session: two rungs that are read in turn are both made, each by one run', () => {
  const { wants, sent, run, firsts, clock } = start();
  for (let index = 0; index < 20; index++) {
    for (const [at, rungId] of ['720p', '480p'].entries()) {
      wants(index, rungId);
      run(at).write(index);
      sent(index, rungId);
      clock.increment(LEFT_HOLD / 2 - 1);
    }
  }
  assert.deepEqual(firsts(), [0, 0]);
});

test('session: two audio tracks that are read at once have a run each, and one that nobody asks for ends', () => {
  const { actor, wantsSound, run, firsts, clock } = start();
  wantsSound(0);
  wantsSound(0, 1);
  for (let index = 0; index < 20; index++) {
    for (const track of [0, 1]) run(track).write(index);
    for (const track of [0, 1]) wantsSound(index + 1, track);
  }
  assert.deepEqual([firsts(), run(0).isRunning, run(1).isRunning], [[0, 0], true, true]);
  for (const track of [0, 1]) run(track).write(...Array.from({ length: LEAD + 1 }, (_, at) => 20 + at));
  clock.increment(HOLD - 1);
  actor.send({ type: 'segment.sent', slot: slotOf({ track: 1 }), rungId: null, index: 21 });
  clock.increment(1);
  assert.deepEqual([run(0).isRunning, run(1).isRunning], [false, true]);
});

test('session: a run that makes room for another is gone at once', () => {
  const { actor, wants, wantsSound, run, emitted, firsts } = start();
  wants(0);
  wantsSound(0);
  actor.send({ type: 'run.yielded', slot: slotOf({ rungId: '720p' }) });
  assert.deepEqual([run(0).isRunning, run(1).isRunning], [false, true]);
  assert.ok(emitted.includes('run.superseded encode-0'));
  wants(7);
  assert.deepEqual(firsts(), [0, 0, 7], 'what follows is no seek');
});

test('session: the runs are told in the order in which they were asked for, the least lately first', () => {
  const { wants, wantsSound, context } = start();
  const slots = () => Object.keys(context().runs);
  wants(0);
  wantsSound(0);
  assert.deepEqual(slots(), ['video:720p', 'audio:0']);
  wants(1);
  assert.deepEqual(slots(), ['audio:0', 'video:720p']);
  wantsSound(0);
  assert.deepEqual(slots(), ['video:720p', 'audio:0']);
});

test('session: a viewer who switches back at once keeps the run there was', () => {
  const { wants, run, firsts, clock } = start();
  wants(0, '720p');
  run(0).write(0);
  wants(1, '480p');
  wants(1, '720p');
  run(0).write(1);
  run(1).write(1);
  assert.deepEqual(firsts(), [0, 1]);
  assert.deepEqual([run(0).commands, run(1).commands], [[], ['ffmpeg.hold']]);
  clock.increment(LEFT_HOLD);
  assert.deepEqual([run(0).isRunning, run(1).isRunning], [true, false]);
});

test('session: a segment out of memory counts as watching its rung', () => {
  const { wants, run, sent, clock, context } = start();
  wants(0, '720p');
  run(0).write(0);
  sent(1, 'original');
  assert.equal(context().rungId, 'original');
  clock.increment(10_000);
  assert.deepEqual(run(0).commands, ['ffmpeg.hold']);
});

test('session: heartbeats tell the position and the state', () => {
  const { actor, context, value } = start();
  for (const state of ['playing', 'paused', 'buffering'] as const) {
    actor.send({ type: 'session.heartbeat', positionMs: 1234, state });
    assert.deepEqual([value(), context().positionMs], [{ watching: state }, 1234]);
  }
});

for (const [order, end] of [
  ['session.stop', 'stopped'],
  ['session.expire', 'expired'],
] as const) {
  test(`session: ${order} waits until every run is gone, the superseded ones too`, () => {
    const { actor, wants, wantsSound, run, value, context, calm } = start({ isStubborn: true });
    wants(0);
    calm();
    wants(50);
    wantsSound(0);
    actor.send({ type: order });
    assert.deepEqual(
      [run(0), run(1), run(2)].map(({ commands }) => commands.at(-1)),
      ['ffmpeg.stop', 'ffmpeg.stop', 'ffmpeg.stop'],
    );
    run(1).say({ type: 'ffmpeg.exited' });
    run(2).say({ type: 'ffmpeg.failed', error: { code: 'ENCODE_FAILED', message: 'killed' } });
    assert.notEqual(value(), end);
    run(0).say({ type: 'ffmpeg.exited' });
    assert.deepEqual([value(), actor.getSnapshot().status, context().runsAlive], [end, 'done', 0]);
  });

  test(`session: ${order} ends at once when nothing runs`, () => {
    const { actor, value } = start();
    actor.send({ type: order });
    assert.equal(value(), end);
  });

  test(`session: a segment that is wanted after ${order} starts nothing`, () => {
    const { actor, wants, run, firsts, sent, value } = start({ isStubborn: true });
    wants(0);
    actor.send({ type: order });
    wants(1);
    wants(50);
    sent(0);
    actor.send({ type: 'session.heartbeat', positionMs: 1, state: 'playing' });
    assert.deepEqual(firsts(), [0]);
    run(0).say({ type: 'ffmpeg.exited' });
    assert.equal(value(), end);
  });
}

test('session: stop ends a run that waits for its retry, and no retry comes', () => {
  const { actor, wants, run, clock, firsts, value } = start();
  wants(0);
  run(0).say({ type: 'ffmpeg.failed', error: { code: 'ENCODE_FAILED', message: 'broken' } });
  actor.send({ type: 'session.stop' });
  clock.increment(1_000);
  assert.deepEqual([value(), firsts()], ['stopped', [0]]);
});

test('session: orders in the same moment as the end of a run find nobody there, and nothing breaks', () => {
  const { actor, wants, run, sent, value } = start();
  actor.send({ type: 'segment.wanted', slot: slotOf({ rungId: '720p' }), rungId: '720p', job: aJob(0, 0), isInit: false, isAhead: false });
  run(0).write(0);
  actor.on('run.ended', () => {
    sent(0);
    wants(1);
    actor.send({ type: 'session.stop' });
  });
  run(0).say({ type: 'ffmpeg.exited' });
  assert.equal(value(), 'stopped');
});

test('session: a single seek is not delayed, and neither is the next after a quiet moment', () => {
  const { wants, firsts, clock } = start();
  wants(10);
  assert.deepEqual(firsts(), [10]);
  clock.increment(QUIET);
  wants(50);
  assert.deepEqual(firsts(), [10, 50]);
});

test('session: a seek too soon after another ends its encode at once, and starts when the slot is quiet', () => {
  const { wants, firsts, alive, emitted, clock } = start();
  wants(10);
  clock.increment(QUIET - 1);
  wants(50);
  assert.deepEqual([firsts(), alive()], [[10], 0]);
  assert.deepEqual(emitted.slice(1), ['run.superseded encode-0', 'run.ended superseded ok']);
  clock.increment(QUIET - 1);
  assert.deepEqual(firsts(), [10]);
  clock.increment(1);
  assert.deepEqual(firsts(), [10, 50]);
});

test('session: twenty seeks in two seconds start a handful of encodes, one at a time, and the last seek wins', () => {
  const { wants, firsts, alive, clock } = start();
  let mostAlive = 0;
  for (let seek = 0; seek < 20; seek++) {
    wants(80 - 4 * seek);
    mostAlive = Math.max(mostAlive, alive());
    clock.increment(100);
  }
  clock.increment(QUIET);
  assert.deepEqual([firsts(), mostAlive, alive()], [[80, 4], 1, 1]);
});

test('session: a scrub that goes on for long still shows a picture now and then', () => {
  const { wants, firsts, clock } = start();
  for (let seek = 0; seek < 50; seek++) {
    wants((seek * 37) % 90);
    clock.increment(100);
  }
  assert.equal(firsts().length, 1 + (50 * 100) / INTERVAL);
});

test('session: what is asked for around the pending seek waits for it and does not put it off', () => {
  const { wants, wantsInit, firsts, clock, context, emitted } = start();
  wants(10);
  wants(50);
  emitted.length = 0;
  for (let request = 0; request < 10; request++) {
    clock.increment(QUIET / 10);
    wants(50 + (request % (REACH_SEGMENTS + 1)));
    wantsInit(3);
  }
  assert.deepEqual([firsts(), context().runsAlive], [[10, 50], 1]);
});

test('session: during a scrub a rung switch starts at once', () => {
  const { wants, firsts } = start();
  wants(10, '720p');
  wants(50, '720p');
  wants(50, '480p');
  assert.deepEqual(firsts(), [10, 50]);
});

test('session: during a scrub the sound is kept apart from the picture', () => {
  const { wants, wantsSound, firsts, clock } = start();
  wants(10);
  wantsSound(11);
  assert.deepEqual(firsts(), [10, 11]);
  wants(50);
  wantsSound(51);
  assert.deepEqual(firsts(), [10, 11]);
  clock.increment(QUIET);
  assert.deepEqual(firsts(), [10, 11, 50, 51]);
});

test('session: playing on right after a seek is no seek', () => {
  const { wants, run, firsts, clock } = start();
  wants(10);
  for (let index = 10; index < 20; index++) {
    run(0).write(index);
    wants(index + 1);
    clock.increment(50);
  }
  assert.deepEqual(firsts(), [10]);
});

test('session: an init segment is brought by the run that has just been started, wherever it starts', () => {
  const { wants, wantsInit, firsts, alive } = start();
  wants(50);
  wantsInit(0);
  assert.deepEqual([firsts(), alive()], [[50], 1]);
});

test('session: a pending seek that nobody waits for any more is not started, and the next is still one of the scrub', () => {
  const { actor, wants, firsts, clock } = start();
  wants(10);
  wants(50);
  actor.send({ type: 'segment.withdrawn', slot: slotOf({ rungId: '720p' }) });
  wants(70);
  assert.deepEqual(firsts(), [10]);
  actor.send({ type: 'segment.withdrawn', slot: slotOf({ rungId: '720p' }) });
  clock.increment(INTERVAL);
  assert.deepEqual(firsts(), [10]);
});

test('session: a seek to what is kept already overtakes the pending seek, and the scrub goes on', () => {
  const { actor, wants, firsts, pending, clock } = start();
  const overtake = () => actor.send({ type: 'seek.overtaken', slot: slotOf({ rungId: '720p' }) });
  wants(10);
  for (const index of [50, 70]) {
    wants(index);
    clock.increment(QUIET / 2);
    assert.equal(pending(), index);
    overtake();
    assert.equal(pending(), undefined);
    clock.increment(QUIET - 1);
  }
  overtake();
  clock.increment(QUIET - 1);
  wants(80);
  assert.deepEqual(firsts(), [10]);
  clock.increment(QUIET);
  assert.deepEqual(firsts(), [10, 80]);
});

test('session: a seek to what is kept already ends no encode, and the next seek after a quiet moment starts at once', () => {
  const { actor, wants, firsts, alive, clock } = start();
  wants(10);
  actor.send({ type: 'seek.overtaken', slot: slotOf({ rungId: '720p' }) });
  assert.equal(alive(), 1);
  clock.increment(QUIET);
  actor.send({ type: 'seek.overtaken', slot: slotOf({ rungId: '720p' }) });
  wants(50);
  assert.deepEqual(firsts(), [10, 50]);
});

test('session: the client of a running encode that goes away does not end it', () => {
  const { actor, wants, firsts, alive } = start();
  wants(10);
  actor.send({ type: 'segment.withdrawn', slot: slotOf({ rungId: '720p' }) });
  assert.deepEqual([firsts(), alive()], [[10], 1]);
});

test('session: a pending seek of a rung that was left is started all the same: somebody waits for it', () => {
  const { wants, run, firsts, clock } = start();
  wants(10, '720p');
  wants(50, '720p');
  wants(50, '480p');
  run(1).write(50);
  clock.increment(QUIET);
  assert.deepEqual(firsts(), [10, 50, 50]);
});

test('session: another language leaves a pending seek of the first as it is', () => {
  const { wantsSound, firsts, clock } = start();
  wantsSound(10);
  wantsSound(50);
  wantsSound(50, 1);
  assert.deepEqual(firsts(), [10, 50]);
  clock.increment(QUIET);
  assert.deepEqual(firsts(), [10, 50, 50]);
});

test('session: a stop in the middle of a scrub starts nothing more', () => {
  const { actor, wants, firsts, clock, value } = start();
  wants(10);
  wants(50);
  actor.send({ type: 'session.stop' });
  clock.increment(INTERVAL);
  assert.deepEqual([firsts(), value()], [[10], 'stopped']);
});

test('session: a run whose next segments are kept already ends as if its work were done, and a later request starts another', () => {
  const { actor, wants, run, firsts, emitted, childNames, calm } = start();
  wants(10);
  run(0).write(10);
  actor.send({ type: 'run.covered', actorId: 'encode-7' });
  assert.ok(run(0).isRunning, 'one that is not known ends nothing');
  actor.send({ type: 'run.covered', actorId: 'encode-0' });
  assert.deepEqual(childNames(), ['ladder']);
  assert.equal(emitted.at(-1), 'run.ended encode-0 ok');
  calm();
  wants(15);
  assert.deepEqual(firsts(), [10, 15]);
});

test('session: what is made for its headers, or ahead, may be ready before a rung is watched', () => {
  for (const ask of ['wantsInit', 'wantsAhead'] as const) {
    const world = start();
    world[ask](0);
    world.run(0).write(0);
    assert.equal(world.actor.getSnapshot().status, 'active', ask);
    world.wants(1);
    world.run(0).write(1);
    assert.deepEqual([world.firsts(), world.emitted.at(-1)], [[0], 'run.progressed encode-0'], ask);
  }
});

test('session: a pending seek that is due starts nothing by itself, and its slot is free for the next', () => {
  const { wants, calm, firsts, due, pending, context } = start({ hasRoom: false });
  wants(0);
  wants(40);
  assert.equal(pending(), 40);
  calm();
  assert.deepEqual([due, firsts(), context().scrubs], [['video:720p 40'], [0], {}]);
  wants(60);
  assert.deepEqual(firsts(), [0, 60], 'what is wanted afterwards starts at once');
});

test('session: a header asked for by itself costs one segment, and whoever goes on to watch that rung finds it running', () => {
  const { wants, wantsInit, sent, run, firsts, limits, clock, alive } = start();
  wants(10, '480p');
  wantsInit(12);
  wantsInit(12);
  assert.deepEqual(
    [firsts(), limits()],
    [
      [10, 12],
      [10 + LEAD, 12],
    ],
  );
  run(1).write(12);
  assert.deepEqual(run(1).commands, ['ffmpeg.hold']);
  sent(12);
  assert.deepEqual(
    [firsts(), limits()],
    [
      [10, 12],
      [10 + LEAD, 12 + LEAD],
    ],
  );
  assert.deepEqual(run(1).commands, ['ffmpeg.hold', 'ffmpeg.resume']);
  wantsInit(40, '240p');
  run(2).write(40);
  clock.increment(LEFT_HOLD);
  assert.equal(alive(), 2, 'nobody went on to watch it');
});

test('session: a header of another place does not hold up the segment that is asked for after it, nor leave the watched rung', () => {
  const { wants, wantsInit, run, firsts, context, emitted } = start();
  wants(10, '480p');
  run(0).write(10);
  wantsInit(0);
  assert.deepEqual(
    emitted.filter(event => event.startsWith('run.superseded')),
    [],
  );
  wants(11);
  assert.deepEqual(firsts(), [10, 0, 11], 'at once: it is no seek that follows another');
  assert.equal(context().runs[slotOf({ rungId: '480p' })]?.job.firstIndex, 10, 'until the new rung brings something');
});

test('session: a rung that nobody watches is made two segments at a time, and is not taken for the one that is watched', () => {
  const { wants, wantsAhead, run, firsts, limits, context } = start();
  wants(10, '480p');
  wantsAhead(12);
  assert.deepEqual([firsts(), limits(), context().rungId], [[10, 12], [10 + LEAD, 13], '480p']);
  run(1).write(12, 13);
  assert.deepEqual(run(1).commands, ['ffmpeg.hold']);
  wantsAhead(14);
  assert.deepEqual([limits()[1], run(1).commands.at(-1)], [15, 'ffmpeg.resume']);
  wantsAhead(50);
  assert.deepEqual(firsts(), [10, 12, 50], 'after a jump it starts anew there');
});

test('session: a rung made ahead becomes the watched one with the first request for it, and hints move it no more', () => {
  const { wants, wantsAhead, sent, run, firsts, limits, context } = start();
  wants(10, '480p');
  wantsAhead(12);
  run(1).write(12);
  sent(12);
  assert.deepEqual([context().rungId, limits()], ['720p', [10 + LEAD, 12 + LEAD]]);
  wantsAhead(13);
  assert.deepEqual(
    [firsts(), limits()],
    [
      [10, 12],
      [10 + LEAD, 12 + LEAD],
    ],
  );
});

test('session: a hint at a rung that nobody watches displaces no seek', () => {
  const { wants, wantsAhead, firsts, clock } = start();
  wants(10);
  wants(50);
  wantsAhead(12);
  assert.deepEqual(firsts(), [10]);
  clock.increment(QUIET);
  assert.deepEqual(firsts(), [10, 50]);
});

test('session: when others need the machine, only the rungs end that nobody watches', () => {
  const { actor, wants, wantsAhead, run, alive, emitted } = start();
  wants(10, '480p');
  wantsAhead(12);
  emitted.length = 0;
  actor.send({ type: 'ahead.ended' });
  assert.deepEqual(emitted, ['run.superseded encode-1', 'run.ended superseded ok']);
  assert.deepEqual([run(1).isRunning, alive()], [false, 1]);
});
