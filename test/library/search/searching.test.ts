// The index by itself: what may be seen, in which order pages come, what matched, and texts that nobody should type.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Segment } from '#library/search/search-document.ts';
import { randomFrom } from '../../../loadtest/scenarios/library/titles.ts';
import { aDocument, anIndex, knownTitles } from './support.ts';

const marked = (segments: readonly Segment[]): string => segments.map(({ text, isMatch }) => (isMatch ? `[${text}]` : text)).join('');

test('search: no text is an error, and none brings what was not looked for', () => {
  const { searching, titles } = anIndex();
  const signs = '"*():^-+{}[]<>|&!?\\/%_\'`;,.=~#@$ \0\u0001\ufeff\u200b\n\tABCDEF NEAR OR AND NOT é千기😀\ud800'.split('');
  const random = randomFrom(5);
  const texts = [
    ...[
      '"',
      '""',
      "'",
      '*',
      '**',
      '* *',
      '^',
      '()',
      '(',
      ')',
      '-',
      '--',
      '+',
      ':',
      'title:',
      'title:matrix',
      '{title}:x',
      'NEAR(a b)',
      'a NEAR/2 b',
    ],
    ...[
      'AND',
      'OR',
      'NOT',
      'a AND',
      'OR b',
      'NOT NOT',
      'matrix"',
      '"matrix',
      "'; DROP TABLE documents; --",
      '\0',
      'ma\0trix',
      '\ud800',
      '%',
      '_',
    ],
    ...[
      '',
      ' ',
      '\n',
      '*'.repeat(200),
      '"'.repeat(200),
      'a'.repeat(200),
      'a '.repeat(100),
      '千'.repeat(200),
      '😀'.repeat(100),
      '(('.repeat(100),
    ],
    ...Array.from({ length: 300 }, () =>
      Array.from({ length: 1 + Math.floor(random() * 20) }, () => signs[Math.floor(random() * signs.length)]).join(''),
    ),
  ];
  for (const text of texts) {
    assert.doesNotThrow(() => searching.findGroups({ ...anything, text, limit: 8 }), JSON.stringify(text));
    assert.doesNotThrow(() => searching.findIds({ ...anything, text, after: null, limit: 20 }), JSON.stringify(text));
  }
  for (const nothing of ['', ' ', '\0', '\n\t']) assert.deepEqual(titles(nothing), [], JSON.stringify(nothing));
  assert.equal(titles('"the matrix"*')[0], 'The Matrix', 'signs around words say nothing');
  assert.ok(titles("'; DROP TABLE documents; --").length === 0 && titles('matrix').length > 0);
});

const anything = {
  kinds: ['movie', 'show', 'collection', 'person', 'episode'],
  libraryIds: null,
  genre: null,
  year: null,
  maxAgeRating: null,
  allowsUnrated: true,
} as const;

test('search: what a caller may not see is not found: by library, age, genre, year and kind', () => {
  const one = (id: string, changes: Partial<Parameters<typeof aDocument>[0]>) => aDocument({ title: `Winter ${id}`, id, ...changes });
  const { titles } = anIndex([
    one('a', { libraryIds: ['A'], ageRating: 6, genres: ['Science Fiction'], year: 1999 }),
    one('b', { libraryIds: ['b'], ageRating: 18, genres: ['Drama'], year: 2001 }),
    one('c', { libraryIds: ['a', 'b'], ageRating: null, genres: ['Dráma', 'Comedy'], year: 1999 }),
    one('d', { libraryIds: ['b'], kind: 'show', ageRating: 12, overview: 'of a winter' }),
  ]);
  const found = (changes: Parameters<typeof titles>[1], text = 'winter'): string =>
    titles(text, changes)
      .map(title => title.at(-1))
      .sort()
      .join('');
  for (const text of ['winter', 'wintre', 'winter ']) {
    assert.equal(found({}, text), 'abcd', text);
    assert.equal(found({ libraryIds: ['a'] }, text), 'c', 'ids are told apart by case too');
    assert.equal(found({ libraryIds: ['b'] }, text), 'bcd');
    assert.equal(found({ libraryIds: [] }, text), '');
    assert.equal(found({ maxAgeRating: 12 }, text), 'acd');
    assert.equal(found({ maxAgeRating: 12, allowsUnrated: false }, text), 'ad');
    assert.equal(found({ genre: 'drama' }, text), 'bc');
    assert.equal(found({ genre: 'science fiction', year: 1999 }, text), 'a');
    assert.equal(found({ year: 1999 }, text), 'ac');
    assert.equal(found({ kinds: ['show'] }, text), 'd');
    assert.equal(found({ kinds: [] }, text), '');
  }
});

