// Which subtitle files belong to which film, and what their names say.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FolderSidecars } from '#library/sidecar-names.ts';

const isFilm = (name: string): boolean => /\.(mkv|mp4)$/.test(name);
const of = (film: string, files: readonly string[]) =>
  FolderSidecars.subtitles({ films: files.filter(isFilm), others: files.filter(name => !isFilm(name)) }).of(film);
const namesOf = (film: string, files: readonly string[]): string[] => of(film, files).map(({ name }) => name);

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
  ["Film.Director's Commentary.en.srt", { language: 'en', title: "Director's Commentary" }],
  ['Film.en.What is it.srt', { language: 'en', title: 'What is it' }],
  ['Film.What is it.en.srt', { language: 'en', title: 'What is it' }],
  ['Film.fr.en.srt', { language: 'en', title: 'fr' }],
  ['Film.Comments - 2.en.srt', { language: 'en', title: 'Comments' }],
  ['Film.Comments.forced.eng.srt', { language: 'en', title: 'Comments', isForced: true, isDefault: false }],
  ['Film.eng.forced.Comments.srt', { language: 'en', title: 'Comments', isForced: true }],
  ['Film.default.forced.srt', { language: null, title: null, isDefault: true, isForced: true, isHearingImpaired: false }],
  ['Film.en.sdh.forced.srt', { language: 'en', isHearingImpaired: true, isForced: true }],
  ['Film.foreign.srt', { language: null, isForced: true }],
  ['Film.es-419.srt', { language: 'es-419' }],
  ['Film.en[cc].srt', { language: 'en', isHearingImpaired: true }],
  ['Film.Deutsch.srt', { language: 'de' }],
  ['Film.Français (forced).srt', { language: 'fr', isForced: true }],
  ['Film.Title Goes Here.srt', { language: null, title: 'Title Goes Here' }],
  ['Film-en.srt', { language: 'en' }],
  ['Film_fre.dfxp', { language: 'fr', format: 'ttml' }],
  ['Film [English].sub', { language: 'en', format: 'sub' }],
  ['Film.en.hi.forced.srt', { language: 'en', isHearingImpaired: true, isForced: true }],
  ['Subs/Film.de.srt', { language: 'de', title: null }],
  ['subs/2_English.srt', { language: 'en', title: null }],
  ['SUBTITLES/English (SDH).srt', { language: 'en', isHearingImpaired: true, title: null }],
  ['Subtitles/en.forced.srt', { language: 'en', isForced: true }],
  ['Subs/03 - German [Forced].ass', { language: 'de', isForced: true, format: 'ass' }],
  ['Subs/SDH.eng.HI.srt', { language: 'en', isHearingImpaired: true, title: null }],
  ['Subs/4_French.CC.default.srt', { language: 'fr', isHearingImpaired: true, isDefault: true }],
  ['Subs/hin.srt', { language: 'hi' }],
  ['Subs/hi.srt', { language: 'hi', isHearingImpaired: false }],
  ['Subs/2.srt', { language: null, title: null }],
  ['Subs/Latin American.spa.srt', { language: 'es', title: 'Latin American' }],
  ['Subs/Spanish (Latin American).srt', { language: 'es' }],
  ['Subs/The.Way.It.Is.eng.srt', { language: 'en' }],
  ['Subs/Film/2_English.srt', { language: 'en', title: null }],
  ['Subs/Film/Film.pt-BR.srt', { language: 'pt-BR', title: null }],
  ['Subs/German/1.srt', { language: 'de', title: null }],
  ['Subs/Forced/English.srt', { language: 'en', isForced: true }],
  ['Subs/eng.idx', { language: 'en', format: 'idx' }],
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
  assert.deepEqual(namesOf('Film.mkv', files), ['Film.de.srt']);
  assert.deepEqual(namesOf('Film 2.mkv', files), ['Film 2.en.srt']);
});

test('sidecars: of a folder of subtitles a film gets what begins with its name, or lies in a folder that does', () => {
  const files = [
    ...['Show.S01E01.mkv', 'Show.S01E02.mkv', 'Show.S01E02.mp4', 'Subs/English.srt', 'Subs/Other/2_English.srt'],
    ...['Subs/Show.S01E01.en.srt', 'Subs/Show.S01E01/2_English.srt', 'Subs/show.s01e02.web/3_German.srt', 'Subs/Show.S01E011/4_French.srt'],
  ];
  assert.deepEqual(namesOf('Show.S01E01.mkv', files), ['Subs/Show.S01E01.en.srt', 'Subs/Show.S01E01/2_English.srt']);
  for (const film of ['Show.S01E02.mkv', 'Show.S01E02.mp4']) assert.deepEqual(namesOf(film, files), ['Subs/show.s01e02.web/3_German.srt']);
});

test('sidecars: where there is one film, the whole folder of subtitles is its own, and beside it only what has its name', () => {
  const files = ['Film.mkv', 'English.srt', 'Subs/English.srt', 'Subs/Other.Film.srt', 'Subs/Some Folder/2_German.srt'];
  assert.deepEqual(namesOf('Film.mkv', files), files.slice(2));
});

test('sidecars: a pair of VobSub files is one track of pictures, and its second file no text', () => {
  const files = [
    'Film.mkv',
    'Film.idx',
    'Film.sub',
    'Subs/eng.idx',
    'Subs/eng.sub',
    'Subs/Film/ger.idx',
    'Subs/Film/ger.sub',
    'Subs/Film/eng.sub',
  ];
  assert.deepEqual(
    of('Film.mkv', files).map(({ name, format }) => [name, format]),
    [
      ['Film.idx', 'idx'],
      ['Subs/eng.idx', 'idx'],
      ['Subs/Film/ger.idx', 'idx'],
      ['Subs/Film/eng.sub', 'sub'],
    ],
  );
});

const SOUNDS: readonly (readonly [name: string, said: Record<string, unknown>])[] = [
  ['Film.de.ac3', { language: 'de', title: null, format: 'ac3' }],
  ['Film.mka', { language: null, title: null, format: 'mka' }],
  ['Film.ger.default.dts', { language: 'de', isDefault: true }],
  ["Film.Director's Commentary.en.m4a", { language: 'en', title: "Director's Commentary" }],
  ['Film [French].flac', { language: 'fr' }],
];
for (const [name, said] of SOUNDS) {
  test(`sidecars: the sound ${name}`, () => {
    const [found] = FolderSidecars.sounds({
      films: ['Film.mkv', 'Film 2.mkv'],
      others: [name, 'theme.mp3', 'Film 2.en.ac3', 'Film.en.srt'],
    }).of('Film.mkv');
    for (const [fact, value] of Object.entries({ name, ...said })) assert.equal(found?.[fact as keyof typeof found], value, fact);
  });
}
