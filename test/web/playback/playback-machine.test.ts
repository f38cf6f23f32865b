// How one film is watched: the machine of the page on a simulated clock, with scripted effects in place of the server and the video element.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as xstate from 'xstate';
import { createPlaybackMachine } from '#src/web/playback/playback-machine.js';
import { positionOf, statusOf, wantsPlay } from '#src/web/playback/playback-state.js';

const GATHER_TIME = 220;
const MINUTE = 60_000;

type Facts = { shownMs?: number; nowMs?: number; isEnded?: boolean };
type Asked = { positionMs: number | null; delivery: string; givenUp: boolean };

/** The page as the machine sees it: notes what is ordered; answers only when the test says so. */
function watch() {
  const clock = new xstate.SimulatedClock();
  const done: string[] = [];
  const asked: Asked[] = [];
  const landings: { targetMs: number; mode: string; answer: (landsAtMs: number) => void }[] = [];
  const note =
    (name: string) =>
    (_: unknown, params: unknown): void => {
      const { positionMs, targetMs } = (params ?? {}) as { positionMs?: number; targetMs?: number };
      const at = positionMs ?? targetMs;
      done.push(at === undefined ? name : `${name} ${at}`);
    };
  const machine = createPlaybackMachine(xstate).provide({
    actors: {
      opening: xstate.fromCallback(({ input }) => {
        const one = { positionMs: input.startMs, delivery: input.wanted.delivery, givenUp: false };
        asked.push(one);
        return () => {
          one.givenUp = true;
        };
      }),
      landing: xstate.fromPromise(({ input }) => {
        const { promise, resolve } = Promise.withResolvers<number>();
        landings.push({ ...input, answer: resolve });
        return promise;
      }),
    },
    actions: {
      takeSession: note('take session'),
      attachDelivery: note('attach'),
      endSession: note('end session'),
      abandonDelivery: note('abandon'),
      playVideo: note('play'),
      pauseVideo: note('pause'),
      startSeekClock: note('seek clock'),
      jump: note('jump'),
      hintSeek: note('hint'),
      tellPause: note('tell pause'),
      release: note('release'),
    },
  });
  const actor = xstate.createActor(machine, { clock }).start();
  const tell = (event: { type: string } & Record<string, unknown>, facts: Facts = {}) =>
    actor.send({ shownMs: 0, nowMs: 0, isEnded: false, ...facts, ...event } as never);
  return {
    clock,
    done,
    asked,
    landings,
    tell,
    opened: (delivery = 'remux', facts: Facts = {}) => tell({ type: 'session.opened', delivery, startPositionMs: 7_000 }, facts),
    /** What was ordered since the last look. */
    orders: () => done.splice(0),
    status: () => statusOf(actor.getSnapshot()).name,
    message: () => actor.getSnapshot().context.message,
    wantsPlay: () => wantsPlay(actor.getSnapshot()),
    position: (shownMs = 0) => positionOf(actor.getSnapshot().context, shownMs),
    context: () => actor.getSnapshot().context,
    /** Resolves when the machine has taken in the landing that was answered. */
    settled: () => xstate.waitFor(actor, snapshot => snapshot.matches({ watching: { landing: 'settled' } }), { timeout: 5_000 }),
  };
}

/** A film that plays, its picture shown at 7 s. */
function playing(delivery = 'remux') {
  const film = watch();
  film.tell({ type: 'playback.start', positionMs: null });
  film.opened(delivery);
  film.tell({ type: 'delivery.attached' });
  film.tell({ type: 'picture.shown', hasPicture: true });
  film.orders();
  return film;
}

test('playback: starts where the server says that the person stopped, and plays', () => {
  const film = watch();
  film.tell({ type: 'playback.start', positionMs: null });
  assert.deepEqual(film.asked, [{ positionMs: null, delivery: 'auto', givenUp: false }]);
  assert.equal(film.status(), 'starting');
  film.opened();
  assert.deepEqual(film.orders(), ['take session', 'play', 'attach 7000']);
  assert.equal(film.status(), 'ready');
  assert.equal(film.position(0), 7_000, 'until the picture is there');
  film.tell({ type: 'picture.shown', hasPicture: false });
  assert.equal(film.position(0), 7_000);
  film.tell({ type: 'picture.shown', hasPicture: true });
  assert.equal(film.position(7_100), 7_100);
});

