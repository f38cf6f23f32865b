// The opaque cursor of a sorted list: the sort and the position behind which the next page begins.
import Type from 'typebox';
import { Value } from 'typebox/value';
import { FerriteError } from '#domain/errors.ts';
import type { Position } from '#library/items/sorted-list.ts';

const Cursor = Type.Tuple([Type.String(), Type.Number(), Type.String(), Type.String()]);

export function encodeListCursor(sort: string, position: Position): string {
  return Buffer.from(JSON.stringify([sort, ...position])).toString('base64url');
}

/** A cursor of another order would skip or repeat titles. */
export function parseListCursor(cursor: string, sort: string): Position {
  const value = parseJson(Buffer.from(cursor, 'base64url').toString('utf8'));
  if (!Value.Check(Cursor, value) || value[0] !== sort) {
    const message = 'is not a cursor of this list';
    throw new FerriteError('INVALID_REQUEST', `/cursor ${message}`, { fields: [{ path: '/cursor', message }] });
  }
  const [, primary, sortTitle, id] = value;
  return [primary, sortTitle, id];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
