// Files whose inspection did harm: not opened again before they change. Single writer: the main thread.
import type { LibraryId, PlaceId } from '#domain/ids.ts';
import type { Environment } from '#storage/environment.ts';
import type { Family } from '#storage/migrations.ts';
import type { Table } from '#storage/table.ts';

export const REFUSED_FILES: Family = { name: 'refused-files', encoding: 'msgpack', format: 1, upgrades: [], indexes: [] };

export type RefusedFile = { readonly byteLength: number; readonly mtimeMs: number; readonly reason: string };

type Key = [library: LibraryId, place: PlaceId];

export class RefusedFileRepository {
  readonly #files: Table<Key, RefusedFile>;

  constructor(environment: Environment) {
    this.#files = environment.table(REFUSED_FILES.name);
  }

  get(libraryId: LibraryId, place: PlaceId): RefusedFile | undefined {
    return this.#files.get([libraryId, place]);
  }

  /** The refused files of a library, read lazily. */
  *ofLibrary(libraryId: LibraryId): Generator<PlaceId> {
    for (const { key } of this.#files.entriesUnder([libraryId], {})) yield key[1];
  }

  async put(libraryId: LibraryId, place: PlaceId, file: RefusedFile): Promise<void> {
    await this.#files.put([libraryId, place], file);
  }

  async remove(libraryId: LibraryId, place: PlaceId): Promise<void> {
    await this.#files.remove([libraryId, place]);
  }
}
