// What the routes of the catalogue are made of, and what several of them check.
import { FerriteError } from '#domain/errors.ts';
import { type LibraryId, parseLibraryId, parseMediaId } from '#domain/ids.ts';
import type { Media } from '#domain/media.ts';
import type { ReadableText } from '#domain/subtitles/tracks.ts';
import type { CatalogueIndex } from '#library/items/catalogue-index.ts';
import type { Described } from '#library/metadata/described.ts';
import type { CorrectionRepository } from '#storage/records/corrections.ts';
import type { DescriptionRepository } from '#storage/records/descriptions.ts';
import type { LibraryRepository } from '#storage/records/libraries.ts';
import type { MediaRepository } from '#storage/records/media.ts';
import type { ProgressRepository } from '#storage/records/progress.ts';
import type { PosterLinks } from './posters.ts';

export type CatalogueParts = {
  readonly libraries: LibraryRepository;
  readonly media: MediaRepository;
  readonly progress: ProgressRepository;
  readonly index: CatalogueIndex;
  readonly links: PosterLinks;
  readonly corrections: CorrectionRepository;
  readonly descriptions: DescriptionRepository;
  /** What all that is known comes to. */
  readonly described: Described;
  /** Which subtitles this server's ffmpeg reads. */
  readonly readable: () => ReadableText;
};

/** The media, or MEDIA_NOT_FOUND. */
export function requireMedia(media: Pick<MediaRepository, 'get'>, mediaId: string): Media {
  const found = media.get(parseMediaId(mediaId));
  if (found === undefined) throw new FerriteError('MEDIA_NOT_FOUND', 'there is no such media');
  return found;
}

export type LibraryKind = 'movies' | 'shows';

/** Null: all of them. */
export function selectLibraries(
  libraries: Pick<LibraryRepository, 'list'>,
  kind: LibraryKind | undefined,
  libraryId: string | undefined,
): ReadonlySet<LibraryId> | null {
  if (kind === undefined && libraryId === undefined) return null;
  const wanted = libraryId === undefined ? null : parseLibraryId(libraryId);
  const selected = libraries
    .list()
    .filter(library => (wanted === null || library.id === wanted) && (kind === undefined || library.kind === kind));
  return new Set(selected.map(({ id }) => id));
}
