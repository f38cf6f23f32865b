// The caller of a route for which the server asks authentication.
import { FerriteError } from '#domain/errors.ts';
import type { Caller } from '#domain/media.ts';

export function requireCaller({ caller }: { readonly caller: Caller | null }): Caller {
  if (caller === null) throw new FerriteError('UNAUTHENTICATED', 'sign in first');
  return caller;
}
