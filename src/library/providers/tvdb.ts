// thetvdb.com, by version 4 of its interface. https://thetvdb.github.io/v4-api/
import { type Description, NO_DESCRIPTION, type Person, type PersonJob } from '#domain/catalogue/description.ts';
import { FerriteError } from '#domain/errors.ts';
import { ageRatingOf } from '#library/metadata/age-rating.ts';
import { dayOf, idOf, type Json, listOf, namesOf, numberOf, objectOf, textOf, yearOf } from './json-fields.ts';
import { bestMatch } from './match.ts';
import type { PoliteClient } from './polite-client.ts';
import type { Provider, Sought } from './provider.ts';

const PATHS = { movie: 'movies', show: 'series' } as const;
const TYPES = { movie: 'movie', show: 'series' } as const;
const JOBS: Readonly<Record<string, PersonJob>> = { Actor: 'actor', Director: 'director', Writer: 'writer', Producer: 'producer' };
const MAX_PEOPLE = 60;
/** Its tokens are good for a month. */
const TOKEN_MS = 20 * 24 * 3_600_000;

export class Tvdb implements Provider {
  readonly name = 'tvdb';
  readonly #client: Pick<PoliteClient, 'json'>;
  readonly #key: string;
  #token: { readonly text: string; readonly untilMs: number } | null = null;

  constructor(client: Pick<PoliteClient, 'json'>, key: string) {
    this.#client = client;
    this.#key = key;
  }

  async find(sought: Sought, signal: AbortSignal): Promise<Description | null> {
    const id = sought.ids.tvdb ?? (await this.#byImdb(sought, signal)) ?? (await this.#byTitle(sought, signal));
    if (id === null) return null;
    const found = objectOf(
      await this.#ask(`/v4/${PATHS[sought.kind]}/${encodeURIComponent(id)}/extended`, { meta: 'translations' }, signal),
    );
    return found.data === undefined ? null : describe(objectOf(found.data));
  }

  async #byImdb({ kind, ids: { imdb } }: Sought, signal: AbortSignal): Promise<string | null> {
    if (imdb === undefined) return null;
    const found = objectOf(await this.#ask(`/v4/search/remoteid/${encodeURIComponent(imdb)}`, {}, signal));
    return (
      listOf(found.data)
        .map(one => idOf(objectOf(one[TYPES[kind]]).id))
        .find(id => id !== null) ?? null
    );
  }

  async #byTitle({ kind, title, year }: Sought, signal: AbortSignal): Promise<string | null> {
    const found = objectOf(await this.#ask('/v4/search', { query: title, type: TYPES[kind] }, signal));
    const candidates = listOf(found.data).flatMap(one => {
      const id = idOf(one.tvdb_id);
      const titles = [one.name, ...Object.values(objectOf(one.translations)), ...(Array.isArray(one.aliases) ? one.aliases : [])];
      return id === null ? [] : [{ id, titles: titles.flatMap(each => textOf(each) ?? []), year: yearOf(one.year) }];
    });
    return bestMatch({ title, year }, candidates)?.id ?? null;
  }

  async #ask(path: string, query: Readonly<Record<string, string>>, signal: AbortSignal): Promise<unknown> {
    const token = await this.#tokenOf(signal);
    try {
      return await this.#client.json({ path, query, headers: { Authorization: `Bearer ${token}` } }, signal);
    } catch (error) {
      // Taken back before its time: the next question asks for another.
      if (error instanceof FerriteError && error.code === 'UNAUTHENTICATED') this.#token = null;
      throw error;
    }
  }

  async #tokenOf(signal: AbortSignal): Promise<string> {
    if (this.#token !== null && this.#token.untilMs > Date.now()) return this.#token.text;
    const answer = objectOf(await this.#client.json({ path: '/v4/login', body: { apikey: this.#key } }, signal));
    const text = textOf(objectOf(answer.data).token);
    if (text === null) throw new FerriteError('UNAUTHENTICATED', 'the key is not taken');
    this.#token = { text, untilMs: Date.now() + TOKEN_MS };
    return text;
  }
}

function describe(found: Json): Description {
  const translations = objectOf(found.translations);
  const english = (list: unknown, field: string): string | null => textOf(listOf(list).find(({ language }) => language === 'eng')?.[field]);
  const premiered = dayOf(found.firstAired ?? objectOf(found.first_release).date);
  const remote = listOf(found.remoteIds);
  const [tvdb, imdb] = [idOf(found.id), idOf(remote.find(({ sourceName }) => sourceName === 'IMDB')?.id)];
  const ratings = listOf(found.contentRatings);
  const rating = ratings.find(({ country }) => country === 'usa') ?? ratings[0];
  return {
    ...NO_DESCRIPTION,
    title: english(translations.nameTranslations, 'name') ?? textOf(found.name),
    originalTitle: textOf(found.name),
    year: yearOf(found.year) ?? yearOf(premiered),
    overview: english(translations.overviewTranslations, 'overview') ?? textOf(found.overview),
    genres: namesOf(found.genres),
    people: peopleOf(found),
    studios: [textOf(objectOf(found.originalNetwork).name) ?? []].flat(),
    ageRating: ageRatingOf(textOf(rating?.name) ?? ''),
    collection: textOf(listOf(found.lists).find(({ isOfficial }) => isOfficial === true)?.name),
    premiered,
    ids: { ...(tvdb && { tvdb }), ...(imdb && { imdb }) },
  };
}

function peopleOf(found: Json): Person[] {
  const characters = listOf(found.characters).toSorted((a, b) => (numberOf(a.sort) ?? 999) - (numberOf(b.sort) ?? 999));
  return characters.slice(0, MAX_PEOPLE).flatMap((one): Person[] => {
    const [name, job] = [textOf(one.personName), JOBS[textOf(one.peopleType) ?? '']];
    return name === null || job === undefined ? [] : [{ name, job, role: job === 'actor' ? textOf(one.name) : null }];
  });
}
