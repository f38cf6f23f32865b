// What a schema's check says about values of every shape.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import Type from 'typebox';
import { FerriteError } from '#domain/errors.ts';
import { compileCheck } from '#http/contract/validation.ts';

function fieldsOf(check: (value: unknown) => unknown, value: unknown): readonly string[] {
  try {
    check(value);
  } catch (error) {
    if (error instanceof FerriteError && error.code === 'INVALID_REQUEST')
      return error.fields.map(({ path, message }) => `${path} ${message}`);
    throw error;
  }
  return [];
}

test('defaults are filled in and do not change what is given', () => {
  const check = compileCheck(Type.Object({ limit: Type.Integer({ default: 50 }), name: Type.Optional(Type.String()) }));
  assert.deepEqual(check({}), { limit: 50 });
  assert.deepEqual(check({ limit: 2, name: 'x' }), { limit: 2, name: 'x' });
});

test('of a union of objects only the alternative that was meant is named', () => {
  const check = compileCheck(
    Type.Union([Type.Object({ type: Type.Literal('ping') }), Type.Object({ type: Type.Literal('seek'), positionMs: Type.Integer() })]),
  );
  assert.deepEqual(fieldsOf(check, { type: 'seek', positionMs: 'x', q: 1 }), ['/q is not a known field', '/positionMs must be integer']);
  assert.deepEqual(fieldsOf(check, { type: 'zoom' }), ['/type must be one of "ping", "seek"']);
  assert.deepEqual(fieldsOf(check, 'ping'), [' must be object']);
});

test('alternatives of values are listed', () => {
  const check = compileCheck(
    Type.Object({ kind: Type.Union([Type.Literal('movies'), Type.Literal('shows')]), count: Type.Union([Type.Null(), Type.Integer()]) }),
  );
  assert.deepEqual(fieldsOf(check, { kind: 'music', count: 'x' }), [
    '/kind must be one of "movies", "shows"',
    '/count must be null or integer',
  ]);
});

test('an intersection knows the fields of all its parts, and no others', () => {
  const check = compileCheck(Type.Intersect([Type.Object({ a: Type.Integer() }), Type.Object({ b: Type.String() })]));
  assert.deepEqual(fieldsOf(check, { a: 1, b: 'x' }), []);
  assert.deepEqual(fieldsOf(check, { a: 1, b: 2, c: 3 }), ['/c is not a known field', '/b must be string']);
});

test('records take any name, and names with slashes are escaped in the pointer', () => {
  const check = compileCheck(Type.Object({ counts: Type.Record(Type.String(), Type.Integer()) }));
  assert.deepEqual(fieldsOf(check, { counts: { a: 1, 'b/c': 2 } }), []);
  assert.deepEqual(fieldsOf(check, { counts: { a: 'x' }, 'd/e': 1 }), ['/d~1e is not a known field', '/counts/a must be integer']);
});

test('more than eight mistakes are listed, but a hostile body does not make a list without end', () => {
  const check = compileCheck(Type.Object({ list: Type.Array(Type.Integer()) }));
  assert.equal(fieldsOf(check, { list: Array.from({ length: 30 }, () => 'x') }).length, 30);
  assert.ok(fieldsOf(check, { list: Array.from({ length: 10_000 }, () => 'x') }).length <= 100);
});
