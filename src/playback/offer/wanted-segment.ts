// What a path below a session asks for: a segment of one of its tracks, or one of the two chunks of the segment it offers split.
import { parseSegmentPath, parseTransportPath } from '#domain/addresses.ts';
import type { ChunkNumber, SegmentName } from '#domain/rendition.ts';
import type { SessionLayout, TrackLayout } from './layout.ts';

export type WantedWhole = { readonly track: TrackLayout; readonly name: SegmentName; readonly chunk: null };
export type WantedChunk = { readonly track: TrackLayout; readonly name: number; readonly chunk: ChunkNumber };
export type WantedSegment = WantedWhole | WantedChunk;

export const isChunk = (wanted: WantedSegment): wanted is WantedChunk => wanted.chunk !== null;

/** Null for what the session does not offer. */
export function wantedSegmentAt({ tracks, splitIndex, isTransport }: SessionLayout, path: string): WantedSegment | null {
  const address = isTransport ? parseTransportPath(path) : parseSegmentPath(path);
  const track = address === null ? undefined : tracks.get(address.directory);
  if (address === null || track === undefined) return null;
  const { name, chunk } = address;
  if (chunk === null) return name === 'init' || name < track.segmentCount ? { track, name, chunk } : null;
  const isOffered = splitIndex !== null && name === splitIndex && track.rendition.kind === 'video-encode';
  return isOffered ? { track, name: splitIndex, chunk } : null;
}
