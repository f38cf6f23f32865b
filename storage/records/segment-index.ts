// Which finished segments lie on disk, and when each was last used. A file is written before its record. Single writer: the main thread.
import type { RenditionKey, SegmentName } from '#domain/rendition.ts';
import type { Environment } from '#storage/environment.ts';
import type { Family } from '#storage/migrations.ts';
import type { Table } from '#storage/table.ts';

export const SEGMENT_INDEX: Family = { name: 'segment-index', encoding: 'msgpack', format: 1, upgrades: [], indexes: [] };

export type SegmentRecord = { readonly byteLength: number; readonly lastUsedAtMs: number };
export type SegmentAddress = { readonly rendition: RenditionKey; readonly name: SegmentName };
export type SegmentUse = SegmentAddress & Pick<SegmentRecord, 'lastUsedAtMs'>;
export type IndexedSegment = SegmentAddress & SegmentRecord;

export class SegmentIndexRepository {
  readonly #environment: Environment;
  readonly #segments: Table<[rendition: RenditionKey, name: SegmentName], SegmentRecord>;

  constructor(environment: Environment) {
    this.#environment = environment;
    this.#segments = environment.table(SEGMENT_INDEX.name);
  }

  get({ rendition, name }: SegmentAddress): SegmentRecord | undefined {
    return this.#segments.get([rendition, name]);
  }

  /** In segment order, the init segment last. */
  *ofRendition(rendition: RenditionKey): Generator<IndexedSegment> {
    for (const { key, value } of this.#segments.entriesUnder([rendition])) yield { rendition, name: key[1], ...value };
  }

  *all(): Generator<IndexedSegment> {
    for (const { key, value } of this.#segments.entries()) yield { rendition: key[0], name: key[1], ...value };
  }

  async put({ rendition, name }: SegmentAddress, segment: SegmentRecord): Promise<void> {
    await this.#segments.put([rendition, name], segment);
  }

  /** Notes several uses in one write; a segment that was removed meanwhile stays removed. */
  async touch(uses: readonly SegmentUse[]): Promise<void> {
    await this.#environment.write(tx => {
      for (const { rendition, name, lastUsedAtMs } of uses) {
        const segment = this.#segments.get([rendition, name]);
        if (segment !== undefined) tx.put(this.#segments, [rendition, name], { ...segment, lastUsedAtMs });
      }
    });
  }

  async remove(addresses: readonly SegmentAddress[]): Promise<void> {
    await this.#environment.write(tx => {
      for (const { rendition, name } of addresses) tx.remove(this.#segments, [rendition, name]);
    });
  }
}
