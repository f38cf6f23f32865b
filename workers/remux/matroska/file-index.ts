// What a Matroska file tells about itself without reading a cluster: tracks, clock and Cues (RFC 9559, 5.1).

import type { UnchangedFile } from '#workers/remux/unchanged-file.ts';
import {
  type Element,
  elements,
  MAX_HEADER_BYTES,
  readElement,
  readFloat,
  readText,
  readUnsigned,
  unreadable,
  type WholeElement,
} from './ebml.ts';
import { type MatroskaTrack, readTracks } from './tracks.ts';

/** Where a keyframe lies: its cluster in the file, and its block from the first byte of the cluster's payload; null when the file does not say. */
export type Cue = { readonly timestamp: number; readonly clusterPosition: number; readonly relativePosition: number | null };

export type MatroskaIndex = {
  /** Nanoseconds per tick of every timestamp in the file. */
  readonly timestampScaleNs: number;
  readonly durationTicks: number | null;
  readonly tracks: readonly MatroskaTrack[];
  readonly firstClusterPosition: number;
  readonly segmentEnd: number;
  /** The Cues of one track, by ascending timestamp. Empty when the file has none. */
  cuesOf(trackNumber: number): readonly Cue[];
};

export const ID = {
  ebml: 0x1a45dfa3,
  segment: 0x18538067,
  seekHead: 0x114d9b74,
  info: 0x1549a966,
  tracks: 0x1654ae6b,
  cues: 0x1c53bb6b,
  cluster: 0x1f43b675,
} as const;

const HEAD_BYTES = 64 * 1024;
const MAX_INDEX_BYTES = 64 * 1024 * 1024; // Cues of a two-hour film: 80 KiB
const MAX_ELEMENTS_BEFORE_CLUSTER = 1000;
const NOT_MATROSKA = 'the file is not Matroska or WebM';

export async function readIndex(file: UnchangedFile): Promise<MatroskaIndex> {
  const reader = new ElementReader(file, await file.read(0, HEAD_BYTES));
  const segment = await readSegmentHeader(reader, file.byteLength);
  const positions = new Map<number, number>();
  const firstClusterPosition = await readUpToCluster(reader, segment, positions);
  const info = await readInfo(reader, positions.get(ID.info));
  const tracks = await reader.payload(positions.get(ID.tracks), ID.tracks);
  if (!tracks) throw unreadable('the Matroska file has no track list');
  const cues = await reader.payload(positions.get(ID.cues), ID.cues);
  return {
    ...info,
    tracks: readTracks(tracks, 0, tracks.byteLength),
    firstClusterPosition,
    segmentEnd: segment.end,
    cuesOf: trackNumber => (cues ? readCues(cues, trackNumber, segment) : []),
  };
}

/** Reads elements by their position in the file; those in its first bytes without reading again. */
class ElementReader {
  readonly #file: UnchangedFile;
  readonly #head: Buffer;
  constructor(file: UnchangedFile, head: Buffer) {
    this.#file = file;
    this.#head = head;
  }