test('playback: a busy server is shown as waiting, its refusal as a failure that Retry begins anew', () => {
  const film = watch();
  film.tell({ type: 'playback.start', positionMs: 3_000 });
  film.tell({ type: 'session.delayed', message: 'two before you' });
  assert.equal(film.status(), 'waiting');
  assert.equal(film.message(), 'two before you');
  film.tell({ type: 'session.refused', message: 'too many' });
  assert.equal(film.status(), 'failed');
  assert.equal(film.message(), 'too many');
  film.tell({ type: 'playback.retry' });
  assert.equal(film.status(), 'starting');
  assert.equal(film.asked.at(-1)?.positionMs, 3_000);
});

test('playback: a seek before there is a session moves where the film begins', () => {
  const film = watch();
  film.tell({ type: 'playback.start', positionMs: 3_000 });
  film.tell({ type: 'seek.to', targetMs: 50_000, mode: 'keyframe' });
  assert.equal(film.landings.length, 0);
  film.opened();
  assert.ok(film.orders().includes('attach 50000'));
});

test('playback: paused before the session is there, the film does not play when it comes', () => {
  const film = watch();
  film.tell({ type: 'playback.start', positionMs: null });
  film.tell({ type: 'playback.pause' });
  film.opened();
  film.tell({ type: 'delivery.attached' });
  assert.deepEqual(film.orders(), ['pause', 'take session', 'attach 7000']);
});

test('playback: a seek asks where it lands and jumps there; the position is the target meanwhile', async () => {
  const film = playing();
  film.tell({ type: 'seek.to', targetMs: 50_300, mode: 'keyframe' });
  assert.equal(film.position(9_000), 50_300);
  assert.deepEqual(film.orders(), ['seek clock']);
  film.landings[0]?.answer(48_000);
  await film.settled();
  assert.deepEqual(film.orders(), ['jump 48000', 'play']);
});

test('playback: of two seeks only the newer one jumps', async () => {
  const film = playing();
  film.tell({ type: 'seek.to', targetMs: 50_000, mode: 'keyframe' });
  film.tell({ type: 'seek.to', targetMs: 20_000, mode: 'precise' });
  film.landings[0]?.answer(48_000);
  film.landings[1]?.answer(20_000);
  await film.settled();
  assert.deepEqual(
    film.orders().filter(order => order.startsWith('jump')),
    ['jump 20000'],
  );
});

test('playback: a paused film is not played by a seek, but by one away from its end', async () => {
  const film = playing();
  film.tell({ type: 'playback.pause' });
  film.tell({ type: 'seek.to', targetMs: 50_000, mode: 'precise' });
  film.landings[0]?.answer(50_000);
  await film.settled();
  assert.deepEqual(film.orders(), ['pause', 'seek clock', 'jump 50000']);
  film.tell({ type: 'seek.to', targetMs: 1_000, mode: 'precise' }, { isEnded: true });
  assert.equal(film.wantsPlay(), true);
});

test('playback: a run of key presses is one seek at once and one when the keys rest', () => {
  const film = playing();
  film.tell({ type: 'seek.step', targetMs: 17_000, mode: 'keyframe' });
  for (const targetMs of [27_000, 37_000, 47_000]) {
    film.clock.increment(GATHER_TIME - 1);
    film.tell({ type: 'seek.step', targetMs, mode: 'precise' });
    assert.equal(film.position(7_000), targetMs);
  }
  assert.deepEqual(
    film.landings.map(({ targetMs }) => targetMs),
    [17_000],
  );
  assert.deepEqual(film.orders(), ['seek clock', 'hint 27000', 'hint 37000', 'hint 47000']);
  film.clock.increment(GATHER_TIME);
  assert.deepEqual(
    film.landings.map(({ targetMs, mode }) => ({ targetMs, mode })),
    [
      { targetMs: 17_000, mode: 'keyframe' },
      { targetMs: 47_000, mode: 'precise' },
    ],
  );
  film.tell({ type: 'seek.step', targetMs: 57_000, mode: 'keyframe' });
  assert.equal(film.landings.at(-1)?.targetMs, 57_000, 'the next press is a first one again');
});

