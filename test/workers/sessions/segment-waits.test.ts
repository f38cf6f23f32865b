import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FerriteError } from '#domain/errors.ts';
import { newSessionId } from '#domain/ids.ts';
import { renditionKey, type SegmentName } from '#domain/rendition.ts';
import { SegmentWaits } from '#workers/sessions/segment-waits.ts';
import { aJob, aRung } from '../../support/titles.ts';

const KEY = renditionKey('v1', 2_000, aRung());
const OTHER_KEY = renditionKey('v2', 2_000, aRung());
const [ME, OTHER] = [newSessionId(), newSessionId()];
const FAILED = new FerriteError('ENCODE_FAILED', 'broken');

/** Notes how each wait ends. */
function world() {
  const waits = new SegmentWaits();
  const ends: string[] = [];
  const wait = (name: SegmentName, { sessionId = ME, key = KEY, signal = new AbortController().signal, as = String(name) } = {}) =>
    waits
      .wait(
        {
          sessionId,
          name,
          job: { ...aJob(name === 'init' ? 0 : name, 99), key },
          isHint: false,
          isAhead: false,
          mayEncode: true,
          mayRunBeside: true,
        },
        signal,
      )
      .promise.then(
        () => ends.push(`${as} ready`),
        (error: FerriteError) => ends.push(`${as} ${error.code}`),
      );
  return { waits, ends, wait };
}

test('segment waits: a published segment answers everybody who waits for it, and nobody else', async () => {
  const { waits, ends, wait } = world();
  const answered = [wait(3), wait(3, { sessionId: OTHER, as: 'other 3' })];
  const waiting = [wait(4), wait(3, { key: OTHER_KEY, as: 'other film' }), wait('init')];
  waits.published(KEY, 3);
  await Promise.all(answered);
  assert.deepEqual(ends, ['3 ready', 'other 3 ready']);
  assert.equal(waits.size, 3);
  waits.published(KEY, 4);
  waits.published(OTHER_KEY, 3);
  waits.published(KEY, 'init');
  await Promise.all(waiting);
  assert.equal(waits.size, 0);
});

test('segment waits: one that goes away takes nobody with it', async () => {
  const { waits, ends, wait } = world();
  const gone = new AbortController();
  const waited = [wait(1, { signal: gone.signal, as: 'gone' }), wait(1)];
  gone.abort();
  await waited[0];
  waits.published(KEY, 1);
  await Promise.all(waited);
  assert.deepEqual(ends, ['gone CANCELLED', '1 ready']);
});

test('segment waits: who was gone before does not wait', async () => {
  const { waits, ends, wait } = world();
  await wait(1, { signal: AbortSignal.abort() });
  assert.deepEqual([ends, waits.size], [['1 CANCELLED'], 0]);
});

test('segment waits: those of a session are told in the order in which they came, and end with it', async () => {
  const { waits, ends, wait } = world();
  const all = [wait(9), wait('init'), wait(2), wait(9, { key: OTHER_KEY }), wait(1, { sessionId: OTHER, as: 'other 1' })];
  const names = (sessionId = ME) => waits.of(sessionId).map(({ note }) => note.name);
  assert.deepEqual([names(), names(OTHER)], [[9, 'init', 2, 9], [1]]);
  assert.deepEqual([waits.sessionsOf(KEY), waits.sessionsOf(OTHER_KEY)], [new Set([ME, OTHER]), new Set([ME])]);
  waits.failSession(ME, FAILED);
  await Promise.all(all.slice(0, 4));
  assert.ok(ends.every(end => end.endsWith('ENCODE_FAILED')));
  assert.deepEqual([names(), names(OTHER)], [[], [1]]);
  waits.failSession(OTHER, FAILED);
  await Promise.all(all);
});

test('segment waits: a wait has an end of its own', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { waits, ends, wait } = world();
  const waited = wait(1);
  t.mock.timers.tick(10 * 60_000);
  await waited;
  assert.deepEqual([ends, waits.size], [['1 ENCODE_STALLED'], 0]);
});
