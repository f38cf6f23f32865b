// A subtitle file beside its film, read whole: it is small, or it is none.
import { open } from 'node:fs/promises';
import { FerriteError } from '#domain/errors.ts';
import { requireUnchanged } from '#domain/media.ts';
import type { SubtitleRendition } from '#domain/rendition.ts';

const MAX_BYTES = 16 * 1024 ** 2;

/** @throws MEDIA_CHANGED, MEDIA_UNREADABLE */
export async function readSidecar(sidecar: NonNullable<SubtitleRendition['sidecar']>): Promise<Buffer> {
  const file = await open(sidecar.path, 'r').catch((cause: unknown) => {
    throw new FerriteError('MEDIA_CHANGED', 'the subtitle file is gone', { cause });
  });
  try {
    requireUnchanged(await file.stat(), sidecar);
    if (sidecar.byteLength > MAX_BYTES) throw new FerriteError('MEDIA_UNREADABLE', 'the subtitle file is too large');
    return await file.readFile();
  } finally {
    await file.close();
  }
}