test('playback: a seek by hand ends a run of key presses', () => {
  const film = playing();
  film.tell({ type: 'seek.step', targetMs: 17_000, mode: 'keyframe' });
  film.tell({ type: 'seek.step', targetMs: 27_000, mode: 'keyframe' });
  film.tell({ type: 'seek.to', targetMs: 5_000, mode: 'keyframe' });
  film.clock.increment(GATHER_TIME);
  assert.deepEqual(
    film.landings.map(({ targetMs }) => targetMs),
    [17_000, 5_000],
  );
});

test('playback: a session lost while playing is opened again where the picture is, what is shown stays', () => {
  const film = playing();
  film.tell({ type: 'session.lost', message: 'gone' }, { shownMs: 30_000 });
  assert.equal(film.asked.at(-1)?.positionMs, 30_000);
  assert.equal(film.status(), 'ready');
  assert.deepEqual(film.orders(), [], 'nothing is taken away before there is something new');
  film.opened('remux', { shownMs: 30_400 });
  assert.deepEqual(film.orders(), ['take session', 'play', 'attach 30000']);
  assert.equal(film.context().sessionCount, 2);
});

test('playback: a session lost while paused is opened again only when somebody plays or seeks', () => {
  for (const act of [{ type: 'playback.play' }, { type: 'seek.to', targetMs: 30_000, mode: 'keyframe' }]) {
    const film = playing();
    film.tell({ type: 'playback.pause' });
    film.tell({ type: 'session.lost', message: 'gone' }, { shownMs: 30_000 });
    film.tell({ type: 'session.lost', message: 'gone' }, { shownMs: 30_000 });
    assert.equal(film.asked.length, 1);
    film.tell(act, { shownMs: 30_000 });
    assert.equal(film.asked.length, 2);
    assert.equal(film.asked.at(-1)?.positionMs, 30_000);
  }
});

test('playback: more than four new sessions in a minute are a failure, spread over more time they are not', () => {
  const lose = (film: ReturnType<typeof playing>, nowMs: number): void => {
    film.tell({ type: 'session.lost', message: 'gone' }, { nowMs });
    if (film.status() !== 'failed') film.opened('remux', { nowMs });
  };
  const film = playing();
  for (let count = 1; count <= 4; count++) lose(film, count * 1_000);
  assert.equal(film.status(), 'ready');
  lose(film, 5_000);
  assert.equal(film.status(), 'failed');
  assert.ok(film.orders().includes('abandon'));
  film.tell({ type: 'playback.play' });
  film.opened();
  lose(film, 6_000);
  assert.notEqual(film.status(), 'failed', 'who presses Play begins a new count');

  const slow = playing();
  for (let count = 1; count <= 10; count++) lose(slow, count * (MINUTE / 4 + 1));
  assert.notEqual(slow.status(), 'failed');
});

test('playback: a file that the browser cannot decode is transcoded, a transcode that it cannot decode is a failure', () => {
  const film = playing('direct');
  assert.equal(film.context().canPlayOriginal, true);
  film.tell({ type: 'delivery.failed', code: 'DECODE', message: 'cannot be played' }, { shownMs: 9_000 });
  assert.deepEqual(film.asked.at(-1), { positionMs: 9_000, delivery: 'transcode', givenUp: false });
  assert.equal(film.context().canPlayOriginal, false);
  film.opened('transcode');
  film.tell({ type: 'delivery.failed', code: 'DECODE', message: 'cannot be played' });
  assert.equal(film.status(), 'failed');
  assert.equal(film.message(), 'cannot be played');
});

