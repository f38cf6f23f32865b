// The opaque cursor of the media list: the sort and the position behind which the next page begins.
import Type from 'typebox';
import { Value } from 'typebox/value';
import { FerriteError } from '#domain/errors.ts';
import type { MediaSort, Position } from '#library/catalogue-index.ts';

const Cursor = Type.Tuple([Type.String(), Type.Number(), Type.String(), Type.String()]);

export function encodeMediaCursor(sort: MediaSort, position: Position): string {
  return Buffer.from(JSON.stringify([sort, ...position])).toString('base64url');
}

/** A cursor of another order would skip or repeat titles. */
export function parseMediaCursor(cursor: string, sort: MediaSort): Position {
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
