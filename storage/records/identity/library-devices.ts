// On which devices a library lay when it was last read whole: a disk that is not mounted has lost no film. Single writer: the main thread.
import type { LibraryId } from '#domain/ids.ts';
import type { Environment } from '#storage/environment.ts';
import type { Family } from '#storage/migrations.ts';
import type { Table } from '#storage/table.ts';

export const LIBRARY_DEVICES: Family = { name: 'library-devices', encoding: 'msgpack', format: 1, upgrades: [], indexes: [] };

/** Device by absolute path: of each folder of the library, and of those below at which another device is mounted. */
export type Devices = Readonly<Record<string, number>>;

export class LibraryDeviceRepository {
  readonly #devices: Table<LibraryId, Devices>;

  constructor(environment: Environment) {
    this.#devices = environment.table(LIBRARY_DEVICES.name);
  }

  get(libraryId: LibraryId): Devices {
    return this.#devices.get(libraryId) ?? {};
  }

  async put(libraryId: LibraryId, devices: Devices): Promise<void> {
    await this.#devices.put(libraryId, devices);
  }

  async remove(libraryId: LibraryId): Promise<void> {
    await this.#devices.remove(libraryId);
  }
}
