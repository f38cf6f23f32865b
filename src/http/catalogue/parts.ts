// What the routes of the catalogue are made of, and what several of them check.
import { ageLimitOf, mayEnter, mayWatch, type Viewer } from '#domain/access/limits.ts';
import { FerriteError } from '#domain/errors.ts';
import { type LibraryId, type MediaId, parseLibraryId, parseMediaId, type UserId } from '#domain/ids.ts';
import type { Caller, Media, Progress } from '#domain/media.ts';
import type { ReadableText } from '#domain/subtitles/tracks.ts';
import type { CatalogueIndex } from '#library/items/catalogue-index.ts';
import type { LibrarySearch } from '#library/search/library-search.ts';
import type { CorrectionRepository } from '#storage/records/corrections.ts';
import type { DescriptionRepository } from '#storage/records/descriptions.ts';
import type { LibraryRepository } from '#storage/records/libraries.ts';
import type { MediaRepository } from '#storage/records/media.ts';
import type { PosterLinks } from './posters.ts';

export type CatalogueParts = {
  readonly libraries: LibraryRepository;
  readonly media: MediaRepository;
  readonly progress: { get(userId: UserId, mediaId: MediaId): Progress | undefined };
  readonly index: CatalogueIndex;
  readonly links: PosterLinks;
  readonly corrections: CorrectionRepository;
  readonly descriptions: DescriptionRepository;
  /** Which subtitles this server's ffmpeg reads. */
  readonly readable: () => ReadableText;
  /** A caller with the limits of what they may watch. */
  readonly viewerOf: (caller: Pick<Caller, 'userId'>) => Viewer;
};

export type SearchParts = CatalogueParts & { readonly search: LibrarySearch };
export type Watching = Pick<CatalogueParts, 'media' | 'index' | 'viewerOf'>;

/** The media, or MEDIA_NOT_FOUND: also where the caller may not watch it. */
export function requireMedia(parts: Watching, caller: Caller, mediaId: string): Media {
  const found = requireFile(parts.media, mediaId);
  if (!mayWatch(parts.viewerOf(caller), parts.index.ratedOf(found))) throw notThere();
  return found;
}

/** What of the titles that are there a list for the caller may have: handed on to the index. */
export function watchableBy({ libraries, viewerOf }: Pick<CatalogueParts, 'libraries' | 'viewerOf'>, caller: Caller, wanted: Wanted = {}) {
  const viewer = viewerOf(caller);
  return { libraryIds: selectLibraries(libraries, viewer, wanted), ages: ageLimitOf(viewer) };
}

export const mayWatchMedia = ({ index, viewerOf }: Watching, caller: Pick<Caller, 'userId'>): ((media: Media) => boolean) => {
  const viewer = viewerOf(caller);
  return media => mayWatch(viewer, index.ratedOf(media));
};

/** For administrators, who see everything: the media, or MEDIA_NOT_FOUND. */
export function requireFile(media: Pick<MediaRepository, 'get'>, mediaId: string): Media {
  const found = media.get(parseMediaId(mediaId));
  if (found === undefined) throw notThere();
  return found;
}

const notThere = (): FerriteError => new FerriteError('MEDIA_NOT_FOUND', 'there is no such media');

export type LibraryKind = 'movies' | 'shows';

type Wanted = { readonly kind?: LibraryKind | undefined; readonly libraryId?: string | undefined };

/** Null: all of them. */
function selectLibraries(
  libraries: Pick<LibraryRepository, 'list'>,
  viewer: Viewer,
  { kind, libraryId }: Wanted,
): ReadonlySet<LibraryId> | null {
  const seesAll = viewer.role === 'admin' || viewer.limits.libraryIds === null;
  if (kind === undefined && libraryId === undefined && seesAll) return null;
  const wanted = libraryId === undefined ? null : parseLibraryId(libraryId);
  const selected = libraries
    .list()
    .filter(
      ({ id, ...library }) => (wanted === null || id === wanted) && (kind === undefined || library.kind === kind) && mayEnter(viewer, id),
    );
  return new Set(selected.map(({ id }) => id));
}
