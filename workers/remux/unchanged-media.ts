// Whether a media file is still the one its scan saw: a plan made for another file would be cut in the wrong places.
import { stat } from 'node:fs/promises';
import { FerriteError } from '#domain/errors.ts';
import { requireUnchanged, type ScannedFile } from '#domain/media.ts';

/** @throws MEDIA_CHANGED */
export async function requireUnchangedMedia({ path, ...scanned }: ScannedFile & { readonly path: string }): Promise<void> {
  const facts = await stat(path).catch(cause => {
    throw new FerriteError('MEDIA_CHANGED', 'the media file is gone', { cause });
  });
  requireUnchanged(facts, scanned);
}
