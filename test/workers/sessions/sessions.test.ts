import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EncodeJob, FfmpegEvent } from '#actors/effects.ts';
import type { SessionId } from '#domain/ids.ts';
import { parseMediaId } from '#domain/ids.ts';
import type { Track } from '#domain/protocol.ts';
import { RemuxCache } from '#workers/remux/remux-cache.ts';
import { Sessions } from '#workers/sessions/sessions.ts';
import { aMap, anAudioTimeline, anOffer, aRecord, aRung, aSound, aTitle, everyS } from '../../support/titles.ts';

const FILM_S = 200;
const SHARED = {
  media: aTitle({ durationMs: FILM_S * 1000 }),
  keyframes: aMap(everyS(2, FILM_S / 2), FILM_S, { audio: [anAudioTimeline({ endPts: 48_000 * FILM_S })] }),
};
const PICTURE: Track = { kind: 'video', rungId: '720p' };
const SOUND: Track = { kind: 'audio', track: 0 };
const { signal } = new AbortController();

/** The sessions of a thread, each ffmpeg doing only what the test says. */
function start() {
  const runs: { job: EncodeJob; commands: string[]; write: (...indexes: number[]) => void }[] = [];
  const sessions = new Sessions({
    ffmpeg: ({ input: job, receive, sendBack }) => {
      const commands: string[] = [];
      const say = sendBack as (event: FfmpegEvent) => void;
      const write = (...indexes: number[]): void => {
        for (const index of indexes) {
          sessions.published(job.key, index);
          say({ type: 'segment.written', index });
        }
      };
      runs.push({ job, commands, write });
      receive(({ type }) => {
        commands.push(type);
        if (type === 'ffmpeg.stop') say({ type: 'ffmpeg.exited' });
      });
    },
    remux: new RemuxCache(),
    onOpen: () => undefined,
    publish: () => undefined,
    send: () => undefined,
  });
  const open = (): SessionId => {
    const record = aRecord(anOffer([aRung()], [aSound()]));
    assert.ok(sessions.open({ mediaId: record.mediaId, record, shared: SHARED }));
    return record.id;
  };
  return {
    sessions,
    open,
    wants: (sessionId: SessionId, name: number, track: Track = PICTURE): void => {
      const wish = { track, name, positionMs: 0, mayEncode: true, untilIndex: null };
      // One that is not written in the test ends with its session.
      sessions.prepare({ mediaId: parseMediaId('film-1'), sessionId, ...wish }, signal).catch(() => undefined);
    },
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
  sessions.served({ sessionId: early, track: PICTURE, index: 3 });
  assert.deepEqual(run(0).commands, ['ffmpeg.hold', 'ffmpeg.resume']);
  await sessions.closeAll();
});

test('sessions: who waits for what another’s encode would make has it made when that one has to wait', async () => {
  const { sessions, open, late, wants, run, firsts } = startAhead(8);
  wants(open(), 9);
  assert.deepEqual(firsts(), [0], 'it is about to come');
  wants(late, 50);
  assert.deepEqual(run(0).commands, ['ffmpeg.hold']);
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
