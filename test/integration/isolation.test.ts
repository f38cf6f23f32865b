// Viewers of one film never disturb each other: whatever one does, or happens to one, the other's bytes, encodes and position stay.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { base, Client, type Started } from '../support/client.ts';
import { ffmpeg, SAMPLE_480P } from '../support/media.ts';
import { encodesNaming, isRunning, noneLeft, type RunningProcess, until } from '../support/processes.ts';
import { startServer, temporaryFolder } from '../support/server.ts';
import { assertContinuous, readSegment, timescaleOf } from '../support/track-check.ts';

const VIEWER = { username: 'ada', password: 'an analytical engine' };
const QUIET_RUNG = '240p';
const WILD_RUNG = '480p';

type Encode = { readonly rendition: string; readonly firstIndex: number; readonly nextIndex: number };
type SessionView = {
  readonly sessionId: string;
  readonly state: string;
  readonly rung: string | null;
  readonly positionMs: number;
  readonly expiresAtMs: number;
  readonly encodes: readonly Encode[];
};

test('isolation', async t => {
  const scratch = await temporaryFolder(t);
  const library = join(scratch, 'films');
  await mkdir(library);
  // Four minutes: long enough that no encode ever comes to its end.
  await ffmpeg('-stream_loop', '7', '-i', SAMPLE_480P, '-c', 'copy', join(library, 'long.mp4'));
  await ffmpeg('-stream_loop', '8', '-i', SAMPLE_480P, '-c', 'copy', join(library, 'longer.mp4'));
  const server = await startServer(t, { library, env: { TMPDIR: scratch, FERRITE_WARM_ENCODERS: '0' } });
  const admin = await Client.signIn(server.url);
  await admin.call('POST', '/api/v1/users', { ...VIEWER, role: 'viewer' });
  const ada = await Client.signIn(server.url, VIEWER);
  const films = await admin.media();
  const film = films.find(({ title }) => title === 'Long');
  const otherFilm = films.find(({ title }) => title === 'Longer');
  assert.ok(film && otherFilm);

  const view = (client: Client, { sessionId }: Started): Promise<SessionView> => client.call('GET', `/api/v1/sessions/${sessionId}`);
  const encodeOf = async (client: Client, session: Started, rendition: string): Promise<Encode | undefined> =>
    (await view(client, session)).encodes.find(encode => encode.rendition === rendition);
  const ffmpegOf = (rung: string): RunningProcess[] =>
    encodesNaming(scratch).filter(({ args }) => args.some(arg => arg.includes(rung === WILD_RUNG ? 'scale=854:480' : 'scale=426:240')));

  /** Starts a viewer who has switched to the quiet rung and watches on from there. */
  async function startQuiet(client: Client, positionMs: number) {
    const session = await client.start(film?.id ?? '', { delivery: 'transcode', startPositionMs: positionMs });
    const renditions = await client.renditions(session);
    const rendition = renditions.find(({ path }) => path === `video/${QUIET_RUNG}`);
    const sound = renditions.find(({ path }) => path.startsWith('audio/'));
    assert.ok(rendition && sound);
    const first = indexAt(rendition.durationsS, positionMs);
    const firstSound = indexAt(sound.durationsS, positionMs);
    const init = await client.init(session, rendition.path);
    const segments: Buffer[] = [];
    /** Picture and sound, as a player does: an encode that nobody asks anything of is given back. */
    const watch = async (count: number): Promise<void> => {
      for (let left = count; left > 0; left--) {
        const at = segments.length;
        const [picture] = await Promise.all([
          client.segment(session, rendition.path, first + at),
          client.segment(session, sound.path, firstSound + at),
        ]);
        segments.push(picture);
      }
    };
    await watch(1);
    await client.call('POST', `/api/v1/sessions/${session.sessionId}/heartbeat`, { positionMs, state: 'playing' });
    // The rung it started with is given up once the new one has got going; the heartbeat is heard by another thread.
    const before = await until('it plays, and only the quiet rung is encoded', async () => {
      const now = await view(client, session);
      return now.state === 'playing' && now.encodes.every(({ rendition }) => rendition !== `video:${WILD_RUNG}`) && now;
    });
    /** All that a disturbance could have changed. */
    const assertUndisturbed = async (): Promise<void> => {
      const after = await view(client, session);
      assert.deepEqual(lasting(after), lasting(before));
      for (const [at, { nextIndex }] of after.encodes.entries())
        assert.ok(nextIndex >= (before.encodes[at]?.nextIndex ?? 0), 'its encodes went on');
      assertContinuous(rendition.path, segments.map(readSegment), {
        timescale: timescaleOf(init),
        durationsS: rendition.durationsS.slice(first, first + segments.length),
      });
      for (const [at, bytes] of segments.entries())
        assert.ok(bytes.equals(await client.segment(session, rendition.path, first + at)), `segment ${first + at} is still the same`);
    };
    return { session, watch, assertUndisturbed };
  }

  for (const [who, wild] of [
    ['the same user', admin],
    ['another user', ada],
  ] as const) {
    await t.test(`wild seeks and a stop by ${who} change nothing for a quiet viewer`, async () => {
      const quiet = await startQuiet(admin, wild === ada ? 150_000 : 60_000);
      const seeker = await wild.start(film.id, { delivery: 'transcode' });
      // It watches on all the while, however long that takes: an encode that is held for long would be given back.
      let watching = Promise.resolve();
      const { answered } = await seekWildly(wild, seeker, 30, request => {
        if (request % 4 === 0) watching = watching.then(() => quiet.watch(1));
      });
      await watching;
      assert.ok(answered > 0, 'some of the wild requests waited for their answer');
      await wild.stop(seeker.sessionId);
      assert.equal((await wild.problem('GET', `/api/v1/sessions/${seeker.sessionId}`)).code, 'SESSION_NOT_FOUND');
      await until('the encodes of the stopped session are gone', () => ffmpegOf(WILD_RUNG).length === 0);
      await quiet.watch(2);
      await quiet.assertUndisturbed();
      await admin.stop(quiet.session.sessionId);
    });
  }

  await t.test('a killed ffmpeg costs its own viewer a wait, and the other nothing', async () => {
    const quiet = await startQuiet(admin, 10_000);
    const [quietProcess] = ffmpegOf(QUIET_RUNG);
    assert.ok(quietProcess, 'its encode is running');
    const victim = await ada.start(film.id, { delivery: 'transcode', startPositionMs: 200_000 });
    const path = `video/${WILD_RUNG}`;
    const rendition = (await ada.renditions(victim)).find(one => one.path === path);
    const first = indexAt(rendition?.durationsS ?? [], 200_000);
    let isAnswered = false;
    const wanted = ada.segment(victim, path, first).finally(() => {
      isAnswered = true;
    });
    const running = await until('an encode of the victim', () => ffmpegOf(WILD_RUNG)[0]);
    assert.equal(isAnswered, false, 'it is killed while the viewer waits');
    process.kill(running.pid, 'SIGKILL');
    readSegment(await wanted);
    await quiet.watch(2);
    // And once more, between two requests.
    const retried = await until('another process', () => ffmpegOf(WILD_RUNG).find(({ pid }) => pid !== running.pid));
    process.kill(retried.pid, 'SIGKILL');
    for (const index of [first + 1, first + 2, first + 6]) readSegment(await ada.segment(victim, path, index));
    await quiet.watch(2);
    await quiet.assertUndisturbed();
    assert.ok(isRunning(quietProcess.pid), 'the quiet viewer still has the same process');
    await Promise.all([ada.stop(victim.sessionId), admin.stop(quiet.session.sessionId)]);
  });

  await t.test('the same film started twice is two sessions', async () => {
    const [one, two] = await Promise.all([admin.start(film.id, { delivery: 'remux' }), admin.start(film.id, { delivery: 'remux' })]);
    assert.notEqual(one.sessionId, two.sessionId);
    assert.notEqual(one.streamUrl, two.streamUrl);
    const bytes = await admin.segment(two, 'video/original', 3);
    assert.ok(bytes.equals(await admin.segment(one, 'video/original', 3)));
    await admin.stop(one.sessionId);
    assert.ok(bytes.equals(await admin.segment(two, 'video/original', 3)));
    assert.equal((await admin.problem('GET', `${base(one)}video/original/3.m4s`)).status, 401);
    const { items } = await admin.call<{ items: SessionView[] }>('GET', '/api/v1/sessions');
    assert.deepEqual(
      items.map(({ sessionId }) => sessionId),
      [two.sessionId],
    );
    await admin.stop(two.sessionId);
  });

  await t.test('who waits for the encode of a viewer that stops gets the segment all the same', async () => {
    const startPositionMs = 30_000;
    await until('no encode of those before', () => encodesNaming(scratch).length === 0);
    const owner = await admin.start(otherFilm.id, { delivery: 'transcode', startPositionMs });
    const [running] = await until('the encode of the first viewer', () => ffmpegOf(WILD_RUNG).length > 0 && ffmpegOf(WILD_RUNG));
    assert.ok(running);
    // Stopped in its tracks: nothing of what the second one waits for can come from it.
    process.kill(running.pid, 'SIGSTOP');
    const owned = await until('a segment to come', () => encodeOf(admin, owner, `video:${WILD_RUNG}`));
    const waiter = await ada.start(otherFilm.id, { delivery: 'transcode', startPositionMs });
    const wanted = ada.segment(waiter, `video/${WILD_RUNG}`, owned.nextIndex + 1);
    await until('the second viewer is known to watch that rung', async () => (await view(ada, waiter)).rung === WILD_RUNG);
    assert.equal(await encodeOf(ada, waiter, `video:${WILD_RUNG}`), undefined, 'it counts on the encode that is running');
    assert.deepEqual(
      ffmpegOf(WILD_RUNG).map(({ pid }) => pid),
      [running.pid],
    );
    await admin.stop(owner.sessionId);
    readSegment(await wanted);
    await until('the encode of the first viewer is gone', () => !isRunning(running.pid));
    assert.ok(await encodeOf(ada, waiter, `video:${WILD_RUNG}`), 'it has an encode of its own now');
    await ada.stop(waiter.sessionId);
  });

  await t.test('nothing of it all is left running', async () => {
    await until('no encode', () => encodesNaming(scratch).length === 0);
    assert.equal(await server.stop(), 0);
    await noneLeft(scratch);
  });
});

