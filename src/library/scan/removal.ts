// Takes a media out of the catalogue, with all that was made of it; who it was is kept, should its file come back.
import { type Media, placeOf } from '#domain/media.ts';
import type { ScannerOptions } from './scanner-options.ts';

/** The record goes before its parts: nobody finds a media whose parts are missing. */
export async function removeMedia(options: ScannerOptions, gone: Media): Promise<void> {
  const { media, keyframes, index, goneMedia } = options;
  const { id, libraryId, fingerprint, addedAtMs } = gone;
  index.remove(id);
  await goneMedia.put({ id, libraryId, place: placeOf(gone), fingerprint, addedAtMs, goneAtMs: Date.now() });
  await media.remove(id);
  await keyframes.remove(id);
  await removePictures(options, gone);
}

export async function removePictures({ posters, previews }: ScannerOptions, of: Media): Promise<void> {
  await posters.remove(of);
  await previews.remove(of);
}
