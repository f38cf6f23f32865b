// Titles that everybody knows, in several scripts, and an index of them.
import type { SearchDocument, SearchKind } from '#library/search/search-document.ts';
import { SEARCH_KINDS } from '#library/search/search-document.ts';
import { SearchIndex } from '#library/search/search-index.ts';
import { Searching } from '#library/search/searching.ts';

export const aDocument = (changes: Partial<SearchDocument> & Pick<SearchDocument, 'title'>): SearchDocument => ({
  kind: 'movie',
  id: changes.title.replaceAll(/[^\p{L}\p{N}]+/gu, '-'),
  libraryIds: ['films'],
  originalTitle: null,
  showTitle: null,
  aliases: [],
  people: [],
  genres: [],
  overview: null,
  year: null,
  ageRating: null,
  order: 0,
  ...changes,
});

type Told = readonly [title: string, year: number, originalTitle?: string | undefined, people?: string];

const FILMS: readonly Told[] = [
  ['The Matrix', 1999, undefined, 'Keanu Reeves, Carrie-Anne Moss, Laurence Fishburne'],
  ['The Matrix Reloaded', 2003, undefined, 'Keanu Reeves, Monica Bellucci'],
  ['The Matrix Revolutions', 2003, undefined, 'Keanu Reeves'],
  ['Inception', 2010, undefined, 'Leonardo DiCaprio, Elliot Page'],
  ['Interstellar', 2014, undefined, 'Matthew McConaughey, Anne Hathaway'],
  ['The Godfather', 1972, undefined, 'Marlon Brando, Al Pacino'],
  ['The Godfather Part II', 1974, undefined, 'Al Pacino, Robert De Niro'],
  ['Pulp Fiction', 1994, undefined, 'John Travolta, Uma Thurman, Quentin Tarantino'],
  ['Kill Bill: Vol. 1', 2003, undefined, 'Uma Thurman, Quentin Tarantino'],
  ['Star Wars', 1977, undefined, 'Mark Hamill, Carrie Fisher'],
  ['The Empire Strikes Back', 1980, undefined, 'Mark Hamill'],
  ['Spider-Man', 2002, undefined, 'Tobey Maguire'],
  ['Spider-Man: Into the Spider-Verse', 2018],
  ['M*A*S*H', 1970, undefined, 'Donald Sutherland'],
  ['WALL·E', 2008],
  ['Jaws', 1975, undefined, 'Roy Scheider'],
  ['Dune', 1984, undefined, 'Kyle MacLachlan'],
  ['Dune', 2021, undefined, 'Timothée Chalamet, Zendaya'],
  ['Amélie', 2001, "Le Fabuleux Destin d'Amélie Poulain", 'Audrey Tautou'],
  ['Spirited Away', 2001, '千と千尋の神隠し', '宮崎駿'],
  ['Princess Mononoke', 1997, 'もののけ姫', '宮崎駿'],
  ['七人の侍', 1954, 'Shichinin no samurai', '三船敏郎'],
  ['攻殻機動隊', 1995],
  ['臥虎藏龍', 2000, 'Crouching Tiger, Hidden Dragon'],
  ['기생충', 2019, 'Parasite', '송강호'],
  ['올드보이', 2003, 'Oldboy'],
  ['Сталкер', 1979, 'Stalker'],
  ['Иди и смотри', 1985, 'Come and See'],
  ['Ёлки', 2010],
  ['Das Boot', 1981],
  ['Der Himmel über Berlin', 1987, 'Wings of Desire'],
  ['Die fetten Jahre sind vorbei', 2004],
  ['Good Bye, Lenin!', 2003],
  ['La vita è bella', 1997, 'Life Is Beautiful'],
  ['Los abrazos rotos', 2009, undefined, 'Penélope Cruz'],
  ['Volver', 2006, undefined, 'Penélope Cruz'],
  ['El laberinto del fauno', 2006, "Pan's Labyrinth"],
  ['À bout de souffle', 1960, 'Breathless'],
  ['Ça', 2017],
  ['It', 2017, undefined, 'Bill Skarsgård'],
  ['It Follows', 2014],
  ['Up', 2009],
  ['Us', 2019],
  ['M', 1931],
  ['X', 2022],
  ['9', 2009],
  ['300', 2006],
  ['1917', 2019],
  ['2001: A Space Odyssey', 1968, undefined, 'Stanley Kubrick'],
  ['2012', 2009],
  ['Se7en', 1995, undefined, 'Brad Pitt, Morgan Freeman'],
  ["Schindler's List", 1993, undefined, 'Liam Neeson'],
  ["Ocean's Eleven", 2001, undefined, 'George Clooney, Brad Pitt'],
  ["Singin' in the Rain", 1952],
  ['Fast & Furious', 2009, undefined, 'Vin Diesel'],
  ['The Good, the Bad and the Ugly', 1966, undefined, 'Clint Eastwood'],
  ['Lord of the Rings: The Fellowship of the Ring', 2001],
  ['The Lord of the Rings: The Two Towers', 2002],
  ['Harry Potter and the Prisoner of Azkaban', 2004],
  ['Pirates of the Caribbean: The Curse of the Black Pearl', 2003],
  ['Raiders of the Lost Ark', 1981],
  ['Back to the Future', 1985],
  ['Blade Runner', 1982, undefined, 'Harrison Ford'],
  ['Blade Runner 2049', 2017],
  ['Mad Max: Fury Road', 2015],
  ['The Shawshank Redemption', 1994, undefined, 'Morgan Freeman'],
  ['The Silence of the Lambs', 1991, undefined, 'Jodie Foster'],
  ['Forrest Gump', 1994, undefined, 'Tom Hanks'],
  ['Gladiator', 2000, undefined, 'Russell Crowe'],
  ['Apocalypse Now', 1979, undefined, 'Marlon Brando'],
  ['Casablanca', 1942, undefined, 'Humphrey Bogart, Ingrid Bergman'],
  ['Vertigo', 1958, undefined, 'James Stewart'],
  ['Psycho', 1960],
  ['North by Northwest', 1959, undefined, 'Cary Grant'],
  ['No Country for Old Men', 2007],
  ['There Will Be Blood', 2007],
  ['Eternal Sunshine of the Spotless Mind', 2004],
  ['Ghostbusters', 1984],
  ['Beetlejuice', 1988],
  ['Arrival', 2016],
  ['Whiplash', 2014],
  ['Zodiac', 2007],
  ['Heat', 1995, undefined, 'Al Pacino, Robert De Niro'],
  ['Alien', 1979, undefined, 'Sigourney Weaver'],
  ['Aliens', 1986, undefined, 'Sigourney Weaver'],
  ['The Sixth Sense', 1999],
  ['Monty Python and the Holy Grail', 1975],
  ["It's a Wonderful Life", 1946, undefined, 'James Stewart'],
  ['Crna mačka, beli mačor', 1998],
  ['Łódź Symphony', 1970],
  ['Smultronstället', 1957, 'Wild Strawberries'],
  ['Så som i himmelen', 2004],
  ['Jûsan-nin no shikaku', 2010, '十三人の刺客'],
  ['ฉลาดเกมส์โกง', 2017, 'Bad Genius'],
  ['लगान', 2001, 'Lagaan'],
  ['وجدة', 2012, 'Wadjda'],
  ['ואלס עם באשיר', 2008, 'Waltz with Bashir'],
  ['Ζορμπάς', 1964, 'Zorba the Greek'],
  ['🎬🍿', 2020],
  ['!!!', 2011],
  ['$', 1971],
];

