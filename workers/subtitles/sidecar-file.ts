// A subtitle file beside its film, read whole: it is small, or it is none.
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { FerriteError } from '#domain/errors.ts';
import { requireUnchanged } from '#domain/media.ts';
import type { SubtitleRendition } from '#domain/rendition.ts';

/** Read and parsed in a session host: a second of work at most. */
const MAX_BYTES = 4 * 1024 ** 2;
// A pipe in the place of a file would hold the thread that opens it.
const READ = constants.O_RDONLY | constants.O_NONBLOCK;

/** @throws MEDIA_CHANGED, MEDIA_UNREADABLE */
export async function readSidecar(sidecar: NonNullable<SubtitleRendition['sidecar']>): Promise<Buffer> {
  const file = await open(sidecar.path, READ).catch((cause: unknown) => {
    throw new FerriteError('MEDIA_CHANGED', 'the subtitle file is gone', { cause });
  });
  try {
    const facts = await file.stat();
    if (!facts.isFile()) throw new FerriteError('MEDIA_CHANGED', 'the subtitle file is no file any more');
    requireUnchanged(facts, sidecar);
    if (sidecar.byteLength > MAX_BYTES) throw new FerriteError('MEDIA_UNREADABLE', 'the subtitle file is too large');
    return await file.readFile();
  } finally {
    await file.close();
  }
}
