import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { EncodeJob, FfmpegEvent } from '#actors/effects.ts';
import type { ErrorCode } from '#domain/errors.ts';
import type { SessionId } from '#domain/ids.ts';
import { parseMediaId } from '#domain/ids.ts';
import type { Track } from '#domain/protocol.ts';
import { RemuxCache } from '#workers/remux/remux-cache.ts';
import { PATIENCE_MS } from '#workers/sessions/patience.ts';
import { Sessions } from '#workers/sessions/sessions.ts';
import { SubtitleTracks } from '#workers/subtitles/subtitle-tracks.ts';
import { aMap, anAudioTimeline, anOffer, aRecord, aRung, aSound, aTitle, everyS } from '../../support/titles.ts';

const FILM_S = 200;
const TRACKS = 10;
const SHARED = {
  media: aTitle({ durationMs: FILM_S * 1000 }),
  keyframes: aMap(everyS(2, FILM_S / 2), FILM_S, {
    audio: Array.from({ length: TRACKS }, () => anAudioTimeline({ endPts: 48_000 * FILM_S })),
  }),
};
const PICTURE: Track = { kind: 'video', rungId: '720p' };
const SOUND: Track = { kind: 'audio', track: 0 };
const RUNG: Track = { kind: 'video', rungId: '480p' };
const MAX_RUNS = 8;
const QUIET_MS = 200;
const { signal } = new AbortController();
/** Requests are gone through in a turn of their own. */
const settled = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

type RequestOptions = {
  readonly track?: Track;
  readonly isHint?: boolean;
  readonly isAhead?: boolean;
  readonly mayEncode?: boolean;
  readonly mayRunBeside?: boolean;
  readonly goneWith?: AbortSignal;
};

/** The sessions of a thread, each ffmpeg doing only what the test says. */
function start() {
  const runs: {
    job: EncodeJob;
    commands: string[];
    write: (...indexes: number[]) => void;
    fail: (code: ErrorCode) => void;
    breathe: () => void;
    isRunning: boolean;
  }[] = [];
  const sessions = new Sessions({
    subtitles: new SubtitleTracks({ sources: { source: () => Promise.reject(new Error('no subtitles here')) } }),
    ffmpeg: ({ input: job, receive, sendBack }) => {
      const commands: string[] = [];
      const say = sendBack as (event: FfmpegEvent) => void;
      const write = (...indexes: number[]): void => {
        for (const index of indexes) {
          sessions.published(job.key, index);
          say({ type: 'segment.written', index });
        }
      };
      const fail = (code: ErrorCode): void => say({ type: 'ffmpeg.failed', error: { code, message: 'broken' } });
      const breathe = (): void => say({ type: 'frames.arrived' });
      const run = { job, commands, write, fail, breathe, isRunning: true };
      runs.push(run);
      receive(({ type }) => {
        commands.push(type);
        if (type === 'ffmpeg.stop') say({ type: 'ffmpeg.exited' });
      });
      return () => {
        run.isRunning = false;
      };
    },
    remux: new RemuxCache(),
    onOpen: () => undefined,
    publish: () => undefined,
    send: () => undefined,
  });
  const open = (): SessionId => {
    const sounds = Array.from({ length: TRACKS }, (_, track) => ({ ...aSound(), track }));
    const record = aRecord(anOffer([aRung(), aRung('480p')], sounds));
    assert.ok(sessions.open({ mediaId: record.mediaId, record, shared: SHARED }));
    return record.id;
  };
  const request = (
    sessionId: SessionId,
    name: number,
    { track = PICTURE, isHint = false, isAhead = false, mayEncode = true, mayRunBeside = true, goneWith = signal }: RequestOptions = {},
  ): Promise<null> => {
    const asked = { track, name, positionMs: 0, isHint, isAhead, mayEncode, mayRunBeside, untilIndex: null };
    return sessions.prepare({ mediaId: parseMediaId('film-1'), sessionId, ...asked }, goneWith);
  };
  return {
    sessions,
    open,
    wants: (sessionId: SessionId, name: number, track: Track = PICTURE): void => {
      // One that is not written in the test ends with its session.
      request(sessionId, name, { track }).catch(() => undefined);
    },
    request,
    runsAlive: () => runs.filter(({ isRunning }) => isRunning).length,
    firsts: () => runs.map(({ job }) => job.firstIndex),
    run: (at: number) => {
      const run = runs[at];
      assert.ok(run, `run ${at} was not started`);
      return run;
    },
  };
}

