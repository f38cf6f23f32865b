// Titles as they are compared and sorted.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { searchable, sortableTitle } from '#domain/catalogue/title-text.ts';

test('titles: letters with signs are those letters', () => {
  assert.equal(searchable('Ærø — Størst i Øst: Łódź, Straße & Œuvre'), 'aero storst i ost lodz strasse oeuvre');
});

test('titles: articles of the major languages in front do not count for the order', () => {
  for (const [title, sorted] of [
    ['The Matrix', 'matrix'],
    ['A Serious Man', 'serious man'],
    ['An Education', 'education'],
    ['Les Misérables', 'miserables'],
    ["L'Avventura", 'avventura'],
    ['L’Atalante', 'atalante'],
    ['Un prophète', 'prophete'],
    ['Der Untergang', 'untergang'],
    ['Das Boot', 'boot'],
    ['Die fetten Jahre sind vorbei und aus', 'fetten jahre sind vorbei und aus'],
    ['El laberinto del fauno', 'laberinto del fauno'],
    ['Los olvidados', 'olvidados'],
    ['Il Postino', 'postino'],
    ['Det sjunde inseglet', 'sjunde inseglet'],
    ['The 39 Steps', '0000000039 steps'],
  ] as const)
    assert.equal(sortableTitle(title), sorted);
});

test('titles: what only looks like an article stays', () => {
  for (const title of [
    'Die Hard',
    'As Good as It Gets',
    'O Brother, Where Art Thou?',
    'A.I. Artificial Intelligence',
    'Los Angeles Plays Itself',
    'Las Vegas',
    'De-Lovely',
    'I, Robot',
    'The',
    'Anna',
    'Theatre',
  ])
    assert.equal(sortableTitle(title), searchable(title), title);
});

test('titles: what the film speaks decides on words that are articles in that language alone', () => {
  assert.equal(sortableTitle('Die Welle', ['ger']), 'welle');
  assert.equal(sortableTitle('O Pagador de Promessas', ['pt-BR']), 'pagador de promessas');
  assert.equal(sortableTitle('De Aanslag', ['nld']), 'aanslag');
  assert.equal(sortableTitle('Die Hard', ['eng']), 'die hard');
});
