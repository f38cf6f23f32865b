// An index over records that are nothing but numbers and names.
import type { Correction } from '#domain/catalogue/correction.ts';
import type { Description } from '#domain/catalogue/description.ts';
import type { EpisodeFacts } from '#domain/catalogue/name-facts.ts';
import { type LibraryId, type MediaId, parseMediaId } from '#domain/ids.ts';
import type { Media } from '#domain/media.ts';
import { CatalogueIndex, type IndexQuery } from '#library/items/catalogue-index.ts';
import type { Subject } from '#library/items/facets.ts';
import { aTitle, aVideoStream } from '../../support/titles.ts';

export const FILMS = 'films-library' as LibraryId;

export function aFilm(id: string, changes: Partial<Media> & { readonly height?: number } = {}): Media {
  const { height = 1080, ...rest } = changes;
  const name = rest.name ?? `${id}.mkv`;
  const streams = { video: [aVideoStream({ width: (height * 16) / 9, height })], audio: [], subtitles: [] };
  return aTitle({ id: parseMediaId(`${id}-file`), libraryId: FILMS, name, path: `/films/${name}`, title: id, streams, ...rest });
}

export const anEpisode = (show: string, place: Partial<EpisodeFacts>, changes: Partial<Media> & { readonly height?: number } = {}): Media =>
  aFilm(changes.id ?? `${show} ${Object.values(place).join(' ')}`.replaceAll(/\W+/g, '-').slice(0, 30), {
    title: show,
    episode: { season: null, episodes: [], absolute: [], airDate: null, title: null, ...place },
    ...changes,
  });

export function anIndex(films: readonly Media[]) {
  const corrections = new Map<Subject, Correction>();
  const descriptions = new Map<Subject, Description>();
  const index = new CatalogueIndex({ media: { all: () => films }, corrections, descriptions });
  const find = (query: Partial<IndexQuery> = {}): readonly MediaId[] =>
    index.find({ text: null, libraryIds: null, sort: 'title', after: null, limit: 50, rows: 'items', ...query }).ids;
  const titles = (query: Partial<IndexQuery> = {}) => find(query).map(id => index.itemOf(id)?.title);
  const correct = (film: Media, correction: Correction): void => {
    corrections.set(film.id, correction);
    index.put(film);
  };
  return { index, find, titles, correct, corrections, descriptions };
}

/** Each version as its files. */
export const versionsOf = (index: CatalogueIndex, { id }: Media): string[] =>
  index.itemOf(id)?.versions.map(version => version.map(file => file.id.replace(/-file$/, '')).join('+')) ?? [];
