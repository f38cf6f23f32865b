// What is read from the files that Kodi and its kin leave beside films, and what no file can do to the server.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ageRatingOf } from '#library/metadata/age-rating.ts';
import { MAX_NFO_BYTES, parseNfo } from '#library/metadata/nfo.ts';

const read = (text: string) => parseNfo(Buffer.from(text));
const only = (text: string) => read(text)[0]?.description ?? assert.fail('nothing was read');

test('nfo: a film, with everything that Kodi writes', () => {
  const [nfo] = read(`<?xml version="1.0" encoding="UTF-8" standalone="yes" ?>
    <movie>
      <title>Heat</title><originaltitle>Heat (original)</originaltitle><sorttitle>Heat 1</sorttitle>
      <ratings><rating name="imdb" max="10"><value>1</value></rating><rating name="themoviedb" max="100" default="true"><value>79</value></rating></ratings>
      <plot>Cops &amp; robbers.</plot><tagline>A Los Angeles crime saga</tagline><mpaa>Rated R</mpaa>
      <uniqueid type="tmdb">949</uniqueid><uniqueid type="imdb" default="true">tt0113277</uniqueid>
      <genre>Crime</genre><genre>Drama / Thriller</genre><studio>Warner Bros.</studio><premiered>1995-12-15</premiered>
      <set><name>Michael Mann</name><overview>…</overview></set>
      <credits>Michael Mann</credits><director>Michael Mann</director>
      <actor><name>Robert De Niro</name><role>Neil McCauley</role><order>1</order></actor>
      <actor><name>Al Pacino</name><role>Vincent Hanna</role><order>0</order></actor>
      <fileinfo><streamdetails><video><codec>h264</codec></video></streamdetails></fileinfo>
    </movie>`);
  assert.equal(nfo?.kind, 'movie');
  assert.deepEqual(nfo?.description, {
    title: 'Heat',
    originalTitle: 'Heat (original)',
    sortTitle: 'Heat 1',
    year: 1995,
    overview: 'Cops & robbers.',
    tagline: 'A Los Angeles crime saga',
    genres: ['Crime', 'Drama', 'Thriller'],
    people: [
      { name: 'Al Pacino', job: 'actor', role: 'Vincent Hanna' },
      { name: 'Robert De Niro', job: 'actor', role: 'Neil McCauley' },
      { name: 'Michael Mann', job: 'director', role: null },
      { name: 'Michael Mann', job: 'writer', role: null },
    ],
    studios: ['Warner Bros.'],
    rating: 7.9,
    ageRating: { label: 'R', age: 17 },
    collection: 'Michael Mann',
    premiered: '1995-12-15',
    ids: { tmdb: '949', imdb: 'tt0113277' },
  });
});

test('nfo: several episodes in one file, shows, and older ways to write things', () => {
  const episodes = read(`<episodedetails><title>One</title><season>1</season><episode>1</episode></episodedetails>
    <episodedetails><title>Two</title><season>1</season><episode>2</episode><aired>2006-09-25</aired></episodedetails>`);
  assert.deepEqual(
    episodes.map(({ kind, season, episode, description }) => [kind, season, episode, description.title]),
    [
      ['episode', 1, 1, 'One'],
      ['episode', 1, 2, 'Two'],
    ],
  );
  const show = read('<tvshow><title>Heroes</title><year>2006</year><id>79501</id><rating>8,1</rating><set>Old</set></tvshow>')[0];
  assert.deepEqual(
    [show?.kind, show?.description.ids, show?.description.rating, show?.description.collection],
    ['show', { tvdb: '79501' }, 8.1, 'Old'],
  );
});

test('nfo: an address, alone or behind the description, says which film it is', () => {
  assert.deepEqual(only('https://www.themoviedb.org/movie/949-heat\n').ids, { tmdb: '949' });
  assert.deepEqual(only('<movie><title>Heat</title></movie>\nhttps://www.imdb.com/title/tt0113277/').ids, { imdb: 'tt0113277' });
  assert.deepEqual(read('release notes, and nothing about a film'), []);
});

