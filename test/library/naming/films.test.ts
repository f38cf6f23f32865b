// Titles and years from the names people and programs give to films.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nameFacts } from '#library/naming/name-facts.ts';

const FILMS: readonly (readonly [path: string, title: string, year: number | null])[] = [
  ['The.Matrix.1999.1080p.BluRay.x264-GRP.mkv', 'The Matrix', 1999],
  ['Movie Name (2010)/movie.mp4', 'Movie Name', 2010],
  ['big-buck-bunny-1080p-60fps-30sec.mp4', 'Big Buck Bunny', null],
  ['big-buck-bunny-480p-30sec.mp4', 'Big Buck Bunny', null],
  ['2001 A Space Odyssey (1968).mkv', '2001 A Space Odyssey', 1968],
  ['2001.A.Space.Odyssey.1968.2160p.mkv', '2001 A Space Odyssey', 1968],
  ['1917 (2019)/1917.mkv', '1917', 2019],
  ['1917.mkv', '1917', null],
  ['1917.2019.720p.mkv', '1917', 2019],
  ['2012 (2009).mp4', '2012', 2009],
  ['Blade.Runner.2049.2017.1080p.mkv', 'Blade Runner 2049', 2017],
  ['Blade Runner 2049 (2017) [1080p].mkv', 'Blade Runner 2049', 2017],
  ['Амели (2001).mkv', 'Амели', 2001],
  ['千と千尋の神隠し.2001.mkv', '千と千尋の神隠し', 2001],
  ['Ame\u0301lie (2001).mkv', 'Amélie', 2001],
  ['J.R.R.Tolkien.A.Life.2003.mkv', 'J.R.R. Tolkien A Life', 2003],
  ['E.T.the.Extra-Terrestrial.1982.mkv', 'E.T. the Extra-Terrestrial', 1982],
  ['S.W.A.T.2003.720p.mkv', 'S.W.A.T.', 2003],
  ['Heat (1995)/heat.mkv', 'Heat', 1995],
  ['Collection/Heat.1995.mkv', 'Heat', 1995],
  ['Guardians of the Galaxy Vol. 2 (2017).mkv', 'Guardians of the Galaxy Vol. 2', 2017],
  ['Spider-Man.2002.mkv', 'Spider-Man', 2002],
  ['Spider-Man.mkv', 'Spider-Man', null],
  ['The_Third_Man_1949.avi', 'The Third Man', 1949],
  ['Charlotte.s.Web.mkv', 'Charlotte s Web', null],
  ["Charlotte's Web.mkv", "Charlotte's Web", null],
  ['Extended Family.mkv', 'Extended Family', null],
  ['Kill.Bill.Vol.1.2003.EXTENDED.1080p.WEB-DL.DDP5.1.H.264-X.mkv', 'Kill Bill Vol 1', 2003],
  ['Movie.2010.Extended.WEB.x264.mkv', 'Movie', 2010],
  ['clip_640x360.webm', 'Clip', null],
  ['-dash first.mkv', 'Dash First', null],
  ['100% Wolf (2020).mp4', '100% Wolf', 2020],
  ['1080p.mkv', '1080p', null],
  ['....mkv', '...', null],
  ['[2019].mkv', '2019', null],
  ['Metropolis [1927].mkv', 'Metropolis', 1927],
];

