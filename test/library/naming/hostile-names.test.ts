// Names that nobody would give a film: long, empty, undecodable, made to be slow.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cleanName } from '#library/naming/clean-name.ts';
import { nameFacts } from '#library/naming/name-facts.ts';
import { tokensOf } from '#library/naming/tokens.ts';

const LONG = 4096;
const UNITS = [
  '-',
  '_',
  '.',
  ' ',
  '[',
  ']',
  '(',
  ')',
  '[]',
  '()',
  'a',
  'a.',
  'a-',
  '1',
  '1.',
  '1-',
  '1x',
  'e1',
  's1',
  's1e1',
  's01e01-',
  'S01E01E',
  '12 ',
  '- 1 ',
  '2010.',
  '字',
  '🚢',
  '\u0301',
  'É',
  "'",
  'Part ',
  'cd1 ',
];

test('naming: whatever a name holds, at most so many characters of it are read', () => {
  for (const unit of UNITS) {
    const name = unit.repeat(LONG / unit.length);
    assert.ok(cleanName(name).text.length <= 260, unit);
    for (const kind of ['movies', 'shows'] as const) {
      const told = nameFacts(`${name}/${name}.mkv`, kind);
      assert.ok((told.episode?.episodes.length ?? 0) <= 400 && (told.episode?.absolute.length ?? 0) <= 400, unit);
    }
  }
});

test('naming: a name is split in one pass, into no more pieces than it has characters, and nothing is lost', () => {
  for (const unit of UNITS) {
    const name = unit.repeat(200);
    const tokens = tokensOf(name);
    assert.equal(tokens.map(({ text }) => text).join(''), name);
    assert.ok(tokens.length <= name.length);
  }
  assert.equal(tokensOf('-'.repeat(LONG)).length, 1);
});

test('naming: no film is without a title', () => {
  for (const name of ['.mkv', ' .mkv', '_.mp4', '().mkv', '[].mkv', '- - -.mkv', '....mkv', '{tmdb-1}.mkv', '\ufffd.mkv', 'x/.mkv', '']) {
    assert.notEqual(nameFacts(name, 'movies').title.trim(), '', JSON.stringify(name));
  }
});

test('naming: a show that nothing names is left to the folder of its library', () => {
  for (const name of ['S01E02.mkv', 'Season 1/S01E02.mkv', 'Season 1/02.mkv', '1x02 - Pilot.mkv', '2010-05-14.mkv']) {
    assert.equal(nameFacts(name, 'shows').title, '', name);
  }
});

test('naming: names of 255 bytes keep what is at their ends', () => {
  const title = 'Ä'.repeat(100);
  assert.deepEqual(nameFacts(`${title} (2011) [1080p].mkv`, 'movies').year, 2011);
  assert.deepEqual(nameFacts(`${title} - S02E05 - ${'x'.repeat(30)}.mkv`, 'shows').episode?.episodes, [5]);
});

test('naming: letters with marks apart and in one are the same name', () => {
  assert.equal(nameFacts('Ame\u0301lie (2001).mkv', 'movies').title, nameFacts('Am\u00e9lie (2001).mkv', 'movies').title);
});
