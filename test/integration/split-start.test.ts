// A start that has to be encoded: its first segment is offered as two, and the first half second is there while the rest is still being made.
import assert from 'node:assert/strict';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { base, Client } from '../support/client.ts';
import { ffmpeg, SAMPLE_480P } from '../support/media.ts';
import { startServer, TestServer, temporaryFolder } from '../support/server.ts';
import { assertContinuous, readSegment, timescaleOf } from '../support/track-check.ts';

const PICTURE = 'video/480p';
/** The segment that shows it begins at 10.4 s. */
const START_MS = 10_500;
const START_INDEX = 6;

/** Hands over the first frames of a picture, and the rest only when `open` is there. */
const GATE = `
import { existsSync, watch } from 'node:fs';
const [folder] = process.argv.slice(2);
const isOpen = () => existsSync(folder + '/open');
let frames = 0;
for await (const chunk of process.stdin) {
  let end = chunk.length;
  for (let at = chunk.indexOf('moof'); at !== -1 && !isOpen(); at = chunk.indexOf('moof', at + 4)) {
    if (++frames !== 20) continue;
    process.stdout.write(chunk.subarray(0, at));
    await new Promise(resolve => {
      const watcher = watch(folder, () => isOpen() && (watcher.close(), resolve()));
      if (isOpen()) (watcher.close(), resolve());
    });
    process.stdout.write(chunk.subarray(at));
    end = 0;
  }
  if (end > 0) process.stdout.write(chunk);
}
`;

test('a start that is encoded', { timeout: 300_000 }, async t => {
  const scratch = await temporaryFolder(t);
  const library = join(scratch, 'films');
  await mkdir(library);
  await ffmpeg('-i', SAMPLE_480P, '-c', 'copy', '-an', join(library, 'film.mp4'));
  const gate = join(scratch, 'gate.mjs');
  await writeFile(gate, GATE);
  const wrapper = join(scratch, 'gated-ffmpeg');
  const isPicture = '*libx264*frag_every_frame*';
  await writeFile(
    wrapper,
    `#!/bin/bash\ncase "$*" in\n  ${isPicture}) ffmpeg "$@" | "${process.execPath}" "${gate}" "${scratch}" ;;\n  *) exec ffmpeg "$@" ;;\nesac\n`,
  );
  await chmod(wrapper, 0o755);
  const dataDir = join(scratch, 'data');
  const env = { FERRITE_FFMPEG: wrapper, FERRITE_WARM_ENCODERS: '0' };
  const server = await startServer(t, { library, dataDir, env });
  const client = await Client.signIn(server.url);
  const [film] = await client.media();
  assert.ok(film);
  const session = await client.start(film.id, { delivery: 'transcode', startPositionMs: START_MS });
  const chunk = (number: number): Promise<Buffer> => client.bytes(`${base(session)}${PICTURE}/${START_INDEX}.${number}.m4s`);

  await t.test('has the segment that it begins with in two, of every rung and in no other place', async () => {
    for (const { path, entries, durationsS } of await client.renditions(session)) {
      const split = entries.filter(({ uri }) => /^\d+\.\d\.m4s$/.test(uri));
      assert.deepEqual(
        split.map(({ uri }) => uri),
        path === 'video/original' ? [] : [`${START_INDEX}.0.m4s`, `${START_INDEX}.1.m4s`],
        path,
      );
      assert.equal(entries.length, durationsS.length + split.length / 2);
      if (split.length > 0) assert.equal(split[0]?.durationS, 0.5);
    }
  });

  let first: Buffer = Buffer.alloc(0);
  await t.test('is shown before the rest of its segment is made', async () => {
    first = await chunk(0);
    assert.ok(readSegment(first).startsWithSync);
    const rest = chunk(1);
    await writeFile(join(scratch, 'open'), '');
    assert.ok(readSegment(await rest).startsWithSync, 'a player may begin with either');
  });

  await t.test('goes on without a tick between, and the two are the whole segment', async () => {
    const [picture] = (await client.renditions(session)).filter(({ path }) => path === PICTURE);
    assert.ok(picture);
    const at = picture.entries.findIndex(({ uri }) => uri === `${START_INDEX}.0.m4s`);
    const around = picture.entries.slice(at - 1, at + 4);
    const bytes: Buffer[] = [];
    for (const { uri } of around) bytes.push(await client.bytes(`${base(session)}${PICTURE}/${uri}`));
    const durationsS = around.map(({ durationS }) => durationS);
    assertContinuous(PICTURE, bytes.map(readSegment), { timescale: timescaleOf(await client.init(session, PICTURE)), durationsS });
    assert.deepEqual(bytes[1], first, 'the same bytes as before');
    assert.deepEqual(await client.segment(session, PICTURE, START_INDEX), Buffer.concat(bytes.slice(1, 3)));
  });

  await t.test('offers no other chunks', async () => {
    for (const uri of [`${START_INDEX}.2.m4s`, `${START_INDEX + 1}.0.m4s`, `0${START_INDEX}.0.m4s`, '.0.m4s', `${START_INDEX}.0.1.m4s`]) {
      const problem = await client.problem('GET', `${base(session)}${PICTURE}/${uri}`);
      assert.deepEqual([problem.status, problem.code], [404, 'SEGMENT_NOT_FOUND'], uri);
    }
  });

  await t.test('that finds its segment made is not split', async () => {
    const second = await client.start(film.id, { delivery: 'transcode', startPositionMs: START_MS });
    for (const { entries, durationsS } of await client.renditions(second)) assert.equal(entries.length, durationsS.length);
    const problem = await client.problem('GET', `${base(second)}${PICTURE}/${START_INDEX}.0.m4s`);
    assert.equal(problem.code, 'SEGMENT_NOT_FOUND');
    await client.stop(second.sessionId);
  });

  await t.test('has the same addresses after the server was restarted', async () => {
    const before = await client.renditions(session);
    await server.stop();
    const again = await new TestServer({ library, dataDir, env }).ready();
    t.after(() => again.stop());
    const viewer = await Client.signIn(again.url);
    assert.deepEqual(await viewer.renditions(session), before);
    assert.deepEqual(await viewer.bytes(`${base(session)}${PICTURE}/${START_INDEX}.0.m4s`), first);
    assert.equal(await again.stop(), 0);
  });
});
