import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FerriteError } from '#domain/errors.ts';
import { newSessionId } from '#domain/ids.ts';
import { renditionKey, type SegmentName } from '#domain/rendition.ts';
import { SegmentWaits } from '#workers/sessions/segment-waits.ts';
import { aRung } from '../../support/titles.ts';

const KEY = renditionKey('v1', 2_000, aRung());
const OTHER_KEY = renditionKey('v2', 2_000, aRung());
const [ME, OTHER] = [newSessionId(), newSessionId()];
const FAILED = new FerriteError('ENCODE_FAILED', 'broken');

/** Notes how each wait ends and how often it asked. */
function world() {
  const waits = new SegmentWaits();
  const ends: string[] = [];
  const asked: string[] = [];
  const wait = (name: SegmentName, { sessionId = ME, key = KEY, signal = new AbortController().signal, as = String(name) } = {}) => {
    const settled = waits
      .wait(sessionId, key, name, () => asked.push(as), signal)
      .then(
        () => ends.push(`${as} ready`),
        (error: FerriteError) => ends.push(`${as} ${error.code}`),
      );
    return settled;
  };
  return { waits, ends, asked, wait };
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

test('segment waits: a wait asks once when it begins', async () => {
  const { waits, asked, wait } = world();
  const waited = wait(1);
  assert.deepEqual(asked, ['1']);
  waits.published(KEY, 1);
  await waited;
});

test('segment waits: a segment that is published while it is asked for is not missed', async () => {
  const waits = new SegmentWaits();
  await waits.wait(ME, KEY, 1, () => waits.published(KEY, 1), new AbortController().signal);
  assert.equal(waits.size, 0);
});

test('segment waits: asking that fails ends the wait', async () => {
  const waits = new SegmentWaits();
  const asking = (): never => {
    throw FAILED;
  };
  await assert.rejects(waits.wait(ME, KEY, 1, asking, new AbortController().signal), FAILED);
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

test('segment waits: who was gone before asks for nothing', async () => {
  const { waits, ends, asked, wait } = world();
  await wait(1, { signal: AbortSignal.abort() });
  assert.deepEqual([ends, asked, waits.size], [['1 CANCELLED'], [], 0]);
});

test('segment waits: a seek ends the session’s own waits outside its reach, but not for the init segment', async () => {
  const { waits, ends, wait } = world();
  const all = [wait(9), wait(10), wait(12), wait(13), wait('init'), wait(1, { sessionId: OTHER, as: 'other 1' })];
  waits.failOutside(ME, KEY, { from: 10, to: 12 }, FAILED);
  await Promise.all([all[0], all[3]]);
  assert.deepEqual(ends.sort(), ['13 ENCODE_FAILED', '9 ENCODE_FAILED']);
  waits.failSession(ME, FAILED);
  waits.failSession(OTHER, FAILED);
  await Promise.all(all);
});

test('segment waits: an encode that gave up ends the session’s waits on its rendition', async () => {
  const { waits, ends, wait } = world();
  const all = [wait(1), wait('init'), wait(2, { sessionId: OTHER, as: 'other' }), wait(3, { key: OTHER_KEY, as: 'sound' })];
  waits.fail(ME, KEY, FAILED);
  await Promise.all(all.slice(0, 2));
  assert.deepEqual(ends, ['1 ENCODE_FAILED', 'init ENCODE_FAILED']);
  assert.equal(waits.size, 2);
  waits.failSession(ME, FAILED);
  waits.failSession(OTHER, FAILED);
  await Promise.all(all);
});

test('segment waits: those who hoped for an encode that ended ask again, but not its own session', async () => {
  const { waits, asked, wait } = world();
  const all = [wait(1), wait(2, { sessionId: OTHER, as: 'other' }), wait(3, { key: OTHER_KEY, as: 'sound' })];
  asked.length = 0;
  waits.askAgain(KEY, ME);
  assert.deepEqual(asked, ['other']);
  waits.askAgain(KEY);
  assert.deepEqual(asked, ['other', '1', 'other']);
  waits.failSession(ME, FAILED);
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

test('segment waits: a wait that has ended asks no more, not even in the same moment', async () => {
  const { waits, asked, wait } = world();
  const all = [wait(1), wait(2)];
  asked.length = 0;
  waits.published(KEY, 1);
  waits.fail(ME, KEY, FAILED);
  waits.askAgain(KEY);
  assert.deepEqual([asked, waits.size], [[], 0]);
  await Promise.all(all);
});

test('segment waits: a session waits for a rendition as long as it waits for one of its segments; the init segment does not count', async () => {
  const { waits, wait } = world();
  const gone = new AbortController();
  const all = [wait(1, { signal: gone.signal, as: 'gone' }), wait('init'), wait(2, { sessionId: OTHER, as: 'other' })];
  assert.deepEqual([waits.isWaiting(ME, KEY), waits.isWaiting(OTHER, KEY), waits.isWaiting(ME, OTHER_KEY)], [true, true, false]);
  gone.abort();
  assert.equal(waits.isWaiting(ME, KEY), false);
  waits.failSession(ME, FAILED);
  waits.failSession(OTHER, FAILED);
  await Promise.all(all);
});
