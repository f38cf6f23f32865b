// One finished segment that is kept somewhere, and where.
import type { SessionId } from '#domain/ids.ts';
import type { RenditionKey, SegmentName } from '#domain/rendition.ts';
import type { Place } from './use-order.ts';

export type KeptSegment = {
  readonly key: RenditionKey;
  readonly name: SegmentName;
  readonly byteLength: number;
  /** The bytes, while it is in memory. */
  bytes: Buffer | null;
  /** The bytes, while they wait for the disk. */
  unwritten: Buffer | null;
  /** Its place among those in memory; not null exactly when `bytes` is not. */
  memoryPlace: Place<KeptSegment> | null;
  /** Its place among those on disk: its file is whole and has a record. */
  diskPlace: Place<KeptSegment> | null;
  /** Its place in the window of the session that alone has wanted it so far. */
  windowPlace: Place<KeptSegment> | null;
  owner: SessionId | null;
  uses: number;
  /** By a clock that is looked at now and then: not later than it was. */
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
  memoryPlace: null,
  diskPlace: null,
  windowPlace: null,
  owner,
  uses: 0,
  usedAtMs: Number.NEGATIVE_INFINITY,
  lastUsedAtMs: 0,
  fileUsedAtMs: Number.NEGATIVE_INFINITY,
});
