// Where the keyframes of each media lie. Single writer: the main thread; read by every thread.
import type { MediaId } from '#domain/ids.ts';
import { keyframeFactsOf, requirePlannable } from '#domain/keyframes.ts';
import type { KeyframeFacts, KeyframeMap, Media } from '#domain/media.ts';
import type { Environment } from '#storage/environment.ts';
import type { Family } from '#storage/migrations.ts';
import type { Table } from '#storage/table.ts';
import { packedVersion, packKeyframeMap, unpackKeyframeMap } from './keyframe-packing.ts';

export const KEYFRAME_MAPS: Family = { name: 'keyframe-maps', encoding: 'binary', format: 1, upgrades: [], indexes: [] };

export class KeyframeMapRepository {
  readonly #maps: Table<MediaId, Buffer>;

  constructor(environment: Environment) {
    this.#maps = environment.table(KEYFRAME_MAPS.name, KEYFRAME_MAPS.encoding);
  }

  /** Undefined also for a map of another version of the file, which has to be made again. */
  get({ id, version }: Pick<Media, 'id' | 'version'>): KeyframeMap | undefined {
    const bytes = this.#maps.get(id);
    const map = bytes === undefined ? undefined : unpackKeyframeMap(bytes);
    return map?.version === version ? map : undefined;
  }

  /** Whether `get` would find the map, without unpacking it. */
  has({ id, version }: Pick<Media, 'id' | 'version'>): boolean {
    const bytes = this.#maps.get(id);
    return bytes !== undefined && packedVersion(bytes) === version;
  }

  /** @throws MEDIA_UNREADABLE for a map that is larger or longer than any film's */
  async put(id: MediaId, map: KeyframeMap): Promise<void> {
    requirePlannable(map);
    await this.#maps.put(id, packKeyframeMap(map));
  }

  async remove(id: MediaId): Promise<void> {
    await this.#maps.remove(id);
  }
}

/** Null for a map of another version of the file, or one that can't be read. */
export function factsOfPackedMap(bytes: Uint8Array, version: string): KeyframeFacts | null {
  const map = unpackKeyframeMap(bytes);
  return map?.version === version ? keyframeFactsOf(map) : null;
}