/** Two viewers: what is encoded for the first is written up to that segment, the second has asked for nothing yet. */
function startAhead(lastWritten: number) {
  const all = start();
  const [early, late] = [all.open(), all.open()];
  all.wants(early, 0);
  all.run(0).write(...Array.from({ length: lastWritten + 1 }, (_, index) => index));
  return { ...all, early, late };
}

test('sessions: while a viewer may soon wait, encodes far ahead of theirs do, and go on when that one has enough', async () => {
  const { sessions, late, wants, run } = startAhead(8);
  assert.deepEqual(run(0).commands, [], 'alone it may run half a minute ahead');
  wants(late, 50);
  assert.deepEqual(run(0).commands, ['ffmpeg.hold']);
  run(1).write(50, 51);
  assert.deepEqual(run(0).commands, ['ffmpeg.hold']);
  run(1).write(52);
  assert.deepEqual(run(0).commands, ['ffmpeg.hold', 'ffmpeg.resume']);
  await sessions.closeAll();
});

test('sessions: one that waits for another goes on as soon as its own viewer comes near', async () => {
  const { sessions, early, late, wants, run } = startAhead(5);
  wants(late, 50);
  assert.deepEqual(run(0).commands, ['ffmpeg.hold']);
  sessions.sent({ sessionId: early, track: PICTURE, index: 3 });
  assert.deepEqual(run(0).commands, ['ffmpeg.hold', 'ffmpeg.resume']);
  await sessions.closeAll();
});

test('sessions: who waits for what another’s encode would make has it made when that one has to wait', async () => {
  const { sessions, open, late, wants, run, firsts } = startAhead(8);
  wants(open(), 9);
  assert.deepEqual(firsts(), [0], 'it is about to come');
  wants(late, 50);
  assert.deepEqual(run(0).commands, ['ffmpeg.hold']);
  await settled();
  assert.deepEqual(firsts(), [0, 50, 9]);
  await sessions.closeAll();
});

test('sessions: who asks for what a waiting encode would make next has it made', async () => {
  const { sessions, open, late, wants, firsts } = startAhead(8);
  wants(late, 50);
  wants(open(), 9);
  assert.deepEqual(firsts(), [0, 50, 9]);
  await sessions.closeAll();
});

test('sessions: an encode that ends lets those go on that waited for it', async () => {
  const { sessions, late, wants, run } = startAhead(8);
  wants(late, 50);
  await sessions.close({ mediaId: parseMediaId('film-1'), sessionId: late, reason: 'stopped' });
  assert.deepEqual(run(0).commands, ['ffmpeg.hold', 'ffmpeg.resume']);
  await sessions.closeAll();
});

test('sessions: sound waits after its next segment until a picture that is behind has come up', async () => {
  const { sessions, open, wants, run } = start();
  const mine = open();
  wants(mine, 20);
  wants(mine, 20, SOUND);
  run(1).write(20);
  assert.deepEqual(run(1).commands, []);
  run(1).write(21);
  assert.deepEqual(run(1).commands, ['ffmpeg.hold']);
  run(0).write(20, 21, 22);
  assert.deepEqual(run(1).commands, ['ffmpeg.hold', 'ffmpeg.resume']);
  await sessions.closeAll();
});

test('sessions: who is still waited for keeps its encode, and who comes later has one after it', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { sessions, open, request, run, firsts } = start();
  const mine = open();
  const [first, second] = [request(mine, 10), request(mine, 50)];
  await settled();
  assert.deepEqual(firsts(), [10]);
  run(0).write(10);
  await first;
  await settled();
  t.mock.timers.tick(QUIET_MS);
  await settled();
  assert.deepEqual([firsts(), run(0).commands], [[10, 50], ['ffmpeg.stop']]);
  run(1).write(50);
  await second;
  await sessions.closeAll();
});

