// Media whose files are gone: should one come back, it is who it was, and what viewers have watched of it is theirs again. Single writer: the main thread.
import type { LibraryId, MediaId, PlaceId } from '#domain/ids.ts';
import type { Environment, Transaction } from '#storage/environment.ts';
import type { Family } from '#storage/migrations.ts';
import type { Table } from '#storage/table.ts';

const PLACES = 'gone-media.places';
const FINGERPRINTS = 'gone-media.fingerprints';
const BY_TIME = 'gone-media.by-time';

export const GONE_MEDIA: Family = {
  name: 'gone-media',
  encoding: 'msgpack',
  format: 1,
  upgrades: [],
  indexes: [PLACES, FINGERPRINTS, BY_TIME],
};

/** A large library, removed and added again, comes back whole; about 30 MB. */
const MAX_GONE = 100_000;
const MAX_AGE_MS = 2 * 365 * 24 * 3600 * 1000;
/** Copies of one file are looked through no further. */
const MAX_ALIKE = 100;
/** Of the oldest, with each that is added. */
const MAX_TRIMMED = 10;

export type GoneMedia = {
  readonly id: MediaId;
  readonly libraryId: LibraryId;
  readonly place: PlaceId;
  readonly fingerprint: string;
  readonly addedAtMs: number;
  readonly goneAtMs: number;
};

export class GoneMediaRepository {
  readonly #environment: Environment;
  readonly #gone: Table<MediaId, GoneMedia>;
  readonly #places: Table<[place: PlaceId, id: MediaId], null>;
  readonly #fingerprints: Table<[fingerprint: string, id: MediaId], null>;
  readonly #byTime: Table<[goneAtMs: number, id: MediaId], null>;
  readonly #max: number;

  constructor(environment: Environment, max = MAX_GONE) {
    this.#environment = environment;
    this.#gone = environment.table(GONE_MEDIA.name);
    this.#places = environment.table(PLACES);
    this.#fingerprints = environment.table(FINGERPRINTS);
    this.#byTime = environment.table(BY_TIME);
    this.#max = max;
  }

  count(): number {
    return this.#gone.count();
  }

  get(id: MediaId): GoneMedia | undefined {
    return this.#gone.get(id);
  }

  /** The one that went away last comes first. */
  at(place: PlaceId): readonly GoneMedia[] {
    return this.#all([...this.#places.entriesUnder([place])].map(({ key }) => key[1]));
  }

  /** The one that went away last comes first. */
  withFingerprint(fingerprint: string): readonly GoneMedia[] {
    if (fingerprint === '') return [];
    return this.#all([...this.#fingerprints.entriesUnder([fingerprint], { limit: MAX_ALIKE })].map(({ key }) => key[1]));
  }

  async put(gone: GoneMedia): Promise<void> {
    await this.#environment.write(tx => {
      this.#take(tx, gone.id);
      tx.put(this.#gone, gone.id, gone);
      tx.put(this.#places, [gone.place, gone.id], null);
      tx.put(this.#fingerprints, [gone.fingerprint, gone.id], null);
      tx.put(this.#byTime, [gone.goneAtMs, gone.id], null);
      this.#trim(tx, gone.goneAtMs);
    });
  }

  async remove(id: MediaId): Promise<void> {
    if (this.#gone.get(id) === undefined) return;
    await this.#environment.write(tx => this.#take(tx, id));
  }

  #all(ids: readonly MediaId[]): GoneMedia[] {
    return ids.flatMap(id => this.#gone.get(id) ?? []).sort((a, b) => b.goneAtMs - a.goneAtMs);
  }

  #take(tx: Transaction, id: MediaId): void {
    const gone = this.#gone.get(id);
    if (gone === undefined) return;
    tx.remove(this.#gone, id);
    tx.remove(this.#places, [gone.place, id]);
    tx.remove(this.#fingerprints, [gone.fingerprint, id]);
    tx.remove(this.#byTime, [gone.goneAtMs, id]);
  }

  #trim(tx: Transaction, nowMs: number): void {
    let tooMany = this.#gone.count() - this.#max;
    for (const { key } of [...this.#byTime.entries({ limit: MAX_TRIMMED })]) {
      if (tooMany <= 0 && key[0] > nowMs - MAX_AGE_MS) return;
      this.#take(tx, key[1]);
      tooMany--;
    }
  }
}
