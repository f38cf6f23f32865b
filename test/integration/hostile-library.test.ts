// A library with files that are built to cost their reader: the good film beside them is listed and plays meanwhile, and the server stays small.
import assert from 'node:assert/strict';
import { copyFile, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Client } from '../support/client.ts';
import { HOSTILE_FILES, writeHostileFile } from '../support/hostile/hostile-files.ts';
import { SAMPLE_480P } from '../support/media.ts';
import { endWith, TestServer, temporaryFolder } from '../support/server.ts';
import { readSegment } from '../support/track-check.ts';
import { until } from '../support/until.ts';

type Scan = {
  readonly state: string;
  readonly probed: number;
  readonly failed: number;
  readonly total: number | null;
  readonly errors: readonly { readonly name: string; readonly code: string; readonly message: string }[];
};

/** The process and what it has started: none of them may grow beyond this. */
const MOST_BYTES = 1024 ** 3;
const SCAN_DEADLINE_MS = 240_000;
/** Of every kind some: the reader's own tests open each. */
const FILES = HOSTILE_FILES.filter((_, at) => at % 6 === 1);

test('a library of hostile files: the good film is listed and plays meanwhile, and each of the others has its reason or its index', {
  timeout: 2 * SCAN_DEADLINE_MS,
}, async t => {
  const scratch = await temporaryFolder(t);
  const library = join(scratch, 'films');
  await mkdir(library);
  for (const file of FILES) await writeHostileFile(library, file);
  // The walk takes names in order: the good one's turn comes between them.
  await copyFile(SAMPLE_480P, join(library, 'good.mp4'));
  const server = new TestServer({ library, dataDir: join(scratch, 'data'), env: { TMPDIR: scratch } });
  endWith(t, server);
  await server.ready();
  const memory = watchMemory(scratch);
  const client = await Client.signIn(server.url);
  const { items: libraries } = await client.call<{ items: { id: string }[] }>('GET', '/api/v1/libraries');
  const scan = () => client.call<Scan>('GET', `/api/v1/libraries/${libraries[0]?.id}/scan`);

  await until(async () => (await client.media()).some(({ title }) => title === 'Good'), 'the good film is listed', SCAN_DEADLINE_MS);
  const good = (await client.media()).find(({ title }) => title === 'Good');
  assert.ok(good);
  const session = await client.start(good.id, { delivery: 'transcode' });
  for (const index of [0, 5, 9]) readSegment(await client.segment(session, `video/${session.ladder.at(-1)?.rung}`, index));

  await until(async () => (await scan()).state !== 'running', 'the scan ends', SCAN_DEADLINE_MS);
  const { state, probed, failed, errors } = await scan();
  assert.equal(state, 'done');
  assert.equal(probed + failed, FILES.length + 1);
  console.log(
    FILES.map(f => f.name),
    probed,
    failed,
    memory.mostBytes(),
    memory.largest(),
    errors,
  );
  for (const { name, code, message } of errors) {
    assert.equal(code, 'MEDIA_UNREADABLE', `${name}: ${message}`);
    assert.ok(message.length > 10 && !message.includes(scratch), `${name}: ${message}`);
  }
  assert.ok(memory.mostBytes() < MOST_BYTES, `${memory.mostBytes()} bytes: ${memory.largest()}`);
  assert.equal((await client.fetch('/readyz')).status, 200);
  assert.deepEqual(
    server.lines.filter(({ level }) => Number(level) >= 50),
    [],
    'no error was logged',
  );
});

/** The largest resident set among the server's processes, looked at all the time. */
function watchMemory(scratch: string) {
  let most = 0;
  let largest = '';
  const look = async (): Promise<void> => {
    for (const pid of (await readdir('/proc')).filter(name => /^\d+$/.test(name))) {
      const [command, environment, status] = await Promise.all(
        ['cmdline', 'environ', 'status'].map(file => readFile(`/proc/${pid}/${file}`, 'latin1').catch(() => '')),
      );
      if (!environment?.includes(scratch)) continue;
      const bytes = Number(/^VmHWM:\s+(\d+)/m.exec(status ?? '')?.[1] ?? 0) * 1024;
      if (bytes > most) [most, largest] = [bytes, command?.replaceAll('\0', ' ') ?? ''];
    }
  };
  const timer = setInterval(() => void look(), 100);
  timer.unref();
  return { mostBytes: () => most, largest: () => largest };
}
