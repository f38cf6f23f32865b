// Segment bytes that can be checked without having kept them: their length and content follow from their address.
import { createHash } from 'node:crypto';
import type { RenditionKey, SegmentName } from '#domain/rendition.ts';

export function patternOf(key: RenditionKey, name: SegmentName): Buffer {
  const seed = createHash('sha256').update(`${key}/${name}`).digest();
  return Buffer.alloc(1_000 + seed.readUInt16LE(0), seed);
}