test('sessions: a seek whose client has left the place before gets its encode at once, and only the last of a scrub is started', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { sessions, open, request, run, firsts } = start();
  const mine = open();
  const outcomes: Promise<unknown>[] = [];
  let gone = new AbortController();
  for (const index of [10, 30, 50, 70, 90]) {
    // The next request is there before the end of the last is heard of.
    const before = gone;
    gone = new AbortController();
    outcomes.push(request(mine, index, { goneWith: gone.signal }).catch(({ code }) => code));
    before.abort();
    await settled();
    t.mock.timers.tick(QUIET_MS / 2);
  }
  assert.deepEqual(run(0).commands, ['ffmpeg.stop']);
  t.mock.timers.tick(QUIET_MS);
  await settled();
  assert.deepEqual(firsts(), [10, 90]);
  run(1).write(90);
  assert.deepEqual(await Promise.all(outcomes), ['CANCELLED', 'CANCELLED', 'CANCELLED', 'CANCELLED', null]);
  await sessions.closeAll();
});

test('sessions: of hints the last has its encode, the one before is told, and who waits goes before any', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { sessions, open, request, run, firsts } = start();
  const mine = open();
  const hints = [10, 30].map(index => request(mine, index, { isHint: true }).catch(({ code }) => code));
  await settled();
  t.mock.timers.tick(QUIET_MS);
  await settled();
  assert.deepEqual(firsts(), [10, 30]);
  assert.equal(await hints[0], 'ENCODE_STALLED');
  t.mock.timers.tick(QUIET_MS);
  const waited = request(mine, 60);
  await settled();
  const late = request(mine, 80, { isHint: true });
  await settled();
  assert.deepEqual(firsts(), [10, 30, 60]);
  t.mock.timers.tick(QUIET_MS);
  run(2).write(60);
  await Promise.all([waited, settled()]);
  assert.deepEqual(firsts(), [10, 30, 60, 80]);
  run(3).write(80);
  assert.equal(await late, null);
  await sessions.closeAll();
});

test('sessions: rungs and tracks are made side by side, up to a bound; one that nobody waits for makes room', async () => {
  const { sessions, open, request, run, firsts, runsAlive } = start();
  const mine = open();
  const pictures = [request(mine, 0), request(mine, 40, { track: RUNG })];
  const sounds = Array.from({ length: TRACKS }, (_, track) => request(mine, track, { track: { kind: 'audio', track } }));
  await settled();
  assert.deepEqual([firsts(), runsAlive()], [[0, 40, 0, 1, 2, 3, 4, 5], MAX_RUNS]);
  run(1).write(40);
  await Promise.all([pictures[1], settled()]);
  assert.deepEqual([firsts().at(-1), run(1).commands, runsAlive()], [6, ['ffmpeg.stop'], MAX_RUNS]);
  for (let at = 0; at < TRACKS + 2; at++) {
    if (at !== 1) run(at).write(run(at).job.firstIndex);
    await settled();
  }
  await Promise.all([...pictures, ...sounds]);
  await sessions.closeAll();
});

test('sessions: an encode that fails tells those it was made for, and the others have one of their own', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { sessions, open, request, run, firsts } = start();
  const mine = open();
  const outcomes = [10, 12, 50].map(index => request(mine, index).catch(({ code }) => code));
  await settled();
  run(0).fail('MEDIA_CHANGED');
  await settled();
  assert.deepEqual(await Promise.all(outcomes.slice(0, 2)), ['MEDIA_CHANGED', 'MEDIA_CHANGED']);
  assert.deepEqual(firsts(), [10, 50]);
  run(1).write(50);
  assert.equal(await outcomes[2], null);
  await sessions.closeAll();
});