const MORE: readonly (readonly [path: string, title: string, year: number | null])[] = [
  ['Night Ferry (2011) 1080p.mkv', 'Night Ferry', 2011],
  ['Night Ferry(2011).mkv', 'Night Ferry', 2011],
  ['Night.Ferry.(2011).[1080p].mkv', 'Night Ferry', 2011],
  ['Night Ferry *2011* [BRRip.XviD].avi', 'Night Ferry', 2011],
  ['Night Ferry 2011 German 1080p BluRay x264.mkv', 'Night Ferry', 2011],
  ['Night.Ferry.German.1080p.BluRay.x264-GRP.mkv', 'Night Ferry', null],
  ['The Good German 2006 1080p.mkv', 'The Good German', 2006],
  ['The.Italian.Ferry.1969.mkv', 'The Italian Ferry', 1969],
  ['Night.Ferry.4K.HDR.mkv', 'Night Ferry', null],
  ['Night.Ferry.WEB-DL.1080p.mkv', 'Night Ferry', null],
  ['Night Ferry [480p].mp4', 'Night Ferry', null],
  ['Night Ferry 480p 2001.mp4', 'Night Ferry', 2001],
  ['Night Ferry - 1080p.mkv', 'Night Ferry', null],
  ['Night Ferry (2011) - 2160p Remux.mkv', 'Night Ferry', 2011],
  ['Night Ferry (2011) - GreatestGroup 2019.mp4', 'Night Ferry', 2011],
  ['Night Ferry 2 (2013).mkv', 'Night Ferry 2', 2013],
  ['Night Ferry - 2 (2013).mkv', 'Night Ferry - 2', 2013],
  ['Night Ferry 1999 (2013).mkv', 'Night Ferry 1999', 2013],
  ['Night Ferry 2013.12.09.mkv', 'Night Ferry 2013.12.09', null],
  ['(2000) Night Ferry (DVDRip).avi', 'Night Ferry', 2000],
  ['Night Ferry 2006г. BDRip.mkv', 'Night Ferry', 2006],
  ['Ночной.паром.2006.BDRip.mkv', 'Ночной паром', 2006],
  ['[Group] Night Ferry The Movie (BD 1080p).mkv', 'Night Ferry The Movie', null],
  ['[Raws] 劇場版 夜の船 Night Ferry (BD 1280x720).mp4', 'Night Ferry', null],
  ['夜の船 Night Ferry (2011).mkv', '夜の船 Night Ferry', 2011],
  ['[REC] (2007).mkv', '[REC]', 2007],
  ['(500) Ferries of Summer (2009).mkv', '(500) Ferries of Summer', 2009],
  ['Ferry, The (2011).mkv', 'The Ferry', 2011],
  ['Night.Ferry.dvd.mkv', 'Night Ferry', null],
  ['Night.Ferry.2011.Blu-Ray.x264.mkv', 'Night Ferry', 2011],
  ['9.2009.Blu-ray.DTS.720p.mkv', '9', 2009],
  ['Night.Ferry.2011.STV.QC.FRENCH.NTSC.DVDR.mkv', 'Night Ferry', 2011],
  ['The.Night.Ferry.2011.1080p.DTS.x264 GRP.mkv', 'The Night Ferry', 2011],
  ['Night Ferry (2011)/Night.Ferry.(Nachtfähre).(2011).DVDRip.avi', 'Night Ferry', 2011],
  ['Night.Ferry.DVDRip.XviD-GRP/grp-nf.avi', 'Night Ferry', null],
  ['Night Ferry DVDRip.XviD-GRP/grp-ferry.dvdrip.xvid.avi', 'Grp-ferry', null],
  ['Trilogy.1080p.BluRay.x264-GRP/night.ferry.1080p.mkv', 'Night Ferry', null],
  ['1962 - Night Ferry.mkv', 'Night Ferry', 1962],
  ['Ships/01 - Night Ferry (2011).mkv', 'Night Ferry', 2011],
  ['Night.Ferry.1982.The.Final.Cut.2160p.mkv', 'Night Ferry', 1982],
  ['Night Ferry (2011)/VIDEO_TS/VTS_01_1.VOB', 'Night Ferry', 2011],
  ['Night Ferry (2011)/BDMV/STREAM/00001.m2ts', 'Night Ferry', 2011],
  ['Night.Ferry.2011.720p.BluRay.x264-GRP/grp-nf720.mkv', 'Night Ferry', 2011],
  ['24.mkv', '24', null],
  ['2012.mkv', '2012', null],
  ['2012.2009.1080p.BluRay.mkv', '2012', 2009],
  ['Area 51 (2015).mkv', 'Area 51', 2015],
  ['Apollo 13.mkv', 'Apollo 13', null],
  ['Blade Runner 2049.mkv', 'Blade Runner 2049', null],
  ['The 4400.mkv', 'The 4400', null],
  ['9-1-1.mkv', '9-1-1', null],
  ['11.22.63.mkv', '11.22.63', null],
  ['Seven Ferries Collection 2001-2011 720p.mkv', 'Seven Ferries Collection 2001-2011', null],
  ['مركب الليل (2011).mkv', 'مركب الليل', 2011],
  ['ספינת לילה (2011).mkv', 'ספינת לילה', 2011],
  ['🚢 Night Ferry 🌙 (2011).mkv', '🚢 Night Ferry 🌙', 2011],
  ['🚢.mkv', '🚢', null],
  ['夜船 (2011).mkv', '夜船', 2011],
  ['밤배.2011.1080p.mkv', '밤배', 2011],
  ['Night \ufffdFerry (2011).mkv', 'Night \ufffdFerry', 2011],
  ['Night Ferry 1984 (2020)/Night Ferry 1984.mkv', 'Night Ferry 1984', 2020],
  ['Night Ferry (2007)/Night Ferry (2006).mkv', 'Night Ferry', 2006],
  ['Night Ferry (2011)/abc/movie.mkv', 'Abc', null],
  ['Night Ferry (2011)/VTS_01_1.VOB', 'Night Ferry', 2011],
  ['Night Ferry {tmdb-123}.mkv', 'Night Ferry', null],
  ['Night Ferry (2011) {imdb-tt1234567} {edition-Final Cut}.mkv', 'Night Ferry', 2011],
  ['Night.Ferry.2011.tt1234567.mkv', 'Night Ferry', 2011],
];