test('search: pages go on behind their last hit, each title once, also where there are thousands, and while others come', () => {
  const many = Array.from({ length: 3_000 }, (_, at) =>
    aDocument({ title: `Winter ${at}`, id: `w${at}`, kind: at % 3 === 0 ? 'episode' : 'movie' }),
  );
  const { index, searching } = anIndex(many);
  const seen: string[] = [];
  let after: { id: string; offset: number } | null = null;
  for (let page = 0; ; page++) {
    const { ids, isLast } = searching.findIds({ ...anything, kinds: ['movie', 'episode'], text: 'wint', after, limit: 170 });
    seen.push(...ids.map(({ id }) => id));
    after = { id: seen.at(-1) ?? '', offset: seen.length };
    if (isLast) break;
    if (page === 3) {
      index.apply([aDocument({ title: 'Wint', id: 'first' })], [`movie ${seen[5]}`]);
      searching.changed();
    }
  }
  assert.equal(new Set(seen).size, seen.length, 'twice');
  assert.equal(seen.filter(id => id !== 'first').length, many.length);
});

test('search: what matched is marked, as text in parts, in the letters that it is written with', () => {
  const { groups } = anIndex();
  const hit = (text: string, title: string) => {
    const found = groups(text)
      .flatMap(({ hits }) => hits)
      .find(one => one.title.map(part => part.text).join('') === title);
    assert.ok(found, `${text}: ${title}`);
    return found;
  };
  assert.equal(marked(hit('amel', 'Amélie').title), '[Amél]ie');
  assert.equal(marked(hit('the mat', 'The Matrix').title), '[The] [Mat]rix');
  assert.equal(marked(hit('の侍', '七人の侍').title), '七人[の侍]');
  assert.equal(marked(hit('기새', '기생충').title), '[기생]충');
  assert.equal(marked(hit('matirx', 'The Matrix').title), 'The [Matrix]');
  assert.equal(marked(hit('schindlers', "Schindler's List").title), "[Schindler's] List");
  assert.equal(marked(hit('!!!', '!!!').title), '[!!!]');
  const person = hit('thurman', 'Pulp Fiction');
  assert.equal(marked(person.title), 'Pulp Fiction');
  assert.deepEqual([person.by, person.match?.field, marked(person.match?.segments ?? [])], ['people', 'people', 'Uma [Thurman]']);
  const overview = hit('lisbon', 'The Quiet Vault');
  assert.deepEqual([overview.by, overview.match?.field], ['text', 'overview']);
  assert.equal(marked(overview.match?.segments ?? []), 'Four thieves plan a bank robbery in [Lisbon] while the river rises.');
  assert.equal(hit('shichinin', '七人の侍').match?.field, 'originalTitle');
});

test('search: a title that changes is found as it is called now, and one that goes is not found', () => {
  const { index, searching, titles } = anIndex();
  const [film] = knownTitles();
  assert.ok(film);
  index.apply([{ ...film, title: 'Renamed' }], ['movie Jaws_1975']);
  searching.changed();
  assert.deepEqual(titles('jaws'), []);
  assert.equal(searching.findIds({ ...anything, text: 'renamde', after: null, limit: 1 }).ids[0]?.id, film.id, 'a new word, misspelt');
  const before = index.generation;
  assert.equal(index.apply([{ ...film, title: 'Renamed' }], []), 0, 'what is there already is not written');
  assert.equal(index.generation, before);
});

test('search: one letter wrong in a title brings it among the first five nine times in ten', () => {
  const { titles } = anIndex();
  const random = randomFrom(17);
  const below = (limit: number): number => Math.floor(random() * limit);
  const known = knownTitles().filter(({ title }) => /^[\p{Script=Latin}\s':,.-]{6,}$/u.test(title));
  let asked = 0;
  const missed: string[] = [];
  for (const { title } of [...known, ...known, ...known]) {
    const at = below(title.length - 1);
    const letter = 'abcdefghijklmnopqrstuvwxyz'[below(26)] ?? '';
    const wrong = [
      title.slice(0, at) + title.slice(at + 1),
      title.slice(0, at) + letter + title.slice(at),
      title.slice(0, at) + letter + title.slice(at + 1),
      title.slice(0, at) + (title[at + 1] ?? '') + (title[at] ?? '') + title.slice(at + 2),
    ][below(4)];
    asked++;
    if (
      !titles(wrong ?? '')
        .slice(0, 5)
        .includes(title)
    )
      missed.push(`${wrong}: ${title}`);
  }
  assert.ok(asked > 150);
  assert.ok(missed.length <= asked / 10, `${missed.length} of ${asked}: ${missed.join('; ')}`);
});