test('sessions: a request that may start no picture is told so when its turn comes, and nobody behind it waits for that', async () => {
  const { sessions, open, request, run, firsts } = start();
  const mine = open();
  const refused = request(mine, 10, { mayEncode: false });
  await assert.rejects(refused, { code: 'GRANT_NEEDED' });
  const [running, other] = [request(mine, 10), request(mine, 12, { mayEncode: false })];
  await assert.rejects(request(mine, 0, { track: RUNG, mayEncode: false }), { code: 'GRANT_NEEDED' });
  assert.deepEqual(firsts(), [10]);
  run(0).write(10, 11, 12);
  await Promise.all([running, other]);
  await sessions.closeAll();
});

test('sessions: where pictures may not run side by side they take turns, and who waits has no encode taken away before it has waited long', async t => {
  let nowMs = 0;
  t.mock.method(performance, 'now', () => ++nowMs);
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { sessions, open, request, run, firsts } = start();
  const mine = open();
  const turn = (name: number, track: Track) => request(mine, name, { track, mayRunBeside: false });
  const first = turn(10, PICTURE);
  const sound = turn(10, SOUND);
  const other = turn(20, RUNG);
  await settled();
  assert.deepEqual(firsts(), [10, 10], 'sound takes no turn of a picture');
  run(0).write(10);
  await Promise.all([first, settled()]);
  assert.deepEqual([firsts(), run(0).commands], [[10, 10, 20], ['ffmpeg.stop']]);
  const back = turn(11, PICTURE);
  const [next, afterNext] = [turn(21, RUNG), turn(22, RUNG)];
  nowMs += PATIENCE_MS;
  run(2).write(20);
  await Promise.all([other, settled()]);
  assert.deepEqual(firsts(), [10, 10, 20, 11], 'it has waited longer than those who came later');
  for (const [at, index] of [
    [1, 10],
    [3, 11],
  ] as const)
    run(at).write(index);
  await Promise.all([sound, back, settled()]);
  t.mock.timers.tick(QUIET_MS);
  run(4).write(21, 22);
  await Promise.all([next, afterNext]);
  await sessions.closeAll();
});

test('sessions: an encode that fails, or ends by itself, makes room for one that waits to be started', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { sessions, open, request, run, firsts } = start();
  const mine = open();
  const sounds = Array.from({ length: TRACKS }, (_, track) =>
    request(mine, track, { track: { kind: 'audio', track } }).catch(({ code }) => code),
  );
  await settled();
  assert.deepEqual(firsts(), [0, 1, 2, 3, 4, 5, 6, 7]);
  run(0).fail('MEDIA_CHANGED');
  assert.equal(await sounds[0], 'MEDIA_CHANGED');
  await settled();
  assert.deepEqual(firsts(), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
  await sessions.closeAll();
});

test('sessions: who waits behind one whose time is up has its turn then', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { sessions, open, request, run, firsts } = start();
  const mine = open();
  const first = request(mine, 10).catch(({ code }) => code);
  for (let second = 0; second < 50; second += 10) {
    t.mock.timers.tick(10_000);
    run(0).breathe();
  }
  const behind = request(mine, 50);
  await settled();
  t.mock.timers.tick(10_000);
  assert.equal(await first, 'ENCODE_STALLED');
  await settled();
  t.mock.timers.tick(QUIET_MS);
  assert.deepEqual(firsts(), [10, 50]);
  run(1).write(50);
  await behind;
  await sessions.closeAll();
});

/** The mocked clock and timers of a test, moved together. */
function fakeTime(t: TestContext): (ms: number) => Promise<void> {
  let nowMs = 0;
  // Two requests never come at the same moment.
  t.mock.method(performance, 'now', () => (nowMs += 0.01));
  t.mock.timers.enable({ apis: ['setTimeout'] });
  return ms => {
    nowMs += ms;
    t.mock.timers.tick(ms);
    return settled();
  };
}

