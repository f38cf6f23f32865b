// Which files are versions of one film, which are parts of one, and what a person says of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aFilm, anEpisode, anIndex, versionsOf } from './support.ts';

test('versions: films of one title and year are one film, however long its cuts are and whatever folder they lie in, the sharpest first', () => {
  const films = [
    aFilm('dvd', { title: 'Heat', year: 1995, height: 576, name: 'old/heat.avi' }),
    aFilm('cut', { title: 'HEAT', year: 1995, durationMs: 9_000_000, edition: "Director's Cut" }),
    aFilm('best', { title: 'Heat', year: 1995, bitrateBps: 9_000_000, name: 'new/Heat (1995)/Heat.mkv' }),
    aFilm('other', { title: 'Heat', year: 1986 }),
  ];
  const { index, find } = anIndex(films);
  assert.deepEqual(versionsOf(index, aFilm('dvd')), ['best', 'cut', 'dvd']);
  assert.equal(index.itemOf(aFilm('cut').id)?.id, aFilm('best').id);
  assert.equal(find().length, 2);
  assert.equal(find({ rows: 'files' }).length, 4);
});

test('versions: without a year, only those that last as long are one film, in whatever order they are found', () => {
  const lasting = (id: string, durationMs: number, height = 1080) => aFilm(id, { title: 'Heat', durationMs, height });
  const films = [
    lasting('a', 30_000),
    lasting('b', 30_100, 480),
    lasting('c', 5_400_000),
    lasting('d', 5_500_000, 480),
    lasting('e', 7_200_000),
  ];
  for (const order of [films, films.toReversed()]) {
    const { index } = anIndex(order);
    assert.deepEqual(
      films.map(film => versionsOf(index, film).join(' ')),
      ['a b', 'a b', 'c d', 'c d', 'e'],
    );
  }
});

test('versions: files in parts are one version, in the order of its parts; another release of the same film is another version', () => {
  const part = (id: string, name: string, number: number, height = 480) =>
    aFilm(id, { title: 'Ben-Hur', year: 1959, name, part: number, height });
  const { index } = anIndex([
    part('two', 'Ben-Hur (1959)/ben-hur.cd2.avi', 2),
    part('one', 'Ben-Hur (1959)/ben-hur.cd1.avi', 1),
    aFilm('whole', { title: 'Ben-Hur', year: 1959, height: 2160 }),
    part('left', 'Ben-Hur 720p/CD1/bh.mkv', 1, 720),
    part('right', 'Ben-Hur 720p/CD2/bh.mkv', 2, 720),
  ]);
  assert.deepEqual(versionsOf(index, aFilm('two')), ['whole', 'left+right', 'one+two']);
});

test('versions: parts without a year are as long as their film, not as long as each other', () => {
  const part = (id: string, number: number, durationMs: number) =>
    aFilm(id, { title: 'Ran', name: `Ran pt${number}.mkv`, part: number, durationMs });
  const { index } = anIndex([
    part('a', 1, 5_000_000),
    part('b', 2, 4_000_000),
    aFilm('c', { title: 'Ran', durationMs: 9_000_000, height: 480 }),
  ]);
  assert.deepEqual(versionsOf(index, aFilm('a')), ['a+b', 'c']);
});

test('versions: a list has one entry for each film, pages through all of them, and knows of every change', () => {
  const film = (id: string, title: string, height: number) => aFilm(id, { title, year: 2008, height });
  const { index, find } = anIndex([film('a1', 'Aa', 360), film('a2', 'AA', 1080), film('b', 'Bb', 360), film('a3', 'Áa', 720)]);
  assert.deepEqual(find(), [aFilm('a2').id, aFilm('b').id]);
  const page = index.find({ text: null, libraryIds: null, sort: 'title', after: null, limit: 1, rows: 'items' });
  assert.deepEqual([page.ids, page.total], [[aFilm('a2').id], 2]);
  assert.deepEqual(find({ after: page.next }), [aFilm('b').id]);
  assert.deepEqual(versionsOf(index, aFilm('a1')), ['a2', 'a3', 'a1']);
  index.remove(aFilm('a2').id);
  assert.deepEqual(find(), [aFilm('a3').id, aFilm('b').id]);
  index.put(film('a3', 'Something else', 720));
  assert.deepEqual(find(), [aFilm('a1').id, aFilm('b').id, aFilm('a3').id]);
  assert.deepEqual(versionsOf(index, aFilm('a1')), ['a1']);
});

test('versions: the same episode in two files is one, across numbering and folders', () => {
  const { index, find } = anIndex([
    anEpisode('Heroes', { season: 1, episodes: [2] }, { height: 720 }),
    anEpisode('heroes', { absolute: [2] }, { height: 1080, id: aFilm('absolute').id }),
    anEpisode('Heroes', { season: 2, episodes: [2] }),
    anEpisode('Heroes', { season: 1, episodes: [2, 3] }),
  ]);
  assert.deepEqual(versionsOf(index, aFilm('absolute')), ['absolute', 'Heroes-1-2']);
  assert.equal(find({ kind: 'episode' }).length, 3);
});

test('corrections: another title or year goes before the name, and makes of files what it says', () => {
  const [wrong, right] = [aFilm('wrong', { title: 'Heet', year: 1995 }), aFilm('right', { title: 'Heat', year: 1995, height: 2160 })];
  const { index, titles, correct } = anIndex([wrong, right]);
  assert.deepEqual(titles(), ['Heat', 'Heet']);
  correct(wrong, { title: 'Heat' });
  assert.deepEqual(versionsOf(index, wrong), ['right', 'wrong']);
  correct(wrong, { title: 'Heat', year: 1986, sortTitle: 'Aaa' });
  assert.deepEqual([titles(), index.itemOf(wrong.id)?.year], [['Heat', 'Heat'], 1986], 'sorted by what it is to be sorted by');
  assert.equal(index.itemOf(wrong.id)?.sortTitle, 'aaa');
  // A scan finds the file again.
  index.put({ ...wrong, durationMs: 1 });
  assert.equal(index.itemOf(wrong.id)?.title, 'Heat');
});

test('corrections: what a person puts together stays together, and what they take apart stays apart', () => {
  const [one, two, three] = [
    aFilm('one', { title: 'A', year: 1 }),
    aFilm('two', { title: 'B', year: 2, height: 480 }),
    aFilm('three', { title: 'A', year: 1 }),
  ];
  const { index, correct, find } = anIndex([one, two]);
  const item = index.itemKeyOf(one.id) ?? '';
  correct(one, { item });
  correct(two, { item });
  assert.deepEqual(versionsOf(index, two), ['one', 'two']);
  assert.equal(index.itemOf(two.id)?.title, 'A', 'called as its sharpest version');
  index.put(three);
  assert.deepEqual(versionsOf(index, two).length, 3, 'a further file of that name is a version too');
  correct(three, { item: 'own' });
  assert.equal(find().length, 2);
});
