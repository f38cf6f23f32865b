// themoviedb.org, by version 3 of its interface. https://developer.themoviedb.org/reference
import type { Description, Person, PersonJob } from '#domain/catalogue/description.ts';
import { ageRatingOf } from '#library/metadata/age-rating.ts';
import { dayOf, idOf, type Json, listOf, namesOf, numberOf, objectOf, textOf, yearOf } from './json-fields.ts';
import { bestMatch } from './match.ts';
import type { Ask, PoliteClient } from './polite-client.ts';
import type { Provider, Sought } from './provider.ts';

const PATHS = { movie: 'movie', show: 'tv' } as const;
const JOBS: Readonly<Record<string, PersonJob>> = {
  Director: 'director',
  Writer: 'writer',
  Screenplay: 'writer',
  Producer: 'producer',
  'Original Music Composer': 'composer',
};
const MAX_CAST = 40;

export class Tmdb implements Provider {
  readonly name = 'tmdb';
  readonly #client: Pick<PoliteClient, 'json'>;
  readonly #key: string;
  readonly #language: string;

  constructor(client: Pick<PoliteClient, 'json'>, key: string, language: string) {
    this.#client = client;
    this.#key = key;
    this.#language = language;
  }

  async find(sought: Sought, signal: AbortSignal): Promise<Description | null> {
    const id = sought.ids.tmdb ?? (await this.#byOtherId(sought, signal)) ?? (await this.#byTitle(sought, signal));
    if (id === null) return null;
    const append_to_response = sought.kind === 'movie' ? 'credits,release_dates' : 'aggregate_credits,content_ratings,external_ids';
    const found = await this.#ask(
      `/3/${PATHS[sought.kind]}/${encodeURIComponent(id)}`,
      { append_to_response, language: this.#language },
      signal,
    );
    return found === null ? null : describe(objectOf(found), sought.kind);
  }

  async #byOtherId({ kind, ids }: Sought, signal: AbortSignal): Promise<string | null> {
    const [source, id] = ids.imdb !== undefined ? ['imdb_id', ids.imdb] : ids.tvdb !== undefined ? ['tvdb_id', ids.tvdb] : [null, ''];
    if (source === null) return null;
    const found = objectOf(await this.#ask(`/3/find/${encodeURIComponent(id)}`, { external_source: source }, signal));
    const [first] = listOf(found[`${PATHS[kind]}_results`]);
    return idOf(first?.id);
  }

  async #byTitle({ kind, title, year }: Sought, signal: AbortSignal): Promise<string | null> {
    const found = objectOf(await this.#ask(`/3/search/${PATHS[kind]}`, { query: title, language: this.#language }, signal));
    const candidates = listOf(found.results).flatMap(one => {
      const id = idOf(one.id);
      const titles = [one.title, one.original_title, one.name, one.original_name].flatMap(each => textOf(each) ?? []);
      return id === null ? [] : [{ id, titles, year: yearOf(one.release_date ?? one.first_air_date) }];
    });
    return bestMatch({ title, year }, candidates)?.id ?? null;
  }

  #ask(path: string, query: Readonly<Record<string, string>>, signal: AbortSignal): Promise<unknown> {
    // A key of version 4 is a token; one of version 3 goes into the address.
    const isToken = this.#key.includes('.');
    const ask: Ask = isToken
      ? { path, query, headers: { Authorization: `Bearer ${this.#key}` } }
      : { path, query: { ...query, api_key: this.#key } };
    return this.#client.json(ask, signal);
  }
}

function describe(found: Json, kind: Sought['kind']): Description {
  const premiered = dayOf(found.release_date ?? found.first_air_date);
  const ids = objectOf(found.external_ids);
  const [tmdb, imdb, tvdb] = [idOf(found.id), idOf(found.imdb_id ?? ids.imdb_id), idOf(ids.tvdb_id)];
  const rating = numberOf(found.vote_average);
  return {
    title: textOf(found.title ?? found.name),
    originalTitle: textOf(found.original_title ?? found.original_name),
    sortTitle: null,
    year: yearOf(premiered),
    overview: textOf(found.overview),
    tagline: textOf(found.tagline),
    genres: namesOf(found.genres),
    people: peopleOf(found),
    studios: namesOf(kind === 'movie' ? found.production_companies : found.networks),
    rating: rating === null || rating === 0 ? null : Math.round(rating * 10) / 10,
    ageRating: ageRatingOf(certificationOf(found) ?? ''),
    collection: textOf(objectOf(found.belongs_to_collection).name),
    premiered,
    ids: { ...(tmdb && { tmdb }), ...(imdb && { imdb }), ...(tvdb && { tvdb }) },
  };
}

function peopleOf(found: Json): Person[] {
  const credits = objectOf(found.credits ?? found.aggregate_credits);
  const cast = listOf(credits.cast).toSorted((a, b) => (numberOf(a.order) ?? 999) - (numberOf(b.order) ?? 999));
  const actors = cast.slice(0, MAX_CAST).flatMap((one): Person[] => {
    const name = textOf(one.name);
    return name === null ? [] : [{ name, job: 'actor', role: textOf(one.character ?? listOf(one.roles)[0]?.character) }];
  });
  const makers = listOf(found.created_by).map(one => ({ ...one, job: 'Writer' }));
  const crew = [...makers, ...listOf(credits.crew)].flatMap((one: Json): Person[] => {
    const [name, job] = [textOf(one.name), JOBS[textOf(one.job ?? listOf(one.jobs)[0]?.job) ?? '']];
    return name === null || job === undefined ? [] : [{ name, job, role: null }];
  });
  return [...actors, ...crew];
}

/** That of the United States, else the first one. */
function certificationOf(found: Json): string | null {
  const shows = listOf(objectOf(found.content_ratings).results).map(one => ({ country: one.iso_3166_1, label: textOf(one.rating) }));
  const films = listOf(objectOf(found.release_dates).results).flatMap(one =>
    listOf(one.release_dates).map(release => ({ country: one.iso_3166_1, label: textOf(release.certification) })),
  );
  const told = [...shows, ...films].filter(({ label }) => label !== null);
  return (told.find(({ country }) => country === 'US') ?? told[0])?.label ?? null;
}
