// Seeks against a real server: what they start, what they end, what they cost, and where they land.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { base, Client, type Started } from '../support/client.ts';
import { ControlSocket } from '../support/control-socket.ts';
import { ffmpeg, SAMPLE_480P } from '../support/media.ts';
import { until } from '../support/processes.ts';
import { startServer, temporaryFolder } from '../support/server.ts';

/** As many messages as a control connection takes at once. */
const HINTS = 100;
const MINUTES = 10;
const SEEKS = 20;
const SCRUB_MS = 2_000;
const MAX_ENCODES = 6;
/** PF_EXITING of the kernel's flags of a process, and signal 9 in its sets of signals. */
const EXITING = 0x4;
const SIGKILL = 1n << 8n;

type Counts = {
  readonly started: number;
  readonly pictures: number;
  readonly superseded: number;
  readonly ffprobes: number;
  readonly copied: number;
};

type Encode = { readonly rendition: string; readonly firstIndex: number };

async function world(t: TestContext) {
  const scratch = await temporaryFolder(t);
  const library = join(scratch, 'films');
  await mkdir(library);
  await ffmpeg(
    '-stream_loop',
    String(MINUTES * 2 - 1),
    '-i',
    SAMPLE_480P,
    '-c',
    'copy',
    '-t',
    String(MINUTES * 60),
    join(library, 'long.mp4'),
  );
  const server = await startServer(t, { library, env: { TMPDIR: scratch, FERRITE_WARM_ENCODERS: '0' } });
  const client = await Client.signIn(server.url);
  const [film] = await client.media();
  assert.ok(film);
  const counts = async (): Promise<Counts> => {
    const text = await client.metrics();
    const sum = (pattern: RegExp): number => [...text.matchAll(pattern)].reduce((total, [, value]) => total + Number(value), 0);
    return {
      started: sum(/^encodes_total\{.*outcome="started".*\} (\d+)$/gm),
      pictures: sum(/^encodes_total\{rung="\d+p",outcome="started"\} (\d+)$/gm),
      superseded: sum(/^encodes_total\{.*outcome="superseded".*\} (\d+)$/gm),
      ffprobes: sum(/^ffprobe_total (\d+)$/gm),
      copied: sum(/^remux_segment_ms_count\{.*\} (\d+)$/gm),
    };
  };
  const open = async (delivery: 'transcode' | 'remux', startPositionMs = 0) => {
    const session = await client.start(film.id, { delivery, startPositionMs });
    const rendition = (await client.renditions(session)).find(one => one.path.startsWith('video/'));
    assert.ok(rendition);
    const { path, durationsS } = rendition;
    const startsMs = durationsS.map((_, index) => Math.round(1_000 * durationsS.slice(0, index).reduce((sum, one) => sum + one, 0)));
    const segmentAt = (positionMs: number): number => startsMs.findLastIndex(startMs => startMs <= positionMs);
    return { session, path, startsMs, segmentAt };
  };
  const encodesOf = async ({ session }: { session: Started }): Promise<readonly Encode[]> =>
    (await client.call<{ encodes: Encode[] }>('GET', `/api/v1/sessions/${session.sessionId}`)).encodes;
  return { server, client, counts, open, encodesOf };
}

/** Every ffmpeg below the server that nobody has killed yet, those kept ready too: their arguments name no film. */
function encoders(serverPid: number): number {
  const parents = new Map<number, { parent: number; isFfmpeg: boolean }>();
  for (const name of readdirSync('/proc').filter(entry => /^\d+$/.test(entry))) {
    try {
      const stat = /\((.*)\) (\S) (\d+) \S+ \S+ \S+ \S+ (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'utf8'));
      const [, program = '', state = '', parent = '', flags = ''] = stat ?? [];
      const isAlive = state !== 'Z' && (Number(flags) & EXITING) === 0;
      parents.set(Number(name), { parent: Number(parent), isFfmpeg: program === 'ffmpeg' && isAlive && !isKilled(name) });
    } catch {
      // Gone meanwhile.
    }
  }
  const isBelow = (pid: number): boolean => pid === serverPid || (pid > 1 && isBelow(parents.get(pid)?.parent ?? 0));
  return [...parents].filter(([pid, { isFfmpeg }]) => isFfmpeg && isBelow(pid)).length;
}

/** The signal is on its way: what is left of the process is for the kernel to clear away. */
function isKilled(pid: string): boolean {
  const pending = readFileSync(`/proc/${pid}/status`, 'utf8').matchAll(/^S(?:ig|hd)Pnd:\s+([\da-f]+)$/gm);
  return [...pending].some(([, mask]) => (BigInt(`0x${mask}`) & SIGKILL) !== 0n);
}

