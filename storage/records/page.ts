// A page of a list and the opaque cursor that leads to the next one: the key of its last record.
import { FerriteError } from '#domain/errors.ts';

export type PageRequest = { readonly limit: number; readonly cursor: string | null };
export type Page<T> = { readonly items: readonly T[]; readonly nextCursor: string | null };

type Part = string | number;

/** Takes entries until the page is full; one more tells whether another page follows. */
export function takePage<T>(entries: Iterable<{ readonly key: readonly Part[]; readonly item: T }>, limit: number): Page<T> {
  const items: T[] = [];
  let lastKey: readonly Part[] = [];
  for (const { key, item } of entries) {
    if (items.length === limit) return { items, nextCursor: encodeCursor(lastKey) };
    items.push(item);
    lastKey = key;
  }
  return { items, nextCursor: null };
}

const encodeCursor = (key: readonly Part[]): string => Buffer.from(JSON.stringify(key)).toString('base64url');

/** The key behind which a page begins. `prefix` must be that of the list, so that a cursor never leads into another's data. */
export function parseCursor(cursor: string, prefix: readonly Part[], length: number): Part[] {
  const key = parseKey(cursor);
  if (key === null || key.length !== length || prefix.some((part, index) => key[index] !== part)) {
    throw new FerriteError('INVALID_REQUEST', 'the cursor is not one of this list', {
      fields: [{ path: '/cursor', message: 'is not a cursor of this list' }],
    });
  }
  return key;
}

function parseKey(cursor: string): Part[] | null {
  try {
    const key: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    return Array.isArray(key) && key.every(part => typeof part === 'string' || typeof part === 'number') ? key : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
