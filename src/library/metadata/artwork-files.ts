// Pictures made of artwork beside films: each once, at the size in which it is shown, written whole or not at all.
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LocalFile } from '#domain/catalogue/description.ts';
import { FerriteError } from '#domain/errors.ts';

/** Pixels at most; the height follows. */
const WIDTHS: Readonly<Record<string, number>> = { poster: 400, fanart: 1920, banner: 1000, logo: 500, thumb: 400 };
/** Of a picture that somebody would show. */
const MAX_INPUT_BYTES = 64 * 1024 ** 2;

export type ResizeArtwork = (
  input: { readonly path: string; readonly width: number; readonly isTransparent: boolean },
  signal: AbortSignal,
) => Promise<Uint8Array>;

/** Null for what is no picture. Rejects where it may be one another time. */
export function artworkMaker(files: ArtworkFiles, resize: ResizeArtwork) {
  return async (kind: string, file: LocalFile, signal: AbortSignal): Promise<string | null> => {
    if (file.byteLength > MAX_INPUT_BYTES) return null;
    const width = WIDTHS[kind] ?? 400;
    try {
      return await files.write(file, width, await resize({ path: file.path, width, isTransparent: kind === 'logo' }, signal));
    } catch (error) {
      if (error instanceof FerriteError && (error.code === 'MEDIA_UNREADABLE' || error.code === 'INSPECTOR_LOST')) return null;
      throw error;
    }
  };
}

export class ArtworkFiles {
  readonly #folder: string;

  constructor(dataDir: string) {
    this.#folder = join(dataDir, 'artwork');
  }

  pathOf(version: string): string {
    return join(this.#folder, version);
  }

  /** Says which version it is. */
  async write(file: LocalFile, width: number, bytes: Uint8Array): Promise<string> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const version = `${hashOf(file, width)}.${isPng(bytes) ? 'png' : 'jpg'}`;
    const unfinished = join(this.#folder, `${randomUUID()}.tmp`);
    try {
      await writeFile(unfinished, bytes, { mode: 0o600 });
      await rename(unfinished, this.pathOf(version));
    } finally {
      await rm(unfinished, { force: true });
    }
    return version;
  }
}

const hashOf = ({ path, byteLength, mtimeMs }: LocalFile, width: number): string =>
  createHash('sha256')
    .update(JSON.stringify([path, byteLength, mtimeMs, width]))
    .digest('hex')
    .slice(0, 32);

const isPng = (bytes: Uint8Array): boolean => bytes[0] === 0x89 && bytes[1] === 0x50;
