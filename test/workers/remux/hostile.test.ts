// Files built to cost their reader: each is refused or indexed within bounds that its own size sets. Read in a process that may not grow.
import assert from 'node:assert/strict';
import { rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FerriteError } from '#domain/errors.ts';
import { openRemuxSource } from '#workers/remux/remuxer.ts';
import { runFuzz } from '../../fuzz/fuzz-run.ts';
import type { ReadReport } from '../../fuzz/reader-process.ts';
import { WatchedProcess } from '../../fuzz/watched-process.ts';
import { HOSTILE_FILES, writeHostileFile } from '../../support/hostile/hostile-files.ts';
import { movieFile, plainTables } from '../../support/hostile/mp4-movie.ts';
import { temporaryFolder } from '../../support/run-tool.ts';

const MAX_GROWTH_BYTES = 100 * 1024 * 1024;
/** Of a sample: its time, its offset, its size, its place and its keyframe, in columns that may be half empty. */
const INDEX_BYTES_PER_SAMPLE = 80;
const samplesIn = (byteLength: number): number => 64 * 1024 + byteLength / 12;

async function readingProcess(t: TestContext): Promise<(path: string) => Promise<ReadReport>> {
  const reader = new WatchedProcess<ReadReport>('reader-process.ts', []);
  t.after(() => reader.stop());
  const reports = reader.reports();
  return async path => {
    reader.send(path);
    const { value, done } = await reports.next();
    assert.ok(!done, `${path}: ${reader.end}`);
    return value;
  };
}

test('hostile files: each is refused, left to ffmpeg or indexed, in no more memory and with no more rows than its size gives room for', async t => {
  const folder = await temporaryFolder(t);
  const read = await readingProcess(t);
  const plain = join(folder, 'plain.mp4');
  await writeFile(plain, movieFile({ tracks: [plainTables(10)], media: [Buffer.alloc(1000)] }));
  const first = await read(plain);
  assert.equal(first.outcome.kind, 'indexed', 'a small film that tells no lies is read');
  for (const file of HOSTILE_FILES) {
    const path = await writeHostileFile(folder, file);
    const { size } = await stat(path);
    const { outcome, maxRssBytes } = await read(path);
    await rm(path);
    assert.notEqual(outcome.kind, 'failed', `${file.name}: ${JSON.stringify(outcome)}`);
    assert.ok(maxRssBytes - first.maxRssBytes < MAX_GROWTH_BYTES, `${file.name}: ${maxRssBytes - first.maxRssBytes} bytes more`);
    if (outcome.kind !== 'indexed') continue;
    assert.ok(outcome.keyframes <= samplesIn(size), `${file.name}: ${outcome.keyframes} keyframes`);
    assert.ok(outcome.indexByteLength <= INDEX_BYTES_PER_SAMPLE * samplesIn(size), `${file.name}: an index of ${outcome.indexByteLength}`);
  }
});

test('hostile files: what is too much is refused by its name', async t => {
  const folder = await temporaryFolder(t);
  const reasons: Readonly<Record<string, RegExp>> = {
    manyClaimedSamples: /too many samples/,
    manyKeyframes: /too many samples/,
    manyBoxesInTrack: /too many boxes or elements that describe it/,
    voidElements: /too many boxes or elements/,
    fixedLaces: /too many frames/,
  };
  for (const file of HOSTILE_FILES) {
    const reason = reasons[file.name];
    if (!reason) continue;
    await assert.rejects(openRemuxSource(await writeHostileFile(folder, file)), error => {
      assert.ok(error instanceof FerriteError && error.code === 'MEDIA_UNREADABLE');
      assert.match(error.message, reason, file.name);
      return true;
    });
  }
});

test('hostile files: reading one ends when its result is wanted no more', async t => {
  const folder = await temporaryFolder(t);
  for (const name of ['manySampleGroups', 'tinyBlocks']) {
    const file = HOSTILE_FILES.find(known => known.name === name);
    assert.ok(file);
    const path = await writeHostileFile(folder, file);
    await assert.rejects(openRemuxSource(path, { signal: AbortSignal.abort() }), { code: 'CANCELLED' });
  }
});

test('mutants: of three hundred damaged films none hangs, grows or fails otherwise than by a FerriteError', async () => {
  const { kinds } = await runFuzz({ seed: 20_261_127, first: 0, count: 300 });
  assert.ok(
    (kinds.indexed ?? 0) > 30 && (kinds.refused ?? 0) > 30,
    `the films are damaged neither too little nor too much: ${JSON.stringify(kinds)}`,
  );
});
