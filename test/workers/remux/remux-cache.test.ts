import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FerriteError } from '#domain/errors.ts';
import { RemuxCache } from '#workers/remux/remux-cache.ts';
import { makeFilm, temporaryFolder } from '../../support/run-tool.ts';
import { until } from '../../support/until.ts';

const MAX_OPEN = 64;

async function world(t: TestContext) {
  const path = join(await temporaryFolder(t), 'film.mp4');
  await makeFilm(path, { seconds: 1 });
  const cache = new RemuxCache();
  t.after(() => cache.close());
  const facts = await stat(path);
  const media = (version = 'v1') => ({ version, path, byteLength: facts.size, mtimeMs: Math.floor(facts.mtimeMs) });
  return { cache, path, media };
}

/** How often this process has the file, or what it was, open. */
function descriptors(path: string): number {
  return readdirSync('/proc/self/fd').filter(fd => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(path);
    } catch {
      return false;
    }
  }).length;
}

test('remux cache: a file is opened once for everybody who uses it, at once or later', async t => {
  const { cache, path, media } = await world(t);
  const inits = await Promise.all([1, 2, 3].map(() => cache.use(media(), async source => source.initSegment(0, 1))));
  assert.deepEqual(inits[0], inits[2]);
  await cache.use(media(), async source => source.initSegment(1, 1));
  assert.equal(descriptors(path), 1);
});

test('remux cache: what was not used for longest is closed', async t => {
  const { cache, path, media } = await world(t);
  for (let at = 0; at < MAX_OPEN + 10; at++) await cache.use(media(`v${at}`), async () => null);
  await until(() => descriptors(path) === MAX_OPEN, `${MAX_OPEN} stay open`);
});

test('remux cache: a source in use is closed only when its last user is done', async t => {
  const { cache, path, media } = await world(t);
  const release = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  const inUse = cache.use(media(), async source => {
    started.resolve();
    await release.promise;
    return source.segment(0, { index: 0, fromPts: 0, toPts: 1e9, originPts: -1e6, factor: 1, anchor: 'decode' as const });
  });
  await started.promise;
  cache.close();
  assert.equal(descriptors(path), 1);
  release.resolve();
  assert.ok((await inUse).byteLength > 0);
  await until(() => descriptors(path) === 0, 'it is closed');
});

test('remux cache: a file that changed is opened anew next time', async t => {
  const { cache, path, media } = await world(t);
  const changed = new FerriteError('MEDIA_CHANGED', 'it changed');
  await assert.rejects(
    cache.use(media(), () => Promise.reject(changed)),
    changed,
  );
  await until(() => descriptors(path) === 0, 'it is closed');
  await cache.use(media(), async () => null);
  assert.equal(descriptors(path), 1);
});

test('remux cache: any other failure keeps it', async t => {
  const { cache, path, media } = await world(t);
  await assert.rejects(cache.use(media(), () => Promise.reject(new FerriteError('SEGMENT_NOT_FOUND', 'none'))));
  assert.equal(descriptors(path), 1);
});

test('remux cache: a file that can not be opened fails everybody who waits, and is tried again by the next', async t => {
  const { cache, path, media } = await world(t);
  await rename(path, `${path}.away`);
  const codes = await Promise.all([1, 2].map(() => cache.use(media(), async () => null).catch((error: FerriteError) => error.code)));
  assert.deepEqual(codes, ['MEDIA_CHANGED', 'MEDIA_CHANGED']);
  await rename(`${path}.away`, path);
  await cache.use(media(), async () => null);
});

test('remux cache: another file of the same name is not taken for the one that was scanned', async t => {
  const { cache, path, media } = await world(t);
  const scanned = media();
  await rm(path);
  await writeFile(path, 'no longer a film');
  await assert.rejects(
    cache.use(scanned, async () => null),
    { code: 'MEDIA_CHANGED' },
  );
  assert.equal(descriptors(dirname(path)), 0);
});
