// What people have corrected of films, episodes and shows. A record stays when its file goes: it counts again when the file is back. Single writer: the main thread.
import type { Correction } from '#domain/catalogue/correction.ts';
import type { MediaId, ShowId } from '#domain/ids.ts';
import type { Environment } from '#storage/environment.ts';
import type { Family } from '#storage/migrations.ts';
import type { Table } from '#storage/table.ts';

export const CORRECTIONS: Family = { name: 'corrections', encoding: 'msgpack', format: 1, upgrades: [], indexes: [] };

export class CorrectionRepository {
  readonly #environment: Environment;
  readonly #corrections: Table<MediaId | ShowId, Correction>;

  constructor(environment: Environment) {
    this.#environment = environment;
    this.#corrections = environment.table(CORRECTIONS.name);
  }

  get(id: MediaId | ShowId): Correction | undefined {
    return this.#corrections.get(id);
  }

  /** All of them or none; one that says nothing is taken out. */
  async putAll(corrections: ReadonlyMap<MediaId | ShowId, Correction>): Promise<void> {
    await this.#environment.write(tx => {
      for (const [id, correction] of corrections) {
        if (Object.keys(correction).length === 0) tx.remove(this.#corrections, id);
        else tx.put(this.#corrections, id, correction);
      }
    });
  }
}
