// Numbers of films and shows at those who describe them, written into names: `{tmdb-603}`, `[imdbid-tt0133093]`, `[tvdbid=81189]`, `tt0133093`.
import type { ProviderIds } from '#domain/catalogue/name-facts.ts';

const MARKED = /\s?[{[(](imdb|tmdb|tvdb)(?:id)?[-=: ](tt\d{5,10}|\d{1,10})[}\])]/gi;
const BARE = /(?<![\p{L}\p{N}])tt\d{7,9}(?![\p{L}\p{N}])/gu;

export type Identified = { readonly ids: ProviderIds /** The name without them. */; readonly text: string };

export function idsIn(name: string): Identified {
  const ids: { imdb?: string; tmdb?: string; tvdb?: string } = {};
  for (const [, provider = '', id = ''] of name.matchAll(MARKED)) {
    const key = provider.toLowerCase() as keyof ProviderIds;
    if ((key === 'imdb') === id.startsWith('tt')) ids[key] ??= id;
  }
  const unmarked = name.replaceAll(MARKED, '');
  const [bare] = unmarked.match(BARE) ?? [];
  if (bare !== undefined) ids.imdb ??= bare;
  return { ids, text: unmarked.replaceAll(BARE, '') };
}
