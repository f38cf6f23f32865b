// A subtitle file beside its film, read whole: it is small, or it is none. Nothing is read but the file that the scan saw, at the place where it saw it.
import { constants } from 'node:fs';
import { type FileHandle, open, readlink, realpath } from 'node:fs/promises';
import { FerriteError } from '#domain/errors.ts';
import { requireUnchanged, type Sidecar } from '#domain/media.ts';

type KnownFile = Pick<Sidecar, 'path' | 'byteLength' | 'mtimeMs'>;

/** Of text: parsed, it is a second of work at most. */
export const MAX_TEXT_BYTES = 4 * 1024 ** 2;
// A pipe in the place of a file would hold the thread that opens it; a link may lead anywhere.
const READ = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

/** @throws MEDIA_CHANGED, MEDIA_UNREADABLE */
export const readSidecar = (sidecar: KnownFile, maxBytes = MAX_TEXT_BYTES): Promise<Buffer> =>
  withFile(sidecar.path, file => readAll(file, maxBytes, sidecar));

/** @throws MEDIA_CHANGED where it is not the file that the scan saw */
export const requireSidecar = (sidecar: KnownFile): Promise<void> =>
  withFile(sidecar.path, async file => requireUnchanged(await file.stat(), sidecar));

/** A file that belongs to a sidecar, such as the pictures that an index names. @throws MEDIA_CHANGED, MEDIA_UNREADABLE */
export const readBeside = (path: string, maxBytes: number): Promise<Buffer> => withFile(path, file => readAll(file, maxBytes, null));

async function withFile<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, READ).catch((cause: unknown) => {
    throw new FerriteError('MEDIA_CHANGED', 'the subtitle file is gone', { cause });
  });
  try {
    if (!(await file.stat()).isFile()) throw new FerriteError('MEDIA_CHANGED', 'the subtitle file is no file any more');
    if ((await placeOf(file, path)) !== path) throw new FerriteError('MEDIA_CHANGED', 'the subtitle file is not where the scan saw it');
    return await use(file);
  } finally {
    await file.close();
  }
}

async function readAll(file: FileHandle, maxBytes: number, known: KnownFile | null): Promise<Buffer> {
  const facts = await file.stat();
  if (known !== null) requireUnchanged(facts, known);
  if (facts.size > maxBytes) throw new FerriteError('MEDIA_UNREADABLE', 'the subtitle file is too large');
  return file.readFile();
}

/** Where the open file lies, with every link on the way followed: of the file itself where the system tells, else of its name. */
const placeOf = (file: FileHandle, path: string): Promise<string> => readlink(`/proc/self/fd/${file.fd}`).catch(() => realpath(path));