type World = Awaited<ReturnType<typeof world>>;

/** Twenty places, no two near each other. */
const scrubbed = (seed: number): number[] => Array.from({ length: SEEKS }, (_, seek) => 30_000 + ((seek * 173 + seed) % 27) * 20_000);

/** One seek every tenth of a second, as a pointer that is dragged, by the clock: a machine that is late for one is not late for the next. The number of encodes alive at each. */
async function scrub(
  { server }: World,
  positionsMs: readonly number[],
  seek: (positionMs: number) => Promise<unknown> | undefined,
): Promise<number> {
  let mostAlive = 0;
  const startedMs = performance.now();
  for (const [at, positionMs] of positionsMs.entries()) {
    await seek(positionMs);
    await delay(Math.max(0, startedMs + ((at + 1) * SCRUB_MS) / SEEKS - performance.now()));
    mostAlive = Math.max(mostAlive, encoders(Number(server.process.pid)));
  }
  return mostAlive;
}

async function assertServed({ client }: World, { session, path }: { session: Started; path: string }, segment: number): Promise<void> {
  assert.ok((await client.segment(session, path, segment)).length > 1_000);
}

test('seeking', async t => {
  const all = await world(t);
  const { server, client, counts, open, encodesOf } = all;
  const atFirst = await counts();

  await t.test('twenty hints in two seconds start a handful of encodes, and the segment of the last one arrives', async () => {
    const opened = await open('transcode');
    const control = await ControlSocket.open(server.url, opened.session);
    await assertServed(all, opened, 0);
    const [before, resting] = [await counts(), encoders(Number(server.process.pid))];
    let segment = -1;
    const scrubbing = await scrub(all, scrubbed(7), async positionMs => {
      segment = Number((await control.ask({ type: 'seek', id: `s${positionMs}`, positionMs })).segment);
    });
    await assertServed(all, opened, segment);
    // A slow machine has none to show before the seeks are over; then the last one's goes on.
    const mostAlive = Math.max(scrubbing, encoders(Number(server.process.pid)));
    const after = await counts();
    assert.ok(after.started - before.started <= MAX_ENCODES, `${after.started - before.started} encodes`);
    assert.ok(after.started - before.started >= 2, 'the first and the last seek at least');
    assert.ok(mostAlive > 0 && mostAlive <= resting + 1, `${mostAlive} at once, ${resting} before`);
    // Sooner than one that is held for long is given back.
    await until('only the last one runs', () => encoders(Number(server.process.pid)) <= resting, 10_000);
    t.diagnostic(
      `hints: ${after.started - before.started} started, ${after.superseded - before.superseded} superseded, at most ${mostAlive} alive, ${resting} before`,
    );
    control.close();
    await client.stop(opened.session.sessionId);
  });

  await t.test('twenty requests that are given up for the next, as of a player without hints, do so too', async () => {
    const opened = await open('transcode');
    await assertServed(all, opened, 0);
    const [before, resting] = [await counts(), encoders(Number(server.process.pid))];
    let request = new AbortController();
    let segment = -1;
    const statuses: Promise<unknown>[] = [];
    const scrubbing = await scrub(all, scrubbed(11), positionMs => {
      request.abort();
      request = new AbortController();
      segment = opened.segmentAt(positionMs);
      const url = `${base(opened.session)}${opened.path}/${segment}.m4s`;
      statuses.push(
        client.fetch(url, { signal: request.signal }).then(
          response => response.status,
          () => 'given up',
        ),
      );
      return undefined;
    });
    await assertServed(all, opened, segment);
    const mostAlive = Math.max(scrubbing, encoders(Number(server.process.pid)));
    assert.equal(await statuses.at(-1), 200);
    const after = await counts();
    assert.ok(after.started - before.started <= MAX_ENCODES, `${after.started - before.started} encodes`);
    assert.ok(mostAlive > 0 && mostAlive <= resting + 1, `${mostAlive} at once, ${resting} before`);
    t.diagnostic(
      `requests: ${after.started - before.started} started, ${after.superseded - before.superseded} superseded, at most ${mostAlive} alive, ${resting} before`,
    );
    await client.stop(opened.session.sessionId);
  });

  await t.test('a request that somebody still waits for is answered, whatever else is asked for meanwhile', async () => {
    const opened = await open('transcode');
    await assertServed(all, opened, 0);
    const ask = (segment: number): Promise<Response> => client.fetch(`${base(opened.session)}${opened.path}/${segment}.m4s`);
    const waited = ask(100);
    await until('its encode', async () => (await encodesOf(opened)).some(({ firstIndex }) => firstIndex === 100));
    const statuses = (await Promise.all([waited, ask(200), ask(150), ask(50)])).map(({ status }) => status);
    assert.deepEqual(statuses, [200, 200, 200, 200]);
    await client.stop(opened.session.sessionId);
  });

  await t.test(
    'a hint starts the encode before the segment is asked for, the request waits for that one, and back is served from the cache',
    async () => {
      const opened = await open('transcode', 60_000);
      const control = await ControlSocket.open(server.url, opened.session);
      const { segmentAt, startsMs } = opened;
      const [here, far] = [segmentAt(60_000), segmentAt(301_000)];
      await assertServed(all, opened, here);
      const before = await counts();
      const answer = await control.ask({ type: 'seek', id: 'there', positionMs: 301_000 });
      assert.equal(answer.segment, far);
      assert.ok(Math.abs(Number(answer.positionMs) - (startsMs[far] ?? 0)) <= 1, `lands at ${answer.positionMs}`);
      await until('its encode', async () =>
        (await encodesOf(opened)).some(({ rendition, firstIndex }) => rendition.startsWith('video:') && firstIndex === far),
      );
      await assertServed(all, opened, far);
      const there = await counts();
      assert.equal(there.pictures - before.pictures, 1, 'the request waits for the encode that the hint started');
      const cost = there.started - before.started;
      const back = await control.ask({ type: 'seek', id: 'back', positionMs: 60_000 });
      assert.equal(back.segment, here);
      await assertServed(all, opened, here);
      const again = await control.ask({ type: 'seek', id: 'again', positionMs: 301_000 });
      await assertServed(all, opened, Number(again.segment));
      assert.equal((await counts()).started - before.started, cost, 'nothing is made twice');
      control.close();
      await client.stop(opened.session.sessionId);
    },
  );

  await t.test('a hint of a remux session has the segment made before it is asked for', async () => {
    const before = await counts();
    /** The start, and each hint, have a picture made; the sound of this film is encoded. */
    const copiedAfter = (hints: number): Promise<number> =>
      until(`the picture of the start and ${hints} hints`, async () => {
        const copied = (await counts()).copied - before.copied;
        return copied >= 1 + hints && copied;
      });
    const opened = await open('remux');
    await copiedAfter(0);
    await assertServed(all, opened, 0);
    const control = await ControlSocket.open(server.url, opened.session);
    const { segment } = await control.ask({ type: 'seek', id: 1, positionMs: 400_000 });
    await copiedAfter(1);
    await assertServed(all, opened, Number(segment));
    // Counted after whatever the requests could have had made.
    await control.ask({ type: 'seek', id: 2, positionMs: 500_000 });
    assert.equal(await copiedAfter(2), 3, 'the requests had nothing made');
    control.close();
    await client.stop(opened.session.sessionId);
  });

  await t.test('a burst of hints is all answered, and has no more made than a few', async () => {
    const opened = await open('remux');
    await assertServed(all, opened, 0);
    const control = await ControlSocket.open(server.url, opened.session);
    const before = await counts();
    const startedMs = performance.now();
    for (let hint = 0; hint < HINTS; hint++) control.send({ type: 'seek', id: hint, positionMs: 20_000 + ((hint * 7_919) % 560_000) });
    await control.message('the last answer', ({ id }) => id === HINTS - 1);
    const rounds = Math.ceil((performance.now() - startedMs) / 100) + 2;
    const { copied } = await counts();
    assert.equal(control.received.filter(({ type }) => type === 'segment').length, HINTS);
    assert.ok(copied - before.copied <= 2 * rounds, `${copied - before.copied} segments in ${rounds} rounds`);
    control.close();
    await client.stop(opened.session.sessionId);
  });

  await t.test('a session starts where a seek of its mode would land', async () => {
    const { session, startsMs, segmentAt } = await open('transcode', 61_234);
    const landsAtMs = startsMs[segmentAt(61_234)] ?? 0;
    assert.ok(Math.abs(session.startPositionMs - landsAtMs) <= 1 && landsAtMs < 61_234, `starts at ${session.startPositionMs}`);
    const precise = await client.start((await client.media())[0]?.id ?? '', { seekMode: 'precise', startPositionMs: 61_234 });
    assert.equal(precise.startPositionMs, 61_234);
    for (const { sessionId } of [session, precise]) await client.stop(sessionId);
  });

  assert.equal((await counts()).ffprobes, atFirst.ffprobes, 'no seek probes anything');
});
