// The sound of a viewer who has chosen none: the file's default, then the viewer's language, then the first.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acceptedLanguages, usualAudioTrack } from '#domain/delivery/usual-audio-track.ts';
import { anAudioStream } from '../../support/titles.ts';

const tracks = (...marks: readonly (readonly [language: string | null, isDefault: boolean])[]) =>
  marks.map(([language, isDefault]) => anAudioStream({ language, isDefault }));

test('usual audio track: the one that the file marks, whatever the viewer speaks', () => {
  assert.equal(usualAudioTrack(tracks(['eng', false], ['ger', true]), ['en']), 1);
});

test('usual audio track: in the language of the viewer where the file marks several or none, else the first', () => {
  for (const isDefault of [true, false]) {
    const film = tracks(['eng', isDefault], ['ger', isDefault], ['fre', isDefault]);
    assert.equal(usualAudioTrack(film, ['sv', 'fr-CA', 'de']), 2);
    assert.equal(usualAudioTrack(film, ['sv']), 0);
    assert.equal(usualAudioTrack(film, []), 0);
  }
  assert.equal(usualAudioTrack([], ['en']), 0);
});

test('usual audio track: languages are taken in the order of their quality', () => {
  assert.deepEqual(acceptedLanguages('de;q=0.5, en-GB, *;q=0.1, fr;q=0.8, it;q=0'), ['en-GB', 'fr', 'de']);
  assert.deepEqual(acceptedLanguages(''), []);
});