test('sessions: a pending seek that is due waits for its turn where another rung has started meanwhile and may not run beside it', async t => {
  const pass = fakeTime(t);
  const { sessions, open, request, run, firsts } = start();
  const mine = open();
  const turn = (name: number, track: Track, goneWith = signal) => request(mine, name, { track, mayRunBeside: false, goneWith });
  const gone = new AbortController();
  const left = turn(10, PICTURE, gone.signal).catch(({ code }) => code);
  const sought = turn(50, PICTURE);
  gone.abort();
  assert.equal(await left, 'CANCELLED');
  await settled();
  assert.deepEqual(run(0).commands, ['ffmpeg.stop'], 'the seek is set aside');
  const other = turn(20, RUNG);
  await settled();
  assert.deepEqual(firsts(), [10, 20]);
  await pass(QUIET_MS);
  assert.deepEqual([firsts(), run(1).commands], [[10, 20], []], 'somebody waits for the other rung');
  run(1).write(20);
  await Promise.all([other, settled()]);
  assert.deepEqual([firsts(), run(1).commands], [[10, 20, 50], ['ffmpeg.stop']]);
  run(2).write(50);
  await sought;
  await sessions.closeAll();
});

test('sessions: a pending seek that is due asks for a grant where it may start no picture', async t => {
  const pass = fakeTime(t);
  const { sessions, open, request } = start();
  const mine = open();
  const gone = new AbortController();
  const left = request(mine, 10, { goneWith: gone.signal }).catch(({ code }) => code);
  const sought = request(mine, 50, { mayEncode: false }).catch(({ code }) => code);
  gone.abort();
  await left;
  await settled();
  await pass(QUIET_MS);
  assert.equal(await sought, 'GRANT_NEEDED');
  await sessions.closeAll();
});

test('sessions: a request whose patience ends has its turn then, though nobody comes or goes', async t => {
  const pass = fakeTime(t);
  const { sessions, open, request, run, firsts } = start();
  const mine = open();
  const [first, early] = [request(mine, 10), request(mine, 90)];
  await settled();
  const late = request(mine, 50);
  run(0).write(10);
  await Promise.all([first, settled()]);
  await pass(QUIET_MS);
  assert.deepEqual(firsts(), [10, 50], 'a viewer looks at what was asked for last');
  await pass(PATIENCE_MS - QUIET_MS - 1);
  assert.deepEqual(firsts(), [10, 50]);
  await pass(2);
  await pass(QUIET_MS);
  assert.deepEqual(firsts(), [10, 50, 90]);
  run(2).write(90);
  await Promise.all([early, settled()]);
  await pass(QUIET_MS);
  run(3).write(50);
  await late;
  await sessions.closeAll();
});

test('sessions: a rung that nobody watches is not made while a viewer may soon wait, and is given up when one may', async () => {
  const { sessions, open, request, wants, run, runsAlive, firsts } = start();
  const mine = open();
  wants(mine, 0);
  const asked = request(mine, 1, { track: RUNG, isHint: true, isAhead: true });
  await assert.rejects(asked, { code: 'ENCODE_STALLED' }, 'the watched rung has nothing ready yet');
  run(0).write(0, 1, 2, 3);
  const ahead = request(mine, 1, { track: RUNG, isHint: true, isAhead: true });
  await settled();
  assert.deepEqual([firsts(), runsAlive()], [[0, 1], 2]);
  const refused = assert.rejects(ahead, { code: 'ENCODE_STALLED' });
  const other = open();
  wants(other, 60);
  await refused;
  assert.deepEqual([firsts(), run(1).isRunning], [[0, 1, 60], false]);
  await sessions.closeAll();
});

test('sessions: a rung that nobody watches does not make its viewer one who may soon wait', async () => {
  const { sessions, open, request, wants, run } = start();
  const [mine, other] = [open(), open()];
  wants(other, 0);
  run(0).write(...Array.from({ length: 9 }, (_, index) => index));
  wants(mine, 60);
  run(1).write(60, 61, 62, 63);
  const ahead = request(mine, 61, { track: RUNG, isHint: true, isAhead: true }).catch(({ code }) => code);
  await settled();
  assert.deepEqual(run(0).commands.at(-1), 'ffmpeg.resume', 'the other runs on, far ahead of its viewer');
  sessions.endAhead(mine);
  assert.equal(await ahead, 'ENCODE_STALLED');
  await sessions.closeAll();
});
