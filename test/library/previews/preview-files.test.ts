// Small pictures on disk: whole or not there, within their bound, and gone with their film.
import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { MediaId } from '#domain/ids.ts';
import { PREVIEW_FORMAT, PREVIEW_INDEX } from '#domain/trick-play/previews.ts';
import { PreviewFiles, type PreviewKey } from '#library/previews/preview-files.ts';
import { temporaryFolder } from '../../support/run-tool.ts';

const film = (name: string, version = 'v1'): PreviewKey => ({ id: name as MediaId, version });

/** As the inspector leaves it: `byteLength` is what it says it takes. */
const made =
  (byteLength: number, format = PREVIEW_FORMAT) =>
  async (folder: string): Promise<'made'> => {
    await writeFile(join(folder, PREVIEW_INDEX), JSON.stringify({ format, ends: [10, 20], byteLength }));
    return 'made';
  };

const namesIn = async (dataDir: string): Promise<string[]> => (await readdir(join(dataDir, 'previews'))).sort();

test('previews: what was made is there after a restart, and a film that has none is not tried again', async t => {
  const dataDir = await temporaryFolder(t);
  const files = new PreviewFiles(dataDir, 1_000);
  await files.add(film('a'), made(100));
  await files.add(film('b'), async () => 'none');
  const again = new PreviewFiles(dataDir, 1_000);
  await again.load(() => true);
  assert.deepEqual(again.get(film('a')), files.get(film('a')));
  assert.equal(again.get(film('b')), 'none');
  assert.equal(again.get(film('a', 'v2')), undefined, 'another version is another film');
});

test('previews: what failed, was cut off, is of another format or of no film any more leaves nothing behind', async t => {
  const dataDir = await temporaryFolder(t);
  const files = new PreviewFiles(dataDir, 1_000);
  await assert.rejects(files.add(film('a'), () => Promise.reject(new Error('the disk is full'))));
  assert.deepEqual(await namesIn(dataDir), []);
  await mkdir(join(dataDir, 'previews', 'begun.tmp'));
  await mkdir(join(dataDir, 'previews', 'cut-v1'));
  await writeFile(join(dataDir, 'previews', 'cut-v1', PREVIEW_INDEX), '{"format":');
  await files.add(film('old'), made(100, PREVIEW_FORMAT - 1));
  await files.add(film('gone'), made(100));
  await files.add(film('kept'), made(100));
  const again = new PreviewFiles(dataDir, 1_000);
  await again.load(name => name !== 'gone-v1');
  assert.deepEqual(await namesIn(dataDir), ['kept-v1']);
});

test('previews: those that were looked at longest ago make room, never the one just made, and not more than must', async t => {
  const dataDir = await temporaryFolder(t);
  const files = new PreviewFiles(dataDir, 250);
  await files.add(film('a'), made(100));
  await files.add(film('b'), made(100));
  assert.equal(files.isFull, false);
  files.use(film('a'));
  await files.add(film('c'), made(100));
  assert.deepEqual(await namesIn(dataDir), ['a-v1', 'c-v1']);
  assert.equal(files.get(film('b')), undefined);
  await files.add(film('d'), made(400));
  assert.deepEqual(await namesIn(dataDir), ['d-v1']);
  assert.equal(files.isFull, true);
  await files.remove(film('d'));
  assert.deepEqual(await namesIn(dataDir), []);
  assert.equal(files.isFull, false);
});
