// What conditions and ranges select of a representation.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Conditions, select } from '#http/door/negotiation.ts';

const none: Conditions = { ifNoneMatch: '', ifModifiedSince: '', range: '', ifRange: '' };
const film = { byteLength: 1_000, etag: '"v1"', lastModifiedMs: Date.parse('2024-05-01T10:00:00.700Z') };
const DATE = 'Wed, 01 May 2024 10:00:00 GMT';

test('weak tags are equal for a condition and different for a range', () => {
  const weak = { ...film, etag: 'W/"v1"' };
  assert.deepEqual(select(weak, { ...none, ifNoneMatch: '"v1"' }), { kind: 'notModified' });
  assert.deepEqual(select(weak, { ...none, range: 'bytes=0-1', ifRange: 'W/"v1"' }), { kind: 'whole' });
  assert.deepEqual(select(weak, { ...none, range: 'bytes=0-1', ifRange: '"v1"' }), { kind: 'whole' });
});

test('dates count in whole seconds, and one that can not be read is no condition', () => {
  assert.deepEqual(select(film, { ...none, ifModifiedSince: DATE }), { kind: 'notModified' });
  assert.deepEqual(select(film, { ...none, ifModifiedSince: 'Wed, 01 May 2024 09:59:59 GMT' }), { kind: 'whole' });
  assert.deepEqual(select(film, { ...none, ifModifiedSince: 'yesterday' }), { kind: 'whole' });
  assert.deepEqual(select(film, { ...none, range: 'bytes=0-1', ifRange: DATE }), { kind: 'part', start: 0, end: 2 });
  assert.deepEqual(select(film, { ...none, range: 'bytes=0-1', ifRange: 'yesterday' }), { kind: 'whole' });
});

test('an unchanged representation needs no range', () => {
  assert.deepEqual(select(film, { ...none, ifNoneMatch: '"v1"', range: 'bytes=0-1' }), { kind: 'notModified' });
});

test('ranges of nothing and beyond the end can not be satisfied, malformed ones are ignored', () => {
  assert.deepEqual(select({ ...film, byteLength: 0 }, { ...none, range: 'bytes=0-' }), { kind: 'unsatisfiable' });
  assert.deepEqual(select({ ...film, byteLength: 0 }, { ...none, range: 'bytes=-5' }), { kind: 'unsatisfiable' });
  assert.deepEqual(select(film, { ...none, range: 'bytes=1000-' }), { kind: 'unsatisfiable' });
  for (const range of ['bytes', 'bytes=', 'bytes=x-1', 'bytes=1', 'seconds=1-2', 'bytes=0-1,3-4']) {
    assert.deepEqual(select(film, { ...none, range }), { kind: 'whole' }, range);
  }
});

test('a last byte far beyond the end means the end', () => {
  assert.deepEqual(select(film, { ...none, range: 'bytes=990-99999999999999999999' }), { kind: 'part', start: 990, end: 1_000 });
  assert.deepEqual(select(film, { ...none, range: 'bytes=-99999999999999999999' }), { kind: 'part', start: 0, end: 1_000 });
});
