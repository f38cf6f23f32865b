// Whether a media file is still the one its scan saw: a plan made for another file would be cut in the wrong places.
import { stat } from 'node:fs/promises';
import { FerriteError } from '#domain/errors.ts';
import type { Media } from '#domain/media.ts';

/** @throws MEDIA_CHANGED */
export async function requireUnchangedMedia({ path, byteLength, mtimeMs }: Pick<Media, 'path' | 'byteLength' | 'mtimeMs'>): Promise<void> {
  const facts = await stat(path).catch(cause => {
    throw new FerriteError('MEDIA_CHANGED', 'the media file is gone', { cause });
  });
  if (facts.size !== byteLength || Math.floor(facts.mtimeMs) !== mtimeMs) {
    throw new FerriteError('MEDIA_CHANGED', 'the media file was replaced since it was scanned');
  }
}
