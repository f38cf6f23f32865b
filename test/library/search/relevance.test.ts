// What is found for what people type: a table of queries over titles that everybody knows.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anIndex } from './support.ts';

/** `first`: nothing else may go before it. */
type Asked = readonly [query: string, wanted: string, place?: 'first'];

const EXACT: readonly Asked[] = [
  ['The Matrix', 'The Matrix', 'first'],
  ['the matrix', 'The Matrix', 'first'],
  ['  the   MATRIX ', 'The Matrix', 'first'],
  ['It', 'It', 'first'],
  ['Up', 'Up', 'first'],
  ['us', 'Us', 'first'],
  ['M', 'M', 'first'],
  ['x', 'X', 'first'],
  ['9', '9', 'first'],
  ['300', '300', 'first'],
  ['1917', '1917', 'first'],
  ['2012', '2012', 'first'],
  ['alien', 'Alien', 'first'],
  ['Heat', 'Heat', 'first'],
  ['pilot', 'Pilot', 'first'],
  ['Breaking Bad', 'Breaking Bad', 'first'],
  ['!!!', '!!!', 'first'],
  ['$', '$', 'first'],
  ['🎬🍿', '🎬🍿', 'first'],
];
const AS_TYPED: readonly Asked[] = [
  ['matr', 'The Matrix'],
  ['the mat', 'The Matrix', 'first'],
  ['incep', 'Inception', 'first'],
  ['intersp', 'Interstellar'],
  ['inters', 'Interstellar', 'first'],
  ['game of thr', 'Game of Thrones', 'first'],
  ['good bye l', 'Good Bye, Lenin!', 'first'],
  ['blade r', 'Blade Runner', 'first'],
  ['blade runner 2', 'Blade Runner 2049', 'first'],
  ['back to the f', 'Back to the Future', 'first'],
  ['winter is c', 'Winter Is Coming', 'first'],
  ['doctor w', 'Doctor Who', 'first'],
  ['2001 a', '2001: A Space Odyssey', 'first'],
];
const MIDDLE: readonly Asked[] = [
  ['fiction', 'Pulp Fiction', 'first'],
  ['empire back', 'The Empire Strikes Back', 'first'],
  ['strikes', 'The Empire Strikes Back', 'first'],
  ['odyssey space', '2001: A Space Odyssey', 'first'],
  ['lost ark', 'Raiders of the Lost Ark', 'first'],
  ['spotless', 'Eternal Sunshine of the Spotless Mind', 'first'],
  ['two towers', 'The Lord of the Rings: The Two Towers', 'first'],
  ['fellowship', 'Lord of the Rings: The Fellowship of the Ring', 'first'],
  ['azkaban', 'Harry Potter and the Prisoner of Azkaban', 'first'],
  ['black pearl', 'Pirates of the Caribbean: The Curse of the Black Pearl', 'first'],
  ['old men', 'No Country for Old Men', 'first'],
  ['castamere', 'The Rains of Castamere', 'first'],
  ['holy grail', 'Monty Python and the Holy Grail', 'first'],
  ['busters', 'Ghostbusters'],
  ['juice', 'Beetlejuice'],
];
const ACCENTS_AND_SIGNS: readonly Asked[] = [
  ['amelie', 'Amélie', 'first'],
  ['AMÉLIE', 'Amélie', 'first'],
  ['fabuleux destin', 'Amélie', 'first'],
  ['a bout de souffle', 'À bout de souffle', 'first'],
  ['ca', 'Ça', 'first'],
  ['la vita e bella', 'La vita è bella', 'first'],
  ['uber berlin', 'Der Himmel über Berlin', 'first'],
  ['macka', 'Crna mačka, beli mačor', 'first'],
  ['lodz', 'Łódź Symphony', 'first'],
  ['sa som i himmelen', 'Så som i himmelen', 'first'],
  ['smultronstallet', 'Smultronstället', 'first'],
  ['jusan-nin', 'Jûsan-nin no shikaku', 'first'],
  ['schindlers list', "Schindler's List", 'first'],
  ['schindler’s', "Schindler's List", 'first'],
  ['oceans eleven', "Ocean's Eleven", 'first'],
  ['singin in the rain', "Singin' in the Rain", 'first'],
  ['spiderman', 'Spider-Man'],
  ['spider man', 'Spider-Man', 'first'],
  ['mash', 'M*A*S*H'],
  ['walle', 'WALL·E'],
  ['wall-e', 'WALL·E', 'first'],
  ['fast and furious', 'Fast & Furious', 'first'],
  ['fast & furious', 'Fast & Furious', 'first'],
  ['starwars', 'Star Wars'],
  ['kill bill vol 1', 'Kill Bill: Vol. 1', 'first'],
];
const SCRIPTS: readonly Asked[] = [
  ['七人の侍', '七人の侍', 'first'],
  ['七人', '七人の侍', 'first'],
  ['侍', '七人の侍'],
  ['の侍', '七人の侍', 'first'],
  ['千尋', 'Spirited Away', 'first'],
  ['神隠し', 'Spirited Away', 'first'],
  ['もののけ', 'Princess Mononoke', 'first'],
  ['モノノケ', 'Princess Mononoke', 'first'],
  ['機動', '攻殻機動隊', 'first'],
  ['藏龍', '臥虎藏龍', 'first'],
  ['hidden dragon', '臥虎藏龍', 'first'],
  ['기생충', '기생충', 'first'],
  ['기새', '기생충', 'first'],
  ['올드', '올드보이', 'first'],
  ['parasite', '기생충', 'first'],
  ['進撃', '進撃の巨人', 'first'],
  ['巨人', '進撃の巨人', 'first'],
  ['刺客', 'Jûsan-nin no shikaku', 'first'],
  ['сталкер', 'Сталкер', 'first'],
  ['смотри', 'Иди и смотри', 'first'],
  ['елки', 'Ёлки', 'first'],
  ['ζορμπας', 'Ζορμπάς', 'first'],
  ['เกมส์', 'ฉลาดเกมส์โกง', 'first'],
  ['लगान', 'लगान', 'first'],
  ['وجدة', 'وجدة', 'first'],
  ['באשיר', 'ואלס עם באשיר', 'first'],
];
const PEOPLE_AND_YEARS: readonly Asked[] = [
  ['tarantino', 'Quentin Tarantino', 'first'],
  ['tarantino', 'Pulp Fiction'],
  ['uma thurman', 'Pulp Fiction'],
  ['keanu', 'The Matrix'],
  ['penelope cruz', 'Penélope Cruz', 'first'],
  ['cruz', 'Volver'],
  ['宮崎', 'Spirited Away'],
  ['宮崎駿', '宮崎駿', 'first'],
  ['pacino de niro', 'Heat'],
  ['tarantino pulp', 'Pulp Fiction', 'first'],
  ['bjork', 'Björk', 'first'],
  ['dune 2021', 'Dune', 'first'],
  ['the matrix 2003', 'The Matrix Reloaded'],
  ['breaking bad s01e02', "Cat's in the Bag...", 'first'],
  ['matrix collection', 'The Matrix Collection', 'first'],
  ['bank robbery', 'The Quiet Vault', 'first'],
  ['thieves lisbon', 'The Quiet Vault', 'first'],
];
const MISSPELT: readonly Asked[] = [
  ['matirx', 'The Matrix'],
  ['the marix', 'The Matrix'],
  ['interstelar', 'Interstellar', 'first'],
  ['intersetllar', 'Interstellar', 'first'],
  ['intersetl', 'Interstellar', 'first'],
  ['godfahter', 'The Godfather'],
  ['god father', 'The Godfather'],
  ['jwas', 'Jaws', 'first'],
  ['pulp fition', 'Pulp Fiction', 'first'],
  ['shawshenk redemption', 'The Shawshank Redemption', 'first'],
  ['glaidator', 'Gladiator', 'first'],
  ['casablnca', 'Casablanca', 'first'],
  ['forest gump', 'Forrest Gump', 'first'],
  ['apocalipse now', 'Apocalypse Now', 'first'],
  ['beetlejiuce', 'Beetlejuice', 'first'],
  ['silense of the lambs', 'The Silence of the Lambs', 'first'],
  ['braking bad', 'Breaking Bad', 'first'],
  ['game of trones', 'Game of Thrones', 'first'],
  ['tarantno', 'Quentin Tarantino'],
  ['сталкир', 'Сталкер', 'first'],
  ['bladerunner 2049', 'Blade Runner 2049'],
  ['blade runnet', 'Blade Runner'],
  ['backtto the future', 'Back to the Future', 'first'],
  ['xodiac', 'Zodiac', 'first'],
];

/** The right answer among the first so many. */
const SHOWN = 5;

const { titles } = anIndex();

for (const [about, table] of Object.entries({ EXACT, AS_TYPED, MIDDLE, ACCENTS_AND_SIGNS, SCRIPTS, PEOPLE_AND_YEARS, MISSPELT })) {
  test(`search: ${about.toLowerCase().replaceAll('_', ' ')}: the right title is the first, or among the first ${SHOWN}`, () => {
    const wrong = table.flatMap(([query, wanted, place]) => {
      const found = titles(query).slice(0, place === 'first' ? 1 : SHOWN);
      return found.includes(wanted) ? [] : [`${query} → ${found.join(', ') || 'nothing'}; not ${wanted}`];
    });
    assert.deepEqual(wrong, []);
  });
}

test('search: the table has more than a hundred queries', () => {
  const count = [EXACT, AS_TYPED, MIDDLE, ACCENTS_AND_SIGNS, SCRIPTS, PEOPLE_AND_YEARS, MISSPELT].reduce(
    (sum, { length }) => sum + length,
    0,
  );
  assert.ok(count >= 100, `${count}`);
});
