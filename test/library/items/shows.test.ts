// Which episodes make a show, in which order, and what belongs to it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_DESCRIPTION } from '#domain/catalogue/description.ts';
import type { Media } from '#domain/media.ts';
import type { CatalogueIndex } from '#library/items/catalogue-index.ts';
import { aFilm, anEpisode, anIndex } from './support.ts';

const showsOf = (index: CatalogueIndex) =>
  index.findShows({ text: null, libraryIds: null, year: null, among: null, sort: 'title', after: null, limit: 50 }).shows;
const showOf = (index: CatalogueIndex, { id }: Media) => index.itemOf(id)?.showId ?? assert.fail('no episode');
const places = (index: CatalogueIndex, episode: Media) =>
  index.episodesOf(showOf(index, episode)).map(({ place }) => `${place.season}:${place.airDate ?? place.episodes.join('-')}`);

test('shows: seasons in turn, specials last, files of several episodes where their first one stands', () => {
  const episodes = [
    anEpisode('Heroes', { season: 0, episodes: [1] }),
    anEpisode('Heroes', { season: 2, episodes: [10] }),
    anEpisode('Heroes', { season: 2, episodes: [2, 3] }),
    anEpisode('Heroes', { season: 1, episodes: [1] }),
    anEpisode('Heroes', { season: 2, episodes: [1] }),
  ];
  const { index } = anIndex(episodes);
  assert.deepEqual(places(index, episodes[0] as Media), ['1:1', '2:1', '2:2-3', '2:10', '0:1']);
  assert.deepEqual(
    showsOf(index).map(({ title, episodeCount, seasonCount }) => [title, episodeCount, seasonCount]),
    [['Heroes', 5, 3]],
  );
});

test('shows: those that count through, and those that are called by the day, are in order too', () => {
  const through = [12, 2, 1].map(number => anEpisode('Naruto', { absolute: [number] }));
  const daily = ['2019-05-03', '2018-12-31', '2019-01-02'].map(airDate => anEpisode('Tonight', { airDate }));
  const { index } = anIndex([...through, ...daily]);
  assert.deepEqual(places(index, through[0] as Media), ['1:1', '1:2', '1:12']);
  assert.deepEqual(places(index, daily[0] as Media), ['2018:2018-12-31', '2019:2019-01-02', '2019:2019-05-03']);
});

test('shows: files that do not tell the year belong to the only show of that title that has one, whichever comes first', () => {
  const untold = anEpisode('Archer', { season: 1, episodes: [2] });
  const dated = anEpisode('Archer', { season: 1, episodes: [1] }, { year: 2009 });
  const older = anEpisode('Archer', { season: 1, episodes: [1] }, { year: 1975, id: aFilm('older').id });
  for (const order of [
    [untold, dated],
    [dated, untold],
  ]) {
    const { index } = anIndex(order);
    assert.deepEqual(places(index, untold), ['1:1', '1:2']);
    assert.equal(showsOf(index)[0]?.year, 2009);
  }
  const { index } = anIndex([untold]);
  const before = showOf(index, untold);
  index.put(dated);
  assert.equal(index.showOf(before)?.id, showOf(index, dated), 'the id from before leads to it');
  index.put(older);
  assert.equal(showsOf(index).length, 3, 'with two of them nobody can tell');
  index.remove(older.id);
  assert.equal(showsOf(index).length, 1);
  index.remove(dated.id);
  assert.deepEqual([showsOf(index).length, showOf(index, untold)], [1, before]);
});

test('shows: each library has its own; a correction or a description of the show renames it and its place, not its episodes', () => {
  const first = anEpisode('The Wire', { season: 1, episodes: [1], title: 'The Target' });
  const second = anEpisode('The Wire', { season: 1, episodes: [2] });
  const elsewhere = anEpisode(
    'The Wire',
    { season: 1, episodes: [1] },
    { libraryId: 'other-library' as Media['libraryId'], id: aFilm('x').id },
  );
  const { index, titles, corrections, descriptions } = anIndex([first, second, elsewhere]);
  assert.equal(showsOf(index).length, 2);
  const id = showOf(index, first);
  descriptions.set(id, { ...NO_DESCRIPTION, title: 'Wire', year: 2002 });
  index.putShow(id);
  assert.deepEqual([index.showOf(id)?.title, index.showOf(id)?.year], ['Wire', 2002]);
  corrections.set(id, { title: 'The Wire (HBO)', sortTitle: 'Aaa' });
  index.putShow(id);
  assert.deepEqual(
    showsOf(index).map(({ title }) => title),
    ['The Wire (HBO)', 'The Wire'],
  );
  assert.deepEqual(titles({ text: 'hbo', sort: 'relevance' }), ['The Target', 'Episode 2']);
});

test('shows: an episode can be put where it belongs', () => {
  const lost = anEpisode('Heroes', { season: 1, episodes: [1] });
  const { index, correct } = anIndex([lost, anEpisode('Heroes', { season: 2, episodes: [3] })]);
  correct(lost, { season: 2, episodes: [4], title: 'Found' });
  assert.deepEqual(places(index, lost), ['2:3', '2:4']);
  assert.equal(index.itemOf(lost.id)?.title, 'Found');
});

test('extras: belong to the film of their folder or to the one that they are called after, and are in no list', () => {
  const film = (id: string, name: string, changes: Partial<Media> = {}) => aFilm(id, { title: id, year: 2000, name, ...changes });
  const extra = (id: string, name: string) => film(id, name, { extra: 'trailer' });
  const all = [
    film('heat', 'Heat (1995)/heat.mkv'),
    extra('t1', 'Heat (1995)/Trailers/one.mkv'),
    film('alien', 'alien.mkv'),
    film('aliens', 'aliens.mkv'),
    extra('t2', 'aliens-trailer.mkv'),
    extra('t3', 'Trailers/alien 3 trailer.mkv'),
    extra('t4', 'Trailers/something.mkv'),
    anEpisode(
      'Lost',
      { season: 1, episodes: [1] },
      { id: aFilm('lost').id, name: 'Lost/Season 1/lost.s01e01.mkv', path: '/films/Lost/Season 1/lost.s01e01.mkv' },
    ),
    extra('t5', 'Lost/Extras/interview.mkv'),
    extra('t6', 'Lost/Season 1/Extras/scene.mkv'),
  ];
  const { index, find } = anIndex(all);
  const of = (id: string) => {
    const item = index.itemOf(aFilm(id).id);
    return item === undefined ? null : index.extrasOf(item).map(one => one.replace('-file', ''));
  };
  assert.equal(find().length, 4);
  assert.deepEqual([of('heat'), of('alien'), of('aliens'), of('lost'), of('t1')], [['t1'], ['t3'], ['t2'], ['t5', 't6'], null]);
  const show = showOf(index, aFilm('lost'));
  assert.deepEqual(index.extrasOfShow(show), [aFilm('t5').id, aFilm('t6').id]);
  index.remove(aFilm('t1').id);
  assert.deepEqual(of('heat'), []);
});
