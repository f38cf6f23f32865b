// Descriptions as Kodi, Jellyfin and their kin write them beside films, shows and episodes: `.nfo`.
import type { MatchIds } from '#domain/catalogue/correction.ts';
import { type Description, NO_DESCRIPTION, type Person, type PersonJob } from '#domain/catalogue/description.ts';
import { ageRatingOf } from './age-rating.ts';
import { parseXml, type XmlElement } from './xml.ts';

export type NfoKind = 'movie' | 'show' | 'episode';
export type Nfo = {
  readonly kind: NfoKind | null;
  readonly description: Description;
  readonly season: number | null;
  readonly episode: number | null;
};

/** A description of a film is some kilobytes; a file that is called so and is larger is something else. */
export const MAX_NFO_BYTES = 1024 * 1024;

const KINDS: Readonly<Record<string, NfoKind>> = { movie: 'movie', musicvideo: 'movie', tvshow: 'show', episodedetails: 'episode' };
const MAX_TEXT = 10_000;
const MAX_NAME = 200;
const MAX_PEOPLE = 100;
const MAX_NAMES = 30;

/** One for each description within; none where there is nothing that describes. */
export function parseNfo(bytes: Uint8Array): readonly Nfo[] {
  if (bytes.byteLength > MAX_NFO_BYTES) return [];
  const xml = parseXml(bytes);
  if (xml === null) return [];
  const ids = idsInAddresses(xml.outside);
  const described = xml.roots.flatMap(root => {
    const kind = KINDS[root.name];
    return kind === undefined ? [] : [nfoOf(root, kind, ids)];
  });
  if (described.length > 0 || Object.keys(ids).length === 0) return described;
  // An address alone says which film it is.
  return [{ kind: null, description: { ...NO_DESCRIPTION, ids }, season: null, episode: null }];
}

function nfoOf(root: XmlElement, kind: NfoKind, ids: MatchIds): Nfo {
  const premiered = dayOf(first(root, 'premiered') ?? first(root, 'releasedate') ?? first(root, 'aired'));
  const ageRating = first(root, 'mpaa') ?? first(root, 'certification');
  return {
    kind,
    season: wholeOf(first(root, 'season')),
    episode: wholeOf(first(root, 'episode')),
    description: {
      title: nameOf(first(root, 'title')),
      originalTitle: nameOf(first(root, 'originaltitle')),
      sortTitle: nameOf(first(root, 'sorttitle')),
      year: yearOf(first(root, 'year')) ?? yearOf(premiered),
      overview: first(root, 'plot')?.slice(0, MAX_TEXT) ?? first(root, 'outline')?.slice(0, MAX_TEXT) ?? null,
      tagline: first(root, 'tagline')?.slice(0, MAX_TEXT) ?? null,
      genres: namesOf(root, 'genre'),
      people: peopleOf(root),
      studios: namesOf(root, 'studio'),
      rating: ratingOf(root),
      ageRating: ageRating === null ? null : ageRatingOf(ageRating),
      collection: collectionOf(root),
      premiered,
      ids: { ...ids, ...idsOf(root) },
    },
  };
}

const all = (root: XmlElement, name: string): XmlElement[] => root.children.filter(child => child.name === name);
const first = (root: XmlElement, name: string): string | null => all(root, name).find(({ text }) => text !== '')?.text ?? null;
const nameOf = (text: string | null): string | null => text?.replaceAll(/\s+/g, ' ').slice(0, MAX_NAME) ?? null;

/** In elements of their own, or in one with bars between them. */
function namesOf(root: XmlElement, name: string): string[] {
  const names = all(root, name).flatMap(({ text }) => text.split(/\s*(?:\/|\|)\s*/));
  return [...new Set(names.map(one => one.trim().slice(0, MAX_NAME)).filter(one => one !== ''))].slice(0, MAX_NAMES);
}

