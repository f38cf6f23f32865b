import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  mediaIdFor,
  newLibraryId,
  newSessionId,
  newUserId,
  parseLibraryId,
  parseMediaId,
  parseSessionId,
  parseUserId,
} from '#domain/ids.ts';

test('ids: what is made here can be parsed, and differs every time', () => {
  for (const [make, parse] of [
    [newUserId, parseUserId],
    [newLibraryId, parseLibraryId],
    [newSessionId, parseSessionId],
  ] as const) {
    const made = Array.from({ length: 100 }, (): string => make());
    assert.equal(new Set(made).size, 100);
    for (const id of made) assert.equal(parse(id), id);
  }
});

test('ids: the same file of the same library keeps its id; another file or library has another', () => {
  const [one, other] = [newLibraryId(), newLibraryId()];
  const id = mediaIdFor(one, 'a/b.mkv');
  assert.equal(mediaIdFor(one, 'a/b.mkv'), id);
  assert.equal(parseMediaId(id), id);
  assert.equal(new Set([id, mediaIdFor(one, 'a/c.mkv'), mediaIdFor(other, 'a/b.mkv'), mediaIdFor(one, 'a/b.MKV')]).size, 4);
});

test('ids: where the library ends and the path begins is part of the id', () => {
  assert.notEqual(mediaIdFor(parseLibraryId('library'), '-1/a'), mediaIdFor(parseLibraryId('library-1'), '/a'));
});

test('ids: anything that is not an id is the request’s mistake, and is not repeated in the message', () => {
  for (const value of [
    '',
    'short',
    '../../etc/passwd',
    'a b c d e f',
    'x'.repeat(41),
    'abcdef\n',
    '<script>alert(1)</script>',
    'äöüäöüäöü',
  ]) {
    for (const parse of [parseUserId, parseLibraryId, parseMediaId, parseSessionId]) {
      assert.throws(
        () => parse(value),
        (error: unknown) =>
          error instanceof Error && 'code' in error && error.code === 'INVALID_REQUEST' && (value === '' || !error.message.includes(value)),
        JSON.stringify(value),
      );
    }
  }
});

test('ids: a session id is a UUID in lower case', () => {
  assert.throws(() => parseSessionId('3F2504E0-4F89-41D3-9A0C-0305E82C3301'), { code: 'INVALID_REQUEST' });
  assert.throws(() => parseSessionId('opaque-but-no-uuid'), { code: 'INVALID_REQUEST' });
});