test('playback: trouble that passes is shown and then not', () => {
  const film = playing();
  film.tell({ type: 'delivery.troubled', message: 'Trying again…' });
  assert.equal(film.status(), 'waiting');
  film.tell({ type: 'delivery.recovered' });
  assert.equal(film.status(), 'ready');
});

test('playback: another choice gives up the session that is being opened, and keeps what plays', () => {
  const film = playing();
  film.tell({ type: 'settings.choose', changes: { audioTrack: 1 } }, { shownMs: 20_000 });
  film.tell({ type: 'settings.choose', changes: { delivery: 'transcode' } }, { shownMs: 21_000 });
  assert.deepEqual(
    film.asked.map(({ positionMs, givenUp }) => ({ positionMs, givenUp })),
    [
      { positionMs: null, givenUp: true },
      { positionMs: 20_000, givenUp: true },
      { positionMs: 21_000, givenUp: false },
    ],
  );
  assert.deepEqual(film.orders(), []);
  film.opened('transcode', { shownMs: 23_000 });
  assert.ok(film.orders().includes('attach 23000'), 'where the picture is when the new one comes');
  assert.equal(film.context().wanted.audioTrack, 1);
});

test('playback: a paused film stays paused when another choice opens a session', () => {
  const film = playing();
  film.tell({ type: 'playback.pause' });
  film.tell({ type: 'settings.choose', changes: { audioTrack: 1 } });
  film.opened();
  assert.equal(film.wantsPlay(), false);
  assert.deepEqual(film.orders(), ['pause', 'take session', 'attach 0']);
});

test('playback: a revoked login ends the film, also while another session is being opened', () => {
  const film = playing();
  film.tell({ type: 'settings.choose', changes: { audioTrack: 1 } });
  film.tell({ type: 'session.revoked', message: 'signed out' });
  assert.equal(film.status(), 'failed');
  assert.equal(film.asked.at(-1)?.givenUp, true);
});

test('playback: a pause from outside the page counts, one that a reload or a new source causes does not', () => {
  const film = playing();
  film.tell({ type: 'picture.paused', isReloading: true });
  film.tell({ type: 'picture.paused', isReloading: false }, { isEnded: true });
  assert.equal(film.wantsPlay(), true);
  film.tell({ type: 'picture.paused', isReloading: false });
  assert.equal(film.wantsPlay(), false);
  assert.deepEqual(film.orders(), ['tell pause']);

  const starting = watch();
  starting.tell({ type: 'playback.start', positionMs: null });
  starting.opened();
  starting.tell({ type: 'picture.paused', isReloading: false });
  assert.equal(starting.wantsPlay(), true, 'its picture is not there yet');
});

test('playback: Play at the end begins again', () => {
  const film = playing();
  film.tell({ type: 'playback.play' }, { isEnded: true });
  assert.equal(film.landings.at(-1)?.targetMs, 0);
});

test('playback: a page that goes away ends its session; back again, Play opens another at the same position', () => {
  const film = playing();
  film.tell({ type: 'playback.suspend' }, { shownMs: 40_000 });
  assert.deepEqual(film.orders(), ['end session', 'pause']);
  assert.equal(film.wantsPlay(), false);
  film.tell({ type: 'playback.play' });
  assert.equal(film.asked.at(-1)?.positionMs, 40_000);
  film.opened();
  assert.ok(film.orders().includes('play'));
});

test('playback: closed, it lets go of everything and hears nothing more', () => {
  const film = watch();
  film.tell({ type: 'playback.start', positionMs: null });
  film.tell({ type: 'playback.close' });
  assert.equal(film.asked[0]?.givenUp, true);
  assert.deepEqual(film.orders(), ['release']);
  film.opened();
  film.tell({ type: 'playback.play' });
  assert.deepEqual(film.orders(), []);
  assert.equal(film.status(), 'closed');
});