function peopleOf(root: XmlElement): Person[] {
  const actors = all(root, 'actor').map((actor, at) => ({ actor, order: wholeOf(first(actor, 'order')) ?? at }));
  const people: Person[] = actors
    .sort((a, b) => a.order - b.order)
    .flatMap(({ actor }) => {
      const name = nameOf(first(actor, 'name'));
      return name === null ? [] : [{ name, job: 'actor', role: nameOf(first(actor, 'role')) }];
    });
  const crew = (element: string, job: PersonJob): void => {
    for (const name of namesOf(root, element)) people.push({ name, job, role: null });
  };
  crew('director', 'director');
  crew('credits', 'writer');
  crew('writer', 'writer');
  const known = new Set<string>();
  return people.filter(({ name, job }) => !known.has(`${job} ${name}`) && known.add(`${job} ${name}`)).slice(0, MAX_PEOPLE);
}

/** 0 to 10, of whichever voters the file takes for its own. */
function ratingOf(root: XmlElement): number | null {
  const ratings = all(root, 'ratings').flatMap(list => all(list, 'rating'));
  const chosen = ratings.find(({ attributes }) => attributes.default === 'true') ?? ratings[0];
  const value = numberOf(chosen === undefined ? first(root, 'rating') : first(chosen, 'value'));
  if (value === null) return null;
  const scaled = (value * 10) / (numberOf(chosen?.attributes.max ?? null) || 10);
  return scaled > 0 && scaled <= 10 ? Math.round(scaled * 10) / 10 : null;
}

function collectionOf(root: XmlElement): string | null {
  const [set] = all(root, 'set');
  if (set === undefined) return null;
  return nameOf(first(set, 'name') ?? (set.text === '' ? null : set.text));
}

function idsOf(root: XmlElement): MatchIds {
  const ids: Record<string, string> = {};
  const add = (kind: string, id: string | null): void => {
    if ((kind === 'tmdb' || kind === 'tvdb' || kind === 'imdb') && id !== null && /^[\w-]{1,40}$/.test(id)) ids[kind] = id;
  };
  const [id] = all(root, 'id').map(({ text }) => text);
  if (id !== undefined) add(/^tt\d+$/.test(id) ? 'imdb' : root.name === 'movie' ? 'tmdb' : 'tvdb', id);
  for (const kind of ['tmdb', 'tvdb', 'imdb']) add(kind, first(root, `${kind}id`));
  add('imdb', first(root, 'imdb_id'));
  for (const { attributes, text } of all(root, 'uniqueid')) add(attributes.type?.toLowerCase() ?? '', text);
  return ids;
}

function idsInAddresses(text: string): MatchIds {
  const imdb = /imdb\.com\/title\/(tt\d+)/i.exec(text)?.[1];
  const tmdb = /themoviedb\.org\/(?:movie|tv)\/(\d+)/i.exec(text)?.[1];
  const tvdb = /thetvdb\.com\/\S*?(?:[?&]id=|\/series\/|\/dereferrer\/series\/)(\d+)/i.exec(text)?.[1];
  return { ...(imdb && { imdb }), ...(tmdb && { tmdb }), ...(tvdb && { tvdb }) };
}

function numberOf(text: string | null): number | null {
  const value = Number(text?.replace(',', '.') ?? Number.NaN);
  return text !== null && text !== '' && Number.isFinite(value) ? value : null;
}

function wholeOf(text: string | null): number | null {
  const value = numberOf(text);
  return value !== null && Number.isInteger(value) && value >= 0 && value < 100_000 ? value : null;
}

function yearOf(text: string | null): number | null {
  const year = Number(/^(\d{4})(?:\D|$)/.exec(text ?? '')?.[1] ?? 0);
  return year >= 1800 && year <= 2200 ? year : null;
}

const dayOf = (text: string | null): string | null => /^\d{4}-\d{2}-\d{2}/.exec(text ?? '')?.[0] ?? null;
