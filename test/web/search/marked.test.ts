// The part of a title that was searched for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { markWords } from '../../../src/web/search/marked.js';

const shown = (title: string, query: string) =>
  markWords(title, query)
    .map(({ text, isMatch }) => (isMatch ? `[${text}]` : text))
    .join('');

test('the beginnings of words are marked, whatever their accents and case; the title stays as it is', () => {
  assert.equal(shown('The Matrix', 'ma'), 'The [Ma]trix');
  assert.equal(shown('Le Fabuleux Destin d’Amélie', 'AMELIE fab'), 'Le [Fab]uleux Destin d’[Amélie]');
  assert.equal(shown('Amelie', 'amélie'), '[Amelie]');
  assert.equal(shown('Cheat', 'heat'), 'Cheat');
  assert.equal(shown('ﬁne <b>films</b>', 'films'), 'ﬁne <b>[films]</b>');
  assert.equal(shown('Anything', '(*'), 'Anything');
});
