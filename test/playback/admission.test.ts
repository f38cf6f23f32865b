// The queue for places to transcode: its order, its end, and that no place is ever lost.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FerriteError } from '#domain/errors.ts';
import type { Priority } from '#domain/session.ts';
import { Admission } from '#src/playback/admission.ts';

const NEVER = new AbortController().signal;

const isCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof FerriteError && error.code === code;

test('as many enter as there are places; the next gets the first that is released', async () => {
  const admission = new Admission({ capacity: 2, timeoutMs: 10_000 });
  const first = await admission.enter('interactive', NEVER);
  await admission.enter('interactive', NEVER);
  const third = admission.enter('interactive', NEVER);
  assert.equal(admission.depth, 1);
  first.release();
  assert.ok((await third).waitMs >= 0);
  assert.equal(admission.depth, 0);
});

test('interactive viewers go before background work, each in the order they came', async () => {
  const admission = new Admission({ capacity: 1, timeoutMs: 10_000 });
  const first = await admission.enter('background', NEVER);
  const order: string[] = [];
  const wait = async (name: string, priority: Priority): Promise<void> => {
    const place = await admission.enter(priority, NEVER);
    order.push(name);
    place.release();
  };
  const all = [wait('b1', 'background'), wait('i1', 'interactive'), wait('b2', 'background'), wait('i2', 'interactive')];
  first.release();
  await Promise.all(all);
  assert.deepEqual(order, ['i1', 'i2', 'b1', 'b2']);
});

test('who waits too long is told how many others do', async () => {
  const admission = new Admission({ capacity: 1, timeoutMs: 20 });
  const first = await admission.enter('interactive', NEVER);
  await assert.rejects(admission.enter('interactive', NEVER), error => {
    assert.ok(error instanceof FerriteError && error.code === 'OVERLOADED');
    assert.equal(error.details.queueDepth, 0);
    assert.ok(Number(error.details.queueWaitMs) >= 19);
    return true;
  });
  assert.equal(admission.depth, 0);
  first.release();
  await admission.enter('interactive', NEVER);
});

test('who goes away while waiting takes no place', async () => {
  const admission = new Admission({ capacity: 1, timeoutMs: 10_000 });
  const first = await admission.enter('interactive', NEVER);
  const gone = new AbortController();
  const waiting = admission.enter('interactive', gone.signal);
  gone.abort();
  await assert.rejects(waiting, isCode('CANCELLED'));
  assert.equal(admission.depth, 0);
  first.release();
  await admission.enter('interactive', NEVER);
});

test('a place released twice is one place', async () => {
  const admission = new Admission({ capacity: 1, timeoutMs: 20 });
  const first = await admission.enter('interactive', NEVER);
  first.release();
  first.release();
  await admission.enter('interactive', NEVER);
  await assert.rejects(admission.enter('interactive', NEVER), isCode('OVERLOADED'));
});

test('who was gone before takes no place and does not wait', async () => {
  const admission = new Admission({ capacity: 1, timeoutMs: 20 });
  await assert.rejects(admission.enter('interactive', AbortSignal.abort()), isCode('CANCELLED'));
  await admission.enter('interactive', NEVER);
  await assert.rejects(admission.enter('interactive', AbortSignal.abort()), isCode('CANCELLED'));
});
