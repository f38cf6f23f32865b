// Poster pictures on disk: one JPEG per media version, written whole or not at all.
import { randomUUID } from 'node:crypto';
import { access, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MediaId } from '#domain/ids.ts';

export type PosterKey = { readonly id: MediaId; readonly version: string };

export class PosterFiles {
  readonly #folder: string;

  constructor(dataDir: string) {
    this.#folder = join(dataDir, 'posters');
  }

  pathOf({ id, version }: PosterKey): string {
    return join(this.#folder, `${id}-${version}.jpg`);
  }

  async has(key: PosterKey): Promise<boolean> {
    return access(this.pathOf(key)).then(
      () => true,
      () => false,
    );
  }

  async write(key: PosterKey, jpeg: Uint8Array): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const unfinished = join(this.#folder, `${randomUUID()}.tmp`);
    try {
      await writeFile(unfinished, jpeg, { mode: 0o600 });
      await rename(unfinished, this.pathOf(key));
    } finally {
      await rm(unfinished, { force: true });
    }
  }

  async remove(key: PosterKey): Promise<void> {
    await rm(this.pathOf(key), { force: true });
  }
}
