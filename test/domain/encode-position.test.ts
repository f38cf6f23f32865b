import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EncodePosition, isAboutToReach, reachForOthers, reachFrom } from '#domain/encode-position.ts';

const at = (changes: Partial<EncodePosition> = {}): EncodePosition => ({
  firstIndex: 0,
  nextIndex: 10,
  lastIndex: 20,
  viewerIndex: 5,
  limitIndex: 25,
  ...changes,
});
/** Of segments 0 to 29. */
const reached = (position: EncodePosition, whose: 'own' | 'others'): number[] => {
  const reach = whose === 'own' ? reachFrom(position.nextIndex) : reachForOthers(position);
  return Array.from({ length: 30 }, (_, index) => index).filter(index => isAboutToReach(reach, index));
};

test('encode position: what comes next and soon is reached, what has been made or comes later is not', () => {
  for (const whose of ['own', 'others'] as const) assert.deepEqual(reached(at(), whose), [10, 11, 12]);
});

test('encode position: the end of the lead and of the run bound what others wait for, not what its own viewer does', () => {
  assert.deepEqual(reached(at({ limitIndex: 11 }), 'others'), [10, 11]);
  assert.deepEqual(reached(at({ limitIndex: 9 }), 'others'), []);
  assert.deepEqual(reached(at({ nextIndex: 20 }), 'others'), [20]);
  assert.deepEqual(reached(at({ nextIndex: 20, limitIndex: 19 }), 'own'), [20, 21, 22]);
});
