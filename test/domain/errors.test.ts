import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERRORS, type ErrorCode, FerriteError, fromErrorRecord, toErrorRecord } from '#domain/errors.ts';

const codes = Object.keys(ERRORS) as ErrorCode[];

test('errors: every code has a status of its kind, a title, a remedy, and tells when to come back where that helps', () => {
  for (const code of codes) {
    const row: { status: number; title: string; remedy: string; retryAfterMs?: number } = ERRORS[code];
    assert.match(code, /^[A-Z][A-Z_]+$/);
    assert.ok(row.status >= 400 && row.status < 600, code);
    assert.ok(row.title.length > 5 && !row.title.endsWith('.'), `${code}: a title is no sentence`);
    assert.match(row.remedy, /\.$/, `${code}: a remedy is one`);
    assert.equal(row.retryAfterMs !== undefined, [429, 503, 504].includes(row.status), `${code}: Retry-After`);
  }
});

test('errors: an error crosses a thread as its code and message', () => {
  for (const code of codes) {
    const back = fromErrorRecord(structuredClone(toErrorRecord(new FerriteError(code, `about ${code}`, { cause: new Error('secret') }))));
    assert.ok(back instanceof FerriteError);
    assert.deepEqual([back.code, back.message, back.cause], [code, `about ${code}`, undefined]);
  }
});

test('errors: what is not a FerriteError keeps its text inside', () => {
  for (const error of [new Error('/home/somebody/film.mkv'), 'a string', null, undefined, { code: 'OVERLOADED', message: 'forged' }])
    assert.deepEqual(toErrorRecord(error), { code: 'INTERNAL', message: 'an unexpected failure' });
});

test('errors: when to come back is the code’s, unless the error knows better', () => {
  assert.equal(new FerriteError('OVERLOADED', 'x').retryAfterMs, ERRORS.OVERLOADED.retryAfterMs);
  assert.equal(new FerriteError('OVERLOADED', 'x', { retryAfterMs: 7 }).retryAfterMs, 7);
  assert.equal(new FerriteError('INVALID_REQUEST', 'x').retryAfterMs, undefined);
});

test('errors: fields and details are there only when given', () => {
  const bare = new FerriteError('INVALID_REQUEST', 'x');
  assert.deepEqual([bare.fields, bare.details, bare.name], [[], {}, 'FerriteError']);
  const fields = [{ path: '/a', message: 'is missing' }];
  assert.deepEqual(new FerriteError('INVALID_REQUEST', 'x', { fields }).fields, fields);
});
