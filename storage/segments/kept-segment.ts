// One finished segment of the cache, and the tiers that hold it.
import type { SessionId } from '#domain/ids.ts';
import type { RenditionKey, SegmentName } from '#domain/rendition.ts';
import type { UseEntry } from './use-order.ts';

export type KeptSegment = {
  readonly key: RenditionKey;
  readonly name: SegmentName;
  readonly byteLength: number;
  /** The segment's bytes, while it is in memory. */
  bytes: Buffer | null;
  /** The bytes, while they wait for the disk. */
  unwritten: Buffer | null;
  /** Its entry in the order of use of the memory tier; null exactly when `bytes` is null. */
  memoryEntry: UseEntry<KeptSegment> | null;
  /** Its entry in the order of use of the disk tier; while there is one, the file is whole and has a record. */
  diskEntry: UseEntry<KeptSegment> | null;
  /** Its entry in the cache share of the only session that has used it so far. */
  shareEntry: UseEntry<KeptSegment> | null;
  owner: SessionId | null;
  uses: number;
  /** By a clock that is read now and then, so that it may be a little behind. */
  usedAtMs: number;
  lastUsedAtMs: number;
  /** When its file was last asked for. */
  fileUsedAtMs: number;
};

export const aKeptSegment = (key: RenditionKey, name: SegmentName, byteLength: number, owner: SessionId | null): KeptSegment => ({
  key,
  name,
  byteLength,
  bytes: null,
  unwritten: null,
  memoryEntry: null,
  diskEntry: null,
  shareEntry: null,
  owner,
  uses: 0,
  usedAtMs: Number.NEGATIVE_INFINITY,
  lastUsedAtMs: 0,
  fileUsedAtMs: Number.NEGATIVE_INFINITY,
});
