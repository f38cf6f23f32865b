// What a walk finds beside films and in folders of subtitles: no file needs to be a film for it.
import assert from 'node:assert/strict';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Sidecar } from '#domain/media.ts';
import { walkVideos } from '#library/scan/disk/walk.ts';
import { readSidecar } from '#workers/subtitles/sources/sidecar-file.ts';
import { temporaryFolder } from '../../../support/run-tool.ts';

async function library(t: TestContext, files: readonly string[]): Promise<string> {
  const root = join(await temporaryFolder(t), 'films');
  for (const name of files) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), name);
  }
  return root;
}

async function walk(t: TestContext, root: string): Promise<Record<string, readonly Sidecar[]>> {
  const found = new Map<string, readonly Sidecar[]>();
  const unreadable: string[] = [];
  const listener = {
    found: ({ name, sidecars }: { name: string; sidecars: readonly Sidecar[] }) => void found.set(name, sidecars),
    unreadable: ({ name }: { name: string }) => void unreadable.push(name),
  };
  await walkVideos([root], listener, t.signal);
  assert.deepEqual(unreadable, []);
  return Object.fromEntries(found);
}

const names = (root: string, sidecars: readonly Sidecar[] | undefined) => sidecars?.map(({ path }) => relative(root, path));

test('walk: subtitles are found beside films, in folders of them, and in folders there that are named after films', async t => {
  const root = await library(t, [
    ...['One/Film.mkv', 'One/._Film.mkv', 'One/Film.de.srt', 'One/Subs/2_English.srt', 'One/Subs/Film/3_French.srt', 'One/Extras/x.srt'],
    ...['Two/A.mkv', 'Two/B.mkv', 'Two/subtitles/A.srt', 'Two/subtitles/B/en.srt', 'Two/subtitles/en.srt', 'Subs/en.srt', 'Subs/C.mkv'],
  ]);
  const found = await walk(t, root);
  assert.deepEqual(Object.keys(found).toSorted(), ['One/Film.mkv', 'Subs/C.mkv', 'Two/A.mkv', 'Two/B.mkv']);
  assert.deepEqual(names(root, found['One/Film.mkv']), ['One/Film.de.srt', 'One/Subs/2_English.srt', 'One/Subs/Film/3_French.srt']);
  assert.deepEqual(names(root, found['Two/A.mkv']), ['Two/subtitles/A.srt']);
  assert.deepEqual(names(root, found['Two/B.mkv']), ['Two/subtitles/B/en.srt']);
  assert.deepEqual(names(root, found['Subs/C.mkv']), []);
});

test('walk: what changed or went away in a folder of subtitles is another answer of the next walk', async t => {
  const root = await library(t, ['Film.mkv', 'Subs/2_English.srt', 'Subs/3_German.srt']);
  const [english] = (await walk(t, root))['Film.mkv'] ?? [];
  await writeFile(join(root, 'Subs/2_English.srt'), 'another text');
  await rm(join(root, 'Subs/3_German.srt'));
  const now = (await walk(t, root))['Film.mkv'];
  assert.deepEqual(names(root, now), ['Subs/2_English.srt']);
  assert.notEqual(now?.[0]?.byteLength, english?.byteLength);
});

test('walk: subtitles of a folder that was reached by a link can be opened, and none is noted that is a link or lies behind one', async t => {
  const root = await library(t, [
    'Real/Film.mkv',
    'Real/Film.srt',
    'Real/Subs/2_English.srt',
    'Real/Subs/Film/en.srt',
    'Else/Other/en.srt',
  ]);
  await symlink(join(root, 'Else/Other'), join(root, 'Real/Subs/Linked'));
  await symlink(join(root, 'Else/Other/en.srt'), join(root, 'Real/Subs/5_en.srt'));
  await symlink(join(root, 'Else'), join(root, 'Real/Subtitles'));
  // Only by the link is the folder met: what it leads to is hidden.
  await rename(join(root, 'Real'), join(root, '.real'));
  await symlink(join(root, '.real'), join(root, 'Link'));
  const sidecars = (await walk(t, root))['Link/Film.mkv'] ?? [];
  assert.deepEqual(names(root, sidecars), ['.real/Film.srt', '.real/Subs/2_English.srt', '.real/Subs/Film/en.srt']);
  const texts = await Promise.all(sidecars.map(async one => (await readSidecar(one)).toString()));
  assert.deepEqual(texts, ['Real/Film.srt', 'Real/Subs/2_English.srt', 'Real/Subs/Film/en.srt']);
});

test('walk: names of 255 bytes, of right-to-left letters and of pictures are found; those that are no UTF-8 are told of once', async t => {
  const long = `${'ü'.repeat(125)}x.mkv`;
  assert.equal(Buffer.byteLength(long), 255);
  const names = [long, 'فيلم (2010).mkv', '🎬👩‍👩‍👧/שלום.mkv', `${'d'.repeat(255)}/${'e'.repeat(255)}/a.mkv`];
  const root = await library(t, names);
  const undecodable = (name: string): Buffer => Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff, 0xfe]), Buffer.from(name)]);
  for (const name of ['one.mkv', 'two.mkv', 'three.txt']) await writeFile(undecodable(name), '');
  await mkdir(undecodable('folder'));
  const found: string[] = [];
  const told: string[] = [];
  await walkVideos([root], { found: ({ name }) => void found.push(name), unreadable: ({ message }) => void told.push(message) }, t.signal);
  assert.deepEqual(found.toSorted(), names.toSorted());
  assert.deepEqual(told, ['the name is not valid UTF-8, and 2 more are not']);
});
