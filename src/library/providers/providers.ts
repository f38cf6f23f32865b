// The databases that this server has keys for, as settings name them.
import { PoliteClient } from './polite-client.ts';
import type { Provider } from './provider.ts';
import { Tmdb } from './tmdb.ts';
import { Tvdb } from './tvdb.ts';

type Setting = { readonly key: string; readonly url: string };
export type ProviderSettings = { readonly tmdb: Setting; readonly tvdb: Setting; readonly language: string };

/** Some forty requests in ten seconds are what they allow. */
const INTERVAL_MS = 250;

export function providersOf({ tmdb, tvdb, language }: ProviderSettings): readonly Provider[] {
  const clientOf = ({ url }: Setting): PoliteClient => new PoliteClient({ baseUrl: url, intervalMs: INTERVAL_MS });
  return [
    ...(tmdb.key === '' ? [] : [new Tmdb(clientOf(tmdb), tmdb.key, language)]),
    ...(tvdb.key === '' ? [] : [new Tvdb(clientOf(tvdb), tvdb.key)]),
  ];
}
