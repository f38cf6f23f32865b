// The libraries of the catalogue. Single writer: the main thread.
import type { LibraryId } from '#domain/ids.ts';
import type { Library } from '#domain/media.ts';
import type { Environment } from '#storage/environment.ts';
import type { Family } from '#storage/migrations.ts';
import type { Table } from '#storage/table.ts';

export const LIBRARIES: Family = { name: 'libraries', encoding: 'msgpack', format: 1, upgrades: [], indexes: [] };

export class LibraryRepository {
  readonly #libraries: Table<LibraryId, Library>;

  constructor(environment: Environment) {
    this.#libraries = environment.table(LIBRARIES.name);
  }

  get(id: LibraryId): Library | undefined {
    return this.#libraries.get(id);
  }

  /** Oldest first. */
  list(): Library[] {
    return [...this.#libraries.entries()].map(({ value }) => value).sort((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1));
  }

  async put(library: Library): Promise<void> {
    await this.#libraries.put(library.id, library);
  }

  async remove(id: LibraryId): Promise<void> {
    await this.#libraries.remove(id);
  }
}
