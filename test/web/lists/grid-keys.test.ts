// Where keys lead in a grid of cards, and what is typed to jump to a title.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gridStep, TypedText } from '../../../src/web/lists/grid-keys.js';

test('keys move by card, by row, by screen, and to either end; never out of the grid', () => {
  const from = (active: number, key: string) => gridStep(key, { active, columns: 5, rows: 3, length: 23 });
  const moves = ['ArrowRight', 'ArrowLeft', 'ArrowDown', 'ArrowUp', 'PageDown', 'PageUp', 'Home', 'End'];
  assert.deepEqual(
    moves.map(key => from(7, key)),
    [8, 6, 12, 2, 22, 2, 0, 22],
  );
  assert.deepEqual([from(0, 'ArrowLeft'), from(22, 'ArrowRight'), from(2, 'ArrowUp'), from(21, 'ArrowDown')], [0, 22, 2, 21]);
  // The last row is not full: from above its gap, down leads to its end.
  assert.deepEqual([from(19, 'ArrowDown'), from(7, 'x'), gridStep('End', { active: 0, columns: 5, rows: 3, length: 0 })], [22, null, null]);
});

test('letters follow each other to a word until a pause; a space begins none', () => {
  const typed = new TypedText();
  assert.deepEqual([typed.add('m', 0), typed.add('a', 400), typed.add(' ', 800), typed.add('t', 1_500)], ['m', 'ma', 'ma ', 'ma t']);
  assert.deepEqual([typed.add('z', 4_000), typed.add('Enter', 4_100), typed.add(' ', 9_000)], ['z', null, null]);
});
