// Which subtitle files belong to which film, and what their names say.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sidecarsOf } from '#library/sidecar-names.ts';

const of = (film: string, files: readonly string[]) =>
  sidecarsOf(film, { films: files.filter(name => /\.(mkv|mp4)$/.test(name)), others: files.filter(name => !/\.(mkv|mp4)$/.test(name)) });

const ROWS: readonly (readonly [name: string, said: Record<string, unknown>])[] = [
  ['Film.srt', { language: null, title: null, format: 'srt' }],
  ['Film.en.srt', { language: 'en' }],
  ['film.ENG.SRT', { language: 'en' }],
  ['Film.German.vtt', { language: 'de', format: 'vtt' }],
  ['Film.de.forced.vtt', { language: 'de', isForced: true }],
  ['Film.forced.ger.srt', { language: 'de', isForced: true }],
  ['Film.pt-BR.ass', { language: 'pt-BR', format: 'ass' }],
  ['Film.zh-Hant.srt', { language: 'zh-Hant' }],
  ['Film.sdh.ass', { language: null, isHearingImpaired: true }],
  ['Film.en.cc.srt', { language: 'en', isHearingImpaired: true }],
  ['Film.en.hi.srt', { language: 'en', isHearingImpaired: true }],
  ['Film.hi.srt', { language: 'hi', isHearingImpaired: false }],
  ['Film.en.default.srt', { language: 'en', isDefault: true }],
  ['Film.en.Director comments.srt', { language: 'en', title: 'Director comments' }],
  ['Film-en.srt', { language: 'en' }],
  ['Film_fre.dfxp', { language: 'fr', format: 'ttml' }],
  ['Film [English].sub', { language: 'en', format: 'sub' }],
];

for (const [name, said] of ROWS) {
  test(`sidecars: ${name}`, () => {
    const [found] = of('Film.mkv', ['Film.mkv', name]);
    assert.ok(found);
    for (const [fact, value] of Object.entries(said)) assert.equal(found[fact as keyof typeof found], value, fact);
  });
}

test('sidecars: a file belongs to the film with the longest name that it begins with', () => {
  const files = ['Film.mkv', 'Film 2.mkv', 'Film 2.en.srt', 'Film.de.srt', 'Filmography.srt', 'Other.srt', 'Film.nfo'];
  assert.deepEqual(
    of('Film.mkv', files).map(({ fileName }) => fileName),
    ['Film.de.srt'],
  );
  assert.deepEqual(
    of('Film 2.mkv', files).map(({ fileName }) => fileName),
    ['Film 2.en.srt'],
  );
});

test('sidecars: a pair of VobSub files is one track of pictures, and its second file no text', () => {
  assert.deepEqual(
    of('Film.mkv', ['Film.mkv', 'Film.idx', 'Film.sub']).map(({ fileName, format }) => [fileName, format]),
    [['Film.idx', 'idx']],
  );
});
