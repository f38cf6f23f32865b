// What is known of films, episodes and shows from elsewhere than their names: files beside them, databases. Single writer: the main thread.
import { type Descriptions, NO_DESCRIPTIONS } from '#domain/catalogue/description.ts';
import type { MediaId, ShowId } from '#domain/ids.ts';
import type { Environment } from '#storage/environment.ts';
import type { Family } from '#storage/migrations.ts';
import type { Table } from '#storage/table.ts';

export const DESCRIPTIONS: Family = { name: 'descriptions', encoding: 'msgpack', format: 1, upgrades: [], indexes: [] };

export class DescriptionRepository {
  readonly #environment: Environment;
  readonly #descriptions: Table<MediaId | ShowId, Descriptions>;

  constructor(environment: Environment) {
    this.#environment = environment;
    this.#descriptions = environment.table(DESCRIPTIONS.name);
  }

  get(id: MediaId | ShowId): Descriptions | undefined {
    return this.#descriptions.get(id);
  }

  /** The record as it is by then, changed. */
  async update(id: MediaId | ShowId, change: (before: Descriptions) => Descriptions): Promise<void> {
    await this.#environment.write(tx => tx.put(this.#descriptions, id, change(this.#descriptions.get(id) ?? NO_DESCRIPTIONS)));
  }

  async remove(id: MediaId | ShowId): Promise<void> {
    await this.#descriptions.remove(id);
  }
}