  /** Null at the end of the file. Positions in the answer count from the start of the file. */
  async header(position: number): Promise<Element | null> {
    const element = readElement(await this.#bytes(position, MAX_HEADER_BYTES), 0);
    return element && { id: element.id, start: position + element.start, end: element.end === null ? null : position + element.end };
  }

  /** The payload of the element at `position` if it is one of `id`, lies inside the file and has a plausible size. */
  async payload(position: number | undefined, id: number): Promise<Buffer | null> {
    const element = position === undefined ? null : await this.header(position);
    if (element?.id !== id || element.end === null || element.end > this.#file.byteLength) return null;
    if (element.end - element.start > MAX_INDEX_BYTES) throw unreadable('the Matroska index is larger than any real one');
    return this.#bytes(element.start, element.end - element.start);
  }

  async #bytes(position: number, byteLength: number): Promise<Buffer> {
    if (position + byteLength <= this.#head.byteLength) return this.#head.subarray(position, position + byteLength);
    return this.#file.read(position, byteLength);
  }
}

type Segment = { readonly start: number; readonly end: number };

async function readSegmentHeader(reader: ElementReader, fileByteLength: number): Promise<Segment> {
  const ebml = await reader.payload(0, ID.ebml).catch(() => null);
  if (!ebml) throw unreadable(NOT_MATROSKA);
  const docType = [...elements(ebml, 0, ebml.byteLength)].find(({ id }) => id === 0x4282);
  if (!docType || !['matroska', 'webm'].includes(readText(ebml, docType))) throw unreadable(NOT_MATROSKA);
  const ebmlHeader = await reader.header(0);
  let position = ebmlHeader?.end ?? fileByteLength;
  for (let element = await reader.header(position); element; element = await reader.header(position)) {
    if (element.id === ID.segment) {
      if (element.end !== null && element.end > fileByteLength) throw unreadable('the file is cut off: it is shorter than it says');
      return { start: element.start, end: element.end ?? fileByteLength };
    }
    if (element.end === null || element.end > fileByteLength) break;
    position = element.end;
  }
  throw unreadable('the Matroska file ends before its content');
}

/** Notes where the elements before the first cluster lie, and those that SeekHead names. Returns where the first cluster lies. */
async function readUpToCluster(reader: ElementReader, segment: Segment, positions: Map<number, number>): Promise<number> {
  let position = segment.start;
  for (let count = 0; count < MAX_ELEMENTS_BEFORE_CLUSTER && position < segment.end; count++) {
    const element = await reader.header(position);
    if (!element) break;
    if (element.id === ID.cluster) return position;
    if (element.end === null || element.end > segment.end) break;
    if (element.id === ID.seekHead) await readSeekHead(reader, position, segment, positions);
    else positions.set(element.id, position);
    position = element.end;
  }
  throw unreadable('the Matroska file holds no media');
}

/** Some muxers leave only a short SeekHead in front, which names a second one at the end. */
async function readSeekHead(reader: ElementReader, position: number, segment: Segment, positions: Map<number, number>): Promise<void> {
  const payload = await reader.payload(position, ID.seekHead);
  if (!payload) return;
  for (const seek of elements(payload, 0, payload.byteLength)) {
    if (seek.id !== 0x4dbb) continue;
    const fields = [...elements(payload, seek.start, seek.end)];
    const id = fields.find(field => field.id === 0x53ab);
    const offset = fields.find(field => field.id === 0x53ac);
    if (!id || !offset) continue;
    const target = readUnsigned(payload, id);
    if (positions.has(target)) continue;
    positions.set(target, segment.start + readUnsigned(payload, offset));
    if (target === ID.seekHead) await readSeekHead(reader, segment.start + readUnsigned(payload, offset), segment, positions);
  }
}

async function readInfo(
  reader: ElementReader,
  position: number | undefined,
): Promise<{ timestampScaleNs: number; durationTicks: number | null }> {
  const payload = await reader.payload(position, ID.info);
  if (!payload) throw unreadable('the Matroska file has no segment information');
  let timestampScaleNs = 1_000_000; // RFC 9559, 5.1.2.9
  let durationTicks: number | null = null;
  for (const field of elements(payload, 0, payload.byteLength)) {
    if (field.id === 0x2ad7b1) timestampScaleNs = readUnsigned(payload, field);
    else if (field.id === 0x4489) durationTicks = readFloat(payload, field);
  }
  return { timestampScaleNs, durationTicks };
}

export function lastCueUpTo(cues: readonly Cue[], timestamp: number): Cue | undefined {
  let low = 0;
  let high = cues.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((cues[middle]?.timestamp ?? Number.POSITIVE_INFINITY) <= timestamp) low = middle + 1;
    else high = middle;
  }
  return cues[low - 1];
}

/** Sorted; of several cues for one time the first in the file. */
function readCues(bytes: Buffer, trackNumber: number, segment: Segment): Cue[] {
  const cues = [...cuePoints(bytes, trackNumber, segment)].sort((a, b) => a.timestamp - b.timestamp);
  return cues.filter((cue, index) => cue.timestamp !== cues[index - 1]?.timestamp);
}

function* cuePoints(bytes: Buffer, trackNumber: number, segment: Segment): Generator<Cue> {
  for (const point of elements(bytes, 0, bytes.byteLength)) {
    if (point.id !== 0xbb) continue;
    let timestamp: number | null = null;
    let cue: Omit<Cue, 'timestamp'> | null = null;
    for (const field of elements(bytes, point.start, point.end)) {
      if (field.id === 0xb3) timestamp = readUnsigned(bytes, field);
      else if (field.id === 0xb7) cue ??= readCuePosition(bytes, field, trackNumber, segment);
    }
    if (timestamp !== null && cue) yield { timestamp, ...cue };
  }
}

function readCuePosition(bytes: Buffer, positions: WholeElement, trackNumber: number, segment: Segment): Omit<Cue, 'timestamp'> | null {
  let track: number | null = null;
  let clusterPosition: number | null = null;
  let relativePosition: number | null = null;
  for (const field of elements(bytes, positions.start, positions.end)) {
    if (field.id === 0xf7) track = readUnsigned(bytes, field);
    else if (field.id === 0xf1) clusterPosition = segment.start + readUnsigned(bytes, field);
    else if (field.id === 0xf0) relativePosition = readUnsigned(bytes, field);
  }
  if (track !== trackNumber || clusterPosition === null || clusterPosition >= segment.end) return null;
  return { clusterPosition, relativePosition };
}
