// A database of films and shows that is asked over the network, as the server knows it.
import type { MatchIds } from '#domain/catalogue/correction.ts';
import type { Description } from '#domain/catalogue/description.ts';

export type Sought = {
  readonly kind: 'movie' | 'show';
  readonly title: string;
  readonly year: number | null;
  /** Said by a person or by a file beside it: then nothing is guessed. */
  readonly ids: MatchIds;
};

export type Provider = {
  readonly name: 'tmdb' | 'tvdb';
  /** Null: it knows no such film. Rejects where it could not be asked. */
  find(sought: Sought, signal: AbortSignal): Promise<Description | null>;
};
