// One session whose player reads several tracks and rungs at once, and in any order: each request is answered with its bytes.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { base, Client, type Rendition, type Started } from '../support/client.ts';
import { ffmpeg } from '../support/media.ts';
import { startServer, temporaryFolder } from '../support/server.ts';
import { seededRandom } from '../support/titles.ts';
import { assertContinuous, readSegment, timescaleOf } from '../support/track-check.ts';

/** Longer than an encode runs ahead. */
const FILM_S = 40;
const SEED = 7;
const IN_PARALLEL = 4;
const REQUESTS = 60;

async function world(t: TestContext, env: Readonly<Record<string, string>> = {}) {
  const scratch = await temporaryFolder(t);
  const library = join(scratch, 'films');
  await mkdir(library);
  const sine = (frequency: number) => ['-f', 'lavfi', '-i', `sine=f=${frequency}:r=48000:d=${FILM_S}`];
  await ffmpeg(
    ...['-f', 'lavfi', '-i', `testsrc2=s=640x360:r=12:d=${FILM_S}`, ...sine(440), ...sine(880)],
    ...['-map', '0:v', '-map', '1:a', '-map', '2:a', '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '24', '-pix_fmt', 'yuv420p'],
    ...['-c:a', 'aac', join(library, 'two-languages.mp4')],
  );
  const server = await startServer(t, { library, env: { TMPDIR: scratch, ...env } });
  const client = await Client.signIn(server.url);
  const [film] = await client.media();
  assert.ok(film);
  const session = await client.start(film.id, { delivery: 'transcode', audioTrack: 0 });
  const renditions = await client.renditions(session);
  const started = async (): Promise<number> => {
    const text = await client.metrics();
    return [...text.matchAll(/^encodes_total\{.*outcome="started".*\} (\d+)$/gm)].reduce((sum, [, value]) => sum + Number(value), 0);
  };
  const of = (kind: 'audio' | 'video'): Rendition[] => renditions.filter(({ path }) => path.startsWith(`${kind}/`));
  return { client, session, of, started };
}

/** In order, each segment when the one before has come: as a player that is never full. */
async function readThrough(client: Client, session: Started, { path, durationsS }: Rendition): Promise<void> {
  const timescale = timescaleOf(await client.init(session, path));
  const segments: Buffer[] = [];
  for (const index of durationsS.keys()) segments.push(await client.segment(session, path, index));
  assertContinuous(path, segments.map(readSegment), { timescale, durationsS });
}

test('side by side: both audio tracks are read at once from start to end, as WebKit does, at one encode each', async t => {
  const { client, session, of, started } = await world(t);
  const sounds = of('audio');
  assert.equal(sounds.length, 2);
  const before = await started();
  await Promise.all(sounds.map(rendition => readThrough(client, session, rendition)));
  assert.ok((await started()) - before <= sounds.length, `${(await started()) - before} encodes`);
  await client.stop(session.sessionId);
});

test('side by side: two rungs and a track are read at once, at one encode each', async t => {
  const { client, session, of, started } = await world(t);
  const read = [...of('video').slice(-2), ...of('audio').slice(0, 1)];
  const before = await started();
  await Promise.all(read.map(rendition => readThrough(client, session, rendition)));
  assert.ok((await started()) - before <= read.length, `${(await started()) - before} encodes`);
  await client.stop(session.sessionId);
});

for (const [machine, env] of [
  ['with room for all', {}],
  ['that encodes one picture at a time', { FERRITE_MAX_TRANSCODES: '1', FERRITE_ADMISSION_TIMEOUT_MS: '60000' }],
] as const) {
  test(`side by side: segments of all rungs and tracks in any order are all answered, on a machine ${machine}`, async t => {
    const { client, session, of, started } = await world(t, env);
    const renditions = [...of('video'), ...of('audio')];
    const random = seededRandom(SEED);
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
    const segments = Array.from({ length: REQUESTS }, () => {
      const { path, durationsS } = pick(renditions);
      return `${path}/${Math.floor(random() * durationsS.length)}.m4s`;
    });
    const before = await started();
    const answers: string[] = [];
    const reader = async (): Promise<void> => {
      for (let segment = segments.pop(); segment !== undefined; segment = segments.pop()) {
        const response = await client.fetch(base(session) + segment);
        const body = Buffer.from(await response.arrayBuffer());
        answers.push(response.status === 200 ? '200' : `${segment}: ${response.status} ${body}`);
      }
    };
    await Promise.all(Array.from({ length: IN_PARALLEL }, reader));
    assert.deepEqual(
      answers.filter(answer => answer !== '200'),
      [],
    );
    assert.equal(answers.length, REQUESTS);
    const encodes = (await started()) - before;
    t.diagnostic(`${encodes} encodes for ${REQUESTS} requests`);
    assert.ok(encodes <= REQUESTS + IN_PARALLEL, `${encodes} encodes`);
    await client.stop(session.sessionId);
  });
}