for (const [path, title, year] of [...FILMS, ...MORE]) {
  test(`naming: ${path} is ${title}${year === null ? '' : ` of ${year}`}`, () => {
    const told = nameFacts(path, 'movies');
    assert.deepEqual({ title: told.title, year: told.year }, { title, year });
  });
}

test('naming: no name gives an empty title', () => {
  for (const name of ['.mkv', ' .mkv', '_.mp4', '().mkv', '[].mkv', '- - -.mkv'])
    assert.notEqual(nameFacts(name, 'movies').title.trim(), '', name);
});

const EDITIONS: readonly (readonly [name: string, edition: string | null])[] = [
  ["Night Ferry (2011) Director's Cut.mkv", "Director's Cut"],
  ['Night.Ferry.2011.Directors.Cut.1080p.mkv', "Director's Cut"],
  ['Night.Ferry.2011.DC.1080p.mkv', "Director's Cut"],
  ['Night.Ferry.2011.EXTENDED.1080p.mkv', 'Extended'],
  ['Night Ferry (2011) - Extended Cut.mkv', 'Extended Cut'],
  ['Night Ferry (2011) [Extended Edition].mkv', 'Extended Edition'],
  ['Night.Ferry.Final.Cut.2011.1080p.mkv', 'Final Cut'],
  ['Night Ferry (2011) - Final Cut - 1080p.mkv', 'Final Cut'],
  ['Night.Ferry.2011.IMAX.2160p.mkv', 'IMAX'],
  ['Night.Ferry.2011.Criterion.Collection.1080p.mkv', 'Criterion'],
  ['Night.Ferry.2011.REMASTERED.1080p.mkv', 'Remastered'],
  ['Night Ferry (2011) Theatrical Release.mkv', 'Theatrical'],
  ['Night.Ferry.2011.UNRATED.1080p.mkv', 'Unrated'],
  ['Night.Ferry.Unrated.DC.BRrip.x264.mkv', "Unrated, Director's Cut"],
  ['Night.Ferry.2011.Extended.Remastered.1080p.mkv', 'Extended, Remastered'],
  ['Night Ferry (2011) {edition-Harbour Cut}.mkv', 'Harbour Cut'],
  ['Extended Night (2011).mkv', null],
  ['The Final Cut (2004).mkv', null],
  ['Redux.mkv', null],
  ['Night Ferry (2011).mkv', null],
];
const LABELS: readonly (readonly [path: string, title: string, year: number | null, edition: string | null])[] = [
  ['Night Ferry (2011)/Night Ferry (2011) - Open Air Version.mkv', 'Night Ferry', 2011, 'Open Air Version'],
  ['Night Ferry (2011)/Night Ferry (2011) - 1929 version.mkv', 'Night Ferry', 2011, '1929 Version'],
  ['Night Ferry (2011)/Night Ferry - Open Air Version.mkv', 'Night Ferry', 2011, 'Open Air Version'],
  ['Night Ferry (2011)/Night Ferry (2011) - 1080p.mkv', 'Night Ferry', 2011, null],
  ['Night Ferry (2011)/Night Ferry (2011) - 4k part1.mkv', 'Night Ferry', 2011, null],
  ["Night Ferry (2011)/Night Ferry (2011) - 1080p Director's Cut.mkv", 'Night Ferry', 2011, "Director's Cut"],
  ["Night Ferry (2011) Director's Cut/Night Ferry.mkv", 'Night Ferry', 2011, "Director's Cut"],
  ['Night Ferry/Night Ferry - The Return.mkv', 'Night Ferry - The Return', null, null],
  ['Ferries/Night Ferry (2011) - SomeGroup.mkv', 'Night Ferry', 2011, null],
];
for (const [path, title, year, edition] of LABELS) {
  test(`naming: the version of ${path}`, () => {
    const told = nameFacts(path, 'movies');
    assert.deepEqual([told.title, told.year, told.edition], [title, year, edition]);
  });
}