/** What stays as it is while a viewer watches on undisturbed. */
const lasting = ({ expiresAtMs: _expiresAtMs, encodes, ...rest }: SessionView) => ({
  ...rest,
  encodes: encodes.map(({ rendition, firstIndex }) => ({ rendition, firstIndex })),
});

/** Asks for segments all over the film, at the rung it started with; goes away from most before they are answered. */
async function seekWildly(
  client: Client,
  session: Started,
  requests: number,
  onRequest: (request: number) => void,
): Promise<{ answered: number }> {
  let answered = 0;
  for (let request = 0; request < requests; request++) {
    onRequest(request);
    const index = (request * 37) % 115;
    const url = `${base(session)}video/${WILD_RUNG}/${index}.m4s`;
    const waitsFor = request % 6 === 0;
    const signal = AbortSignal.timeout(waitsFor ? 30_000 : 20 + ((request * 53) % 200));
    try {
      const response = await client.fetch(url, { signal });
      const body = Buffer.from(await response.arrayBuffer());
      assert.equal(response.status, 200, body.toString());
      answered++;
    } catch (error) {
      if (waitsFor || !(error instanceof DOMException)) throw error;
    }
  }
  return { answered };
}

function indexAt(durationsS: readonly number[], positionMs: number): number {
  let endMs = 0;
  return durationsS.findIndex(seconds => {
    endMs += seconds * 1000;
    return endMs > positionMs;
  });
}
