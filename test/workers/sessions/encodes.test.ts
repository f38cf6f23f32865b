import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Run } from '#actors/run.ts';
import type { EncodePosition } from '#domain/encode-position.ts';
import { newSessionId } from '#domain/ids.ts';
import { renditionKey } from '#domain/rendition.ts';
import { Encodes } from '#workers/sessions/encodes.ts';
import { aJob, aRung, aSound } from '../../support/titles.ts';

const [ME, OTHER, THIRD] = [newSessionId(), newSessionId(), newSessionId()];

/** One that stands still at that position. */
function aRun({ actorId = 'encode-0', job = aJob(0, 20), ...position }: Partial<Pick<Run, 'actorId' | 'job'> & EncodePosition> = {}): Run {
  const context = {
    position: { firstIndex: job.firstIndex, nextIndex: 10, lastIndex: job.lastIndex, viewerIndex: 5, limitIndex: 25, ...position },
  };
  return { actorId, slot: 'video:720p', job, isAhead: false, actor: { getSnapshot: () => ({ context }) } as unknown as Run['actor'] };
}
const KEY = aRun().job.key;

test('encodes: a segment that another session’s encode writes next or soon is covered', () => {
  const encodes = new Encodes();
  encodes.add(OTHER, aRun());
  for (const [index, isCovered] of [
    [9, false],
    [10, true],
    [12, true],
    [13, false],
  ] as const)
    assert.equal(encodes.isCoveredByOther(ME, KEY, index), isCovered, String(index));
});

test('encodes: one’s own encode is no other’s, and another rendition is another', () => {
  const encodes = new Encodes();
  encodes.add(ME, aRun());
  assert.equal(encodes.isCoveredByOther(ME, KEY, 10), false);
  assert.equal(encodes.isCoveredByOther(OTHER, renditionKey('v2', 2_000, aRung()), 10), false);
});

test('encodes: what lies beyond the other viewer’s lead, or the end of the run, is not covered', () => {
  const encodes = new Encodes();
  encodes.add(OTHER, aRun({ nextIndex: 10, limitIndex: 11 }));
  assert.equal(encodes.isCoveredByOther(ME, KEY, 11), true);
  assert.equal(encodes.isCoveredByOther(ME, KEY, 12), false);
  encodes.add(OTHER, aRun({ nextIndex: 20 }));
  assert.equal(encodes.isCoveredByOther(ME, KEY, 20), true);
  assert.equal(encodes.isCoveredByOther(ME, KEY, 21), false);
});

test('encodes: runs of several sessions are told apart, though their actors have the same name', () => {
  const encodes = new Encodes();
  encodes.add(OTHER, aRun());
  encodes.add(THIRD, aRun());
  encodes.remove(OTHER, aRun());
  assert.equal(encodes.isCoveredByOther(ME, KEY, 10), true);
  encodes.remove(THIRD, aRun());
  encodes.remove(THIRD, aRun());
  assert.equal(encodes.isCoveredByOther(ME, KEY, 10), false);
});

test('encodes: those that come to a kept stretch next are found, whoever they belong to', () => {
  const encodes = new Encodes();
  encodes.add(ME, aRun({ nextIndex: 10 }));
  encodes.add(OTHER, aRun({ nextIndex: 13 }));
  encodes.add(THIRD, aRun({ nextIndex: 14 }));
  const found = (fromIndex: number, untilIndex: number) =>
    encodes.nextWithin(KEY, { fromIndex, untilIndex }).map(({ sessionId }) => sessionId);
  assert.deepEqual(found(10, 14), [ME, OTHER]);
  assert.deepEqual(found(11, 13), []);
  assert.deepEqual(encodes.nextWithin(renditionKey('v2', 2_000, aRung()), { fromIndex: 0, untilIndex: 99 }), []);
});

test('encodes: sound is never behind', () => {
  const encodes = new Encodes();
  encodes.add(ME, aRun({ job: aJob(0, 20, aSound()), nextIndex: 10, viewerIndex: 10 }));
  assert.equal(encodes.isAnyPictureBehind(4_000), false);
});

test('encodes: one is behind that has less ready, beyond what its viewer asked for, than it should; one at its end never is', () => {
  for (const [changes, isBehind] of [
    [{ nextIndex: 10, viewerIndex: 10 }, true],
    [{ nextIndex: 12, viewerIndex: 10 }, true],
    [{ nextIndex: 13, viewerIndex: 10 }, false],
    [{ nextIndex: 21, viewerIndex: 20 }, false],
    [{ nextIndex: 11, viewerIndex: 10, limitIndex: 10 }, false],
  ] as const) {
    const encodes = new Encodes();
    encodes.add(OTHER, aRun({ nextIndex: 15, viewerIndex: 5 }));
    encodes.add(ME, aRun(changes));
    assert.equal(encodes.isAnyPictureBehind(4_000), isBehind, JSON.stringify(changes));
  }
});

test('encodes: the sessions that encode something are told once each', () => {
  const encodes = new Encodes();
  encodes.add(ME, aRun());
  encodes.add(ME, aRun({ actorId: 'encode-1' }));
  encodes.add(OTHER, aRun());
  assert.deepEqual([...encodes.sessions()].sort(), [ME, OTHER].sort());
});
