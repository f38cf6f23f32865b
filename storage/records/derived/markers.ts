// How episodes sound at their beginning and their end, and what of it they have in common with their season. Single writer: the main thread.
import type { MediaId } from '#domain/ids.ts';
import type { Marker } from '#domain/markers/marker.ts';
import type { Ends } from '#domain/markers/season-markers.ts';
import type { Environment } from '#storage/environment.ts';
import type { Family } from '#storage/migrations.ts';
import type { Table } from '#storage/table.ts';

const WINDOWS = 'sounds.windows';

export const SOUNDS: Family = { name: 'sounds', encoding: 'msgpack', format: 1, upgrades: [], indexes: [WINDOWS] };
export const MARKERS: Family = { name: 'markers', encoding: 'msgpack', format: 1, upgrades: [], indexes: [] };

/** `of`: the version of the file and of how it is listened to. */
export type SoundRecord = { readonly of: string; readonly isAudible: boolean };

/** Packed fingerprints: some 20 KB of an episode of 22 minutes, 35 KB at most. */
export type SoundWindows = Readonly<Record<Ends, { readonly startMs: number; readonly bytes: Uint8Array }>>;

/** `from`: the versions of the file itself and of those that it was compared with. */
export type MarkerRecord = { readonly version: string; readonly from: string; readonly markers: readonly Marker[] };

export class MarkerRepository {
  readonly #sounds: Table<string, SoundRecord>;
  readonly #windows: Table<string, SoundWindows>;
  readonly #markers: Table<string, MarkerRecord>;

  constructor(environment: Environment) {
    this.#sounds = environment.table(SOUNDS.name);
    this.#windows = environment.table(WINDOWS);
    this.#markers = environment.table(MARKERS.name);
  }

  sound(id: MediaId): SoundRecord | undefined {
    return this.#sounds.get(id);
  }

  windows(id: MediaId): SoundWindows | undefined {
    return this.#windows.get(id);
  }

  /** Null: it can not be heard. The windows first: whoever finds the record finds them. */
  async putSound(id: MediaId, of: string, windows: SoundWindows | null): Promise<void> {
    if (windows !== null) await this.#windows.put(id, windows);
    await this.#sounds.put(id, { of, isAudible: windows !== null });
  }

  get(id: MediaId): MarkerRecord | undefined {
    return this.#markers.get(id);
  }

  async put(id: MediaId, markers: MarkerRecord): Promise<void> {
    await this.#markers.put(id, markers);
  }

  /** Of what is in the catalogue no longer. */
  async prune(isThere: (id: MediaId) => boolean): Promise<void> {
    const goneFrom = (table: Table<string, unknown>): string[] =>
      [...table.entries()].flatMap(({ key }) => (isThere(key as MediaId) ? [] : [key]));
    for (const id of goneFrom(this.#markers)) await this.#markers.remove(id);
    for (const id of goneFrom(this.#sounds)) {
      await this.#windows.remove(id);
      await this.#sounds.remove(id);
    }
  }
}
