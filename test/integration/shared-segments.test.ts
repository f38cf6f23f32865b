// What one viewer had encoded, the next one gets: no encode for what is kept, and none past where another has been.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { base, Client, type MediaItem, type Started } from '../support/client.ts';
import { ffmpeg, SAMPLE_480P } from '../support/media.ts';
import { encodesNaming } from '../support/processes.ts';
import { startServer, temporaryFolder } from '../support/server.ts';
import { until } from '../support/until.ts';

const RUNG = 'video/480p';
/** 30 s in segments of up to 2 s, cut at the film's keyframes too. */
const SEGMENTS = 17;
const SIXTH = { index: 6, startMs: 10_500 };
/** Past as many segments as an encode stops at. */
const LEAD_INDEX = 11;
const NINTH = { index: 9, startMs: 15_800 };
/** What an encode may make again: the one that shows it, and what it finishes before it is told. */
const MAX_COPIES = 3;

type World = { readonly client: Client; readonly scratch: string; film(title: string): MediaItem };

/** A server with silent films of 30 s: sound is encoded so fast that it would tell nothing. */
async function start(t: TestContext, titles: readonly string[], env: Record<string, string> = {}): Promise<World> {
  const scratch = await temporaryFolder(t);
  const library = join(scratch, 'films');
  await mkdir(library);
  for (const title of titles)
    await ffmpeg('-i', SAMPLE_480P, '-c', 'copy', '-an', '-metadata', `comment=${title}`, join(library, `${title}.mp4`));
  const server = await startServer(t, {
    library,
    env: { TMPDIR: scratch, FERRITE_MAX_TRANSCODES: '10', ...env },
  });
  const client = await Client.signIn(server.url);
  const films = await client.media();
  const film = (title: string): MediaItem => films.find(one => one.title.toLowerCase() === title) ?? assert.fail(title);
  return { client, scratch, film };
}

async function sumOf(client: Client, name: string, label: string): Promise<number> {
  const lines = (await client.metrics()).split('\n');
  const values = lines.filter(line => line.startsWith(`${name}{`) && line.includes(label)).map(line => Number(line.split(' ').at(-1)));
  return values.reduce((sum, value) => sum + value, 0);
}
const encodesStarted = (client: Client): Promise<number> => sumOf(client, 'encodes_total', 'outcome="started"');
/** What an encode would still make in vain is made by then. */
const encodesEnded = (client: Client, count: number): Promise<void> =>
  until(async () => (await sumOf(client, 'encodes_total', 'outcome="finished"')) === count, `${count} encodes have ended`);
const copiesMade = (client: Client): Promise<number> => sumOf(client, 'segments_encoded_total', 'kind="copy"');
const segmentsMade = (client: Client): Promise<number> => sumOf(client, 'segments_encoded_total', 'kind=');

async function play(client: Client, session: Started, from = 0, to = SEGMENTS): Promise<Buffer[]> {
  const segments: Buffer[] = [];
  for (let index = from; index < to; index++) segments.push(await client.segment(session, RUNG, index));
  return segments;
}

const transcode = (client: Client, film: MediaItem, startPositionMs = 0): Promise<Started> =>
  client.start(film.id, { delivery: 'transcode', startPositionMs });

test('a second viewer of the same rung costs no encode, also after the first has gone, and gets the same bytes', async t => {
  const { client, film } = await start(t, ['played']);
  const first = await transcode(client, film('played'));
  const played = await play(client, first);
  const before = await encodesStarted(client);
  assert.equal(before, 1);
  await until(async () => (await sumOf(client, 'segment_cache_pinned_bytes', 'tier="memory"')) > 0, 'what it is about to need is held');
  const second = await transcode(client, film('played'));
  assert.deepEqual(await play(client, second), played);
  await client.stop(first.sessionId);
  const third = await transcode(client, film('played'), SIXTH.startMs);
  assert.deepEqual(await play(client, third, SIXTH.index), played.slice(SIXTH.index));
  assert.equal(await encodesStarted(client), before);
  assert.equal(await copiesMade(client), 0);
});

test('what is on disk only is served without an encode too', async t => {
  // Room for about two segments.
  const { client, film } = await start(t, ['cold'], { FERRITE_CACHE_MEMORY_BYTES: '1048576' });
  const first = await transcode(client, film('cold'));
  const played = await play(client, first);
  const total = played.reduce((sum, { byteLength }) => sum + byteLength, 0);
  await until(async () => (await sumOf(client, 'segment_cache_bytes', 'tier="disk"')) >= total, 'everything is on disk');
  const second = await transcode(client, film('cold'));
  assert.deepEqual(await play(client, second), played);
  assert.equal(await encodesStarted(client), 1);
  assert.ok((await sumOf(client, 'segment_cache_requests_total', 'found="disk"')) > 0, 'the disk was used');
});

test('an encode that starts before a kept stretch ends where that begins', async t => {
  const { client, film } = await start(t, ['later']);
  const first = await transcode(client, film('later'), NINTH.startMs);
  const later = await play(client, first, NINTH.index);
  const second = await transcode(client, film('later'));
  const all = await play(client, second);
  assert.deepEqual(all.slice(NINTH.index), later);
  await encodesEnded(client, 2);
  assert.equal(await encodesStarted(client), 2);
  assert.deepEqual([await segmentsMade(client), await copiesMade(client)], [SEGMENTS, 0], 'every segment was encoded once');
});

test('an encode that comes to where another was meanwhile ends there', async t => {
  const { client, film, scratch } = await start(t, ['both'], { FERRITE_WARM_ENCODERS: '0' });
  const early = await transcode(client, film('both'));
  let pid = 0;
  await until(() => {
    pid = encodesNaming(scratch)[0]?.pid ?? 0;
    return pid > 0;
  }, 'the early one is encoded for');
  // It stands still until the other has got ahead of it, however fast the machine runs either.
  process.kill(pid, 'SIGSTOP');
  const late = await transcode(client, film('both'), SIXTH.startMs);
  await play(client, late, SIXTH.index, LEAD_INDEX);
  process.kill(pid, 'SIGCONT');
  const [all] = await Promise.all([play(client, early), play(client, late, LEAD_INDEX)]);
  assert.equal(all.length, SEGMENTS);
  await encodesEnded(client, 2);
  assert.equal(await encodesStarted(client), 2, 'nobody needed a third');
  const copies = await copiesMade(client);
  assert.ok(copies <= MAX_COPIES, `${copies} segments were encoded twice`);
  assert.ok((await client.bytes(`${base(early)}${RUNG}/init.mp4`)).byteLength > 0);
});
