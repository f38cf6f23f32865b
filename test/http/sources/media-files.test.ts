// Media files kept open: one that was deleted, or is not watched any more, keeps neither its space nor its disk.
import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { scannedFile } from '#domain/media.ts';
import { MediaFiles } from '#http/sources/media-files.ts';
import { requireUnchangedMedia } from '#workers/remux/unchanged-media.ts';
import { temporaryFolder } from '../../support/server.ts';
import { until } from '../../support/until.ts';

/** What this process has open below a folder, deleted files too. */
const openBelow = (folder: string): string[] =>
  readdirSync('/proc/self/fd').flatMap(name => {
    try {
      const target = readlinkSync(`/proc/self/fd/${name}`);
      return target.startsWith(folder) ? [target] : [];
    } catch {
      return [];
    }
  });

test('media files: a deleted film is closed once nobody has read it for a while', {
  timeout: 20_000,
  skip: process.platform !== 'linux',
}, async t => {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'film.mp4');
  await writeFile(path, 'a film');
  const files = new MediaFiles({ idleMs: 20 });
  const read = await files.use(
    { path, ...scannedFile(await stat(path)) },
    async handle => (await handle.read(Buffer.alloc(6), 0, 6, 0)).bytesRead,
  );
  assert.equal(read, 6);
  await rm(path);
  await until(() => openBelow(folder).length === 0, 'its descriptor is closed');
});

test('media files: a file is the one that was scanned by one rule, whatever its time: here and where it is remuxed', async t => {
  const folder = await temporaryFolder(t);
  for (const atS of [1_700_000_000.123_456_7, -1.000_5, 0, 4_102_444_800.999_9]) {
    const path = join(folder, `film ${atS}.mp4`);
    await writeFile(path, 'a film');
    // As text: a negative number is taken for the time of day.
    await utimes(path, `${atS}`, `${atS}`);
    const scanned = { path, ...scannedFile(await stat(path)) };
    await requireUnchangedMedia(scanned);
    await new MediaFiles({ idleMs: 1 }).use(scanned, async () => undefined);
    const other = { ...scanned, mtimeMs: scanned.mtimeMs + 1 };
    await assert.rejects(requireUnchangedMedia(other), { code: 'MEDIA_CHANGED' });
    await assert.rejects(
      new MediaFiles({ idleMs: 1 }).use(other, async () => undefined),
      { code: 'MEDIA_CHANGED' },
    );
  }
});