test('nfo: mistakes cost what they touch and no more', () => {
  assert.equal(only('<movie><title>Tom & Jerry</title><plot>1 < 2</plot></movie>').title, 'Tom & Jerry');
  assert.equal(only('<movie><title>Heat</title><plot>never closed').title, 'Heat');
  assert.equal(only('\n\n<!-- made by hand --><movie><title><![CDATA[A <b> title]]></title></movie>').title, 'A <b> title');
  assert.deepEqual(only('<movie><title></title><year>soon</year><rating>11</rating></movie>').year, null);
  assert.deepEqual(read(''), []);
  assert.deepEqual(read('<movie>'.repeat(100)), []);
  assert.deepEqual(parseNfo(Buffer.alloc(MAX_NFO_BYTES + 1, 'a')), []);
});

test('nfo: entities are never declared, expanded or fetched', () => {
  const bomb = `<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">${Array.from({ length: 9 }, (_, at) => `<!ENTITY lol${at + 1} "${`&lol${at || ''};`.repeat(10)}">`).join('')}]>
    <movie><title>&lol9;</title><plot>Caf&eacute; &lol1;</plot></movie>`;
  const { title, overview } = only(bomb);
  assert.equal(title, '&lol9;');
  assert.equal(overview, 'Café &lol1;');
  const external = only(
    '<!DOCTYPE m [<!ENTITY x SYSTEM "file:///etc/passwd"><!ENTITY % y SYSTEM "http://127.0.0.1/">%y;]><movie><title>a&x;b</title></movie>',
  );
  assert.equal(external.title, 'a&x;b');
  // What is hostile in other ways takes no longer than its length.
  for (const text of ['<!DOCTYPE', '<!DOCTYPE[', '<a ', '<a b="', '&', '<!--', '<![CDATA[', '<?xml ', '<movie>', '</movie>'])
    read(text.repeat(MAX_NFO_BYTES / 16));
});

test('nfo: the character set is that of the bytes, whatever the file declares', () => {
  const film = (encoding: string) => `<?xml version="1.0" encoding="${encoding}"?><movie><title>Łódź żółć</title></movie>`;
  // windows-1250 by hand: Ł a3, ó f3, ź 9f, ż bf, ł b3, ć e6.
  const title = Buffer.from([0xa3, 0xf3, 0x64, 0x9f, 0x20, 0xbf, 0xf3, 0xb3, 0xe6]);
  const [before, after] = [Buffer.from('<?xml version="1.0" encoding="windows-1250"?><movie><title>'), Buffer.from('</title></movie>')];
  assert.equal(parseNfo(Buffer.concat([before, title, after]))[0]?.description.title, 'Łódź żółć');
  assert.equal(parseNfo(Buffer.from(film('windows-1250')))[0]?.description.title, 'Łódź żółć', 'UTF-8 that calls itself something else');
  assert.equal(parseNfo(Buffer.from(`\ufeff${film('utf-16')}`, 'utf16le'))[0]?.description.title, 'Łódź żółć');
  const latin = Buffer.from('<?xml version="1.0" encoding="utf-8"?><movie><title>Am\xe9lie et les \xe9l\xe8ves</title></movie>', 'latin1');
  assert.equal(parseNfo(latin)[0]?.description.title, 'Amélie et les élèves');
});

test('age ratings: every country’s labels come to an age', () => {
  for (const [text, age] of [
    ['US:PG-13', 13],
    ['Rated R for violence', 17],
    ['TV-MA', 17],
    ['FSK 16', 16],
    ['de:12', 12],
    ['15', 15],
    ['12A', 12],
    ['18+', 18],
    ['USA:G', 0],
    ['K-7', 7],
    ['Something else', null],
  ] as const)
    assert.equal(ageRatingOf(text)?.age, age, text);
  for (const text of ['', 'Not Rated', 'NR', 'Unrated']) assert.equal(ageRatingOf(text), null);
});
