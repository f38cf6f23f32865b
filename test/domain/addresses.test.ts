// Names of what a viewer fetches and of what the cache keeps.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  chunkFile,
  directFileOf,
  directoryOf,
  directoryOfEncode,
  directoryOfPlaylist,
  isKeptFile,
  keptFolder,
  mediaPlaylistOf,
  parseSegmentPath,
  rungNameOf,
  segmentFile,
  slotOf,
  streamAddress,
} from '#domain/addresses.ts';
import { newSessionId } from '#domain/ids.ts';
import { renditionKey } from '#domain/rendition.ts';
import { aRung } from '../support/titles.ts';

test('addresses: what is written is what is parsed, for every kind of name', () => {
  const directories = [directoryOf({ kind: 'video', rungId: rungNameOf(720, 'av1') }), directoryOf({ kind: 'audio', track: 3 })];
  for (const directory of directories) {
    for (const name of ['init', 0, 7, 1_799] as const)
      assert.deepEqual(parseSegmentPath(`${directory}/${segmentFile(name)}`), { directory, name, chunk: null });
    for (const chunk of [0, 1] as const)
      assert.deepEqual(parseSegmentPath(`${directory}/${chunkFile({ index: 12, chunk })}`), { directory, name: 12, chunk });
    assert.equal(directoryOfPlaylist(mediaPlaylistOf(directory)), directory);
  }
});

test('addresses: each segment has one spelling, and nothing else is one', () => {
  const others = ['01.m4s', '.m4s', '-1.m4s', '1e3.m4s', '1.2.m4s', '1.0.0.m4s', '01.0.m4s', '.0.m4s', '1_000.m4s', '9999999999.m4s'];
  for (const name of [...others, '1.mp4', 'xinit.mp4', 'init.mp4/', '1.m4s/', ' 1.m4s', '1 .m4s', '١.m4s', 'init.m4s'])
    assert.equal(parseSegmentPath(`video/720p/${name}`), null, name);
  assert.deepEqual(parseSegmentPath('a/b/c/4.m4s'), { directory: 'a/b/c', name: 4, chunk: null }, 'the directory is for others to know');
});

test('addresses: subtitles have segments and a whole, and nothing else has text', () => {
  assert.deepEqual(parseSegmentPath('subtitles/3/12.vtt'), { directory: 'subtitles/3', name: 12, chunk: null });
  assert.deepEqual(parseSegmentPath('subtitles/3/all.vtt'), { directory: 'subtitles/3', name: 'init', chunk: null });
  for (const path of [
    'subtitles/3/12.m4s',
    'subtitles/3/init.mp4',
    'subtitles/3/01.vtt',
    'subtitles/3/1.0.vtt',
    'audio/0/1.vtt',
    'all.vtt',
  ])
    assert.equal(parseSegmentPath(path), null, path);
});

test('addresses: an offer may have the same box in several codecs, each with a name of its own', () => {
  const names = (['h264', 'hevc', 'av1'] as const).map(codec => rungNameOf(720, codec));
  assert.deepEqual(names, ['720p', '720p-hevc', '720p-av1']);
  for (const rungId of names) {
    assert.match(rungId, /^[a-z0-9-]+$/, 'stands in a path as it is');
    assert.equal(directoryOfEncode(slotOf({ rungId })), directoryOf({ kind: 'video', rungId }));
  }
  const keys = ['avc1.640020', 'hvc1.1.6.L93.B0'].map(codecs => renditionKey('v1', 2_000, { ...aRung('720p'), codecs }));
  assert.notEqual(keys[0], keys[1], 'one name does not make them one rendition in the cache');
});

test('addresses: a direct file is called by its extension, whatever else its path holds', () => {
  const names = ['/a.b/Film.MKV', '/films/no extension', '/films.d/none', '/x/.mp4', 'C:\\films.d\\film.Mp4'].map(path =>
    directFileOf({ path }),
  );
  assert.deepEqual(names, ['file.mkv', 'file.bin', 'file.bin', 'file.mp4', 'file.mp4']);
  const id = newSessionId();
  assert.equal(streamAddress(id, 'token', 'main.m3u8'), `/stream/${id}/token/main.m3u8`);
});

test('addresses: the cache knows its own files, and no others', () => {
  const folder = keptFolder(renditionKey('v1', 2_000, aRung()));
  for (const name of ['init', 0, 12] as const) assert.equal(isKeptFile(`${folder}/${segmentFile(name)}`), true);
  for (const path of ['notes.txt', `${folder}/notes.txt`, `${folder}/1.m4s.bak`, '0.m4s', `x/${folder}/0.m4s`])
    assert.equal(isKeptFile(path), false, path);
});