const SHOWS: readonly (readonly [title: string, year: number, episodes: readonly string[]])[] = [
  ['Breaking Bad', 2008, ['Pilot', "Cat's in the Bag...", '...And the Bag’s in the River']],
  ['Better Call Saul', 2015, ['Uno', 'Mijo']],
  ['Game of Thrones', 2011, ['Winter Is Coming', 'The Kingsroad', 'The Rains of Castamere']],
  ['Doctor Who', 2005, ['Rose', 'Blink', 'The Girl in the Fireplace']],
  ['進撃の巨人', 2013, ['二千年後の君へ']],
];

const PEOPLE = ['Quentin Tarantino', 'Penélope Cruz', 'Keanu Reeves', '宮崎駿', 'Björk'];
const COLLECTIONS = ['The Matrix Collection', 'James Bond Collection'];

export function knownTitles(): SearchDocument[] {
  const films = FILMS.map(([title, year, originalTitle = null, people = '']) =>
    aDocument({ title, year, originalTitle, people: people === '' ? [] : people.split(', '), id: `${title} ${year}`.replaceAll(' ', '_') }),
  );
  const shows = SHOWS.flatMap(([title, year, episodes]) => [
    aDocument({ kind: 'show', title, year, libraryIds: ['shows'] }),
    ...episodes.map((episode, at) =>
      aDocument({
        kind: 'episode',
        title: episode,
        showTitle: title,
        year,
        libraryIds: ['shows'],
        aliases: [`s01e0${at + 1}`],
        order: 10_000 + at,
      }),
    ),
  ]);
  return [
    ...films,
    ...shows,
    ...PEOPLE.map(title => aDocument({ kind: 'person', title, libraryIds: ['films', 'shows'] })),
    ...COLLECTIONS.map(title => aDocument({ kind: 'collection', title })),
    aDocument({
      title: 'The Quiet Vault',
      year: 1961,
      overview: 'Four thieves plan a bank robbery in Lisbon while the river rises.',
      id: 'vault',
    }),
  ];
}

export function anIndex(documents: readonly SearchDocument[] = knownTitles()) {
  const index = new SearchIndex(':memory:');
  index.beginRound();
  index.apply(documents, []);
  index.endRound();
  const searching = new Searching(index);
  return { index, searching, ...askedOf(searching, documents) };
}

export const EVERYTHING = {
  kinds: SEARCH_KINDS,
  libraryIds: null,
  genre: null,
  year: null,
  maxAgeRating: null,
  allowsUnrated: true,
} as const;

function askedOf(searching: Searching, documents: readonly SearchDocument[]) {
  const titleOf = (kind: SearchKind, id: string): string => documents.find(one => one.kind === kind && one.id === id)?.title ?? '?';
  return {
    /** Of all kinds in one list. */
    titles: (text: string, changes: Partial<Parameters<Searching['findIds']>[0]> = {}): string[] =>
      searching.findIds({ ...EVERYTHING, text, after: null, limit: 50, ...changes }).ids.map(({ kind, id }) => titleOf(kind, id)),
    groups: (text: string, changes: Partial<Parameters<Searching['findGroups']>[0]> = {}) =>
      searching.findGroups({ ...EVERYTHING, text, limit: 8, ...changes }),
  };
}