for (const [name, edition] of EDITIONS) {
  test(`naming: the edition of ${name}`, () => {
    const told = nameFacts(name, 'movies');
    assert.equal(told.edition, edition);
    if (edition !== null) assert.equal(told.title, 'Night Ferry');
  });
}

const PARTS: readonly (readonly [name: string, title: string, part: number | null])[] = [
  ['Night Ferry (2011) cd1.avi', 'Night Ferry', 1],
  ['Night Ferry (2011) - CD 2.avi', 'Night Ferry', 2],
  ['Night.Ferry.(2011).CD1of2.DVDRip.avi', 'Night Ferry', 1],
  ['Night.Ferry.2011.DVDRip.XviD.CD2-GRP.avi', 'Night Ferry', 2],
  ['Night Ferry cd1.avi', 'Night Ferry', 1],
  ['Night Ferry-part2.mkv', 'Night Ferry', 2],
  ['Night Ferry (2011) part2.mkv', 'Night Ferry', 2],
  ['Night Ferry (2011) part 2.mkv', 'Night Ferry', 2],
  ['Night Ferry (2011) - 1080p part1.mkv', 'Night Ferry', 1],
  ['Night Ferry (2011) pt1.mkv', 'Night Ferry', 1],
  ['Night Ferry (2011) parta.mkv', 'Night Ferry', 1],
  ['Night Ferry (2011) disc1.mkv', 'Night Ferry', 1],
  ['Night Ferry disk 2.mkv', 'Night Ferry', 2],
  ['Night Ferry (2011)/CD2/movie.avi', 'Night Ferry', 2],
  ['Night Ferry Part 2.mkv', 'Night Ferry Part 2', null],
  ['Night Ferry Part 2 (2013).mkv', 'Night Ferry Part 2', null],
  ['Night.Ferry.Part.2.2013.1080p.mkv', 'Night Ferry Part 2', null],
  ['Night Ferry Vol. 1 (2013).mkv', 'Night Ferry Vol. 1', null],
];
for (const [name, title, part] of PARTS) {
  test(`naming: the part of ${name}`, () => {
    const told = nameFacts(name, 'movies');
    assert.deepEqual({ title: told.title, part: told.part }, { title, part });
  });
}

const IDS: readonly (readonly [path: string, kind: 'movies' | 'shows', ids: object])[] = [
  ['Night Ferry (2011) {tmdb-123}.mkv', 'movies', { tmdb: '123' }],
  ['Night Ferry (2011) [imdbid-tt1234567].mkv', 'movies', { imdb: 'tt1234567' }],
  ['Night Ferry (2011) [tvdbid=81189].mkv', 'movies', { tvdb: '81189' }],
  ['Night Ferry (2011) {imdb-tt1234567}/Night Ferry.mkv', 'movies', { imdb: 'tt1234567' }],
  ['Night.Ferry.2011.tt1234567.mkv', 'movies', { imdb: 'tt1234567' }],
  ['Harbour Lights {tvdb-42} {imdb-tt1234567}/Season 1/S01E01.mkv', 'shows', { tvdb: '42', imdb: 'tt1234567' }],
  ['Harbour Lights {tvdb-42}/Season 1/S01E01 {tvdb-99}.mkv', 'shows', { tvdb: '42' }],
  ['Night Ferry {imdb-123}.mkv', 'movies', {}],
  ['Night Ferry.mkv', 'movies', {}],
];
for (const [path, kind, ids] of IDS) test(`naming: the numbers of ${path}`, () => assert.deepEqual(nameFacts(path, kind).ids, ids));

test('naming: among films an episode is what is numbered as nothing else is', () => {
  const told = nameFacts('Harbour Lights/Season 01/Harbour.Lights.S01E02.The.Storm.720p.mkv', 'movies');
  assert.deepEqual([told.title, told.episode?.season, told.episode?.episodes], ['Harbour Lights', 1, [2]]);
  assert.deepEqual(nameFacts('[Group] Sea Dragon - 05 [720p].mkv', 'movies').episode?.absolute, [5]);
  for (const name of ['Night Ferry 2x4.mkv', 'Apollo 13.mkv', '[Group] Night Ferry (2011).mkv', 'Episode 1 (1999).mkv']) {
    assert.equal(nameFacts(name, 'movies').episode, null, name);
  }
});
