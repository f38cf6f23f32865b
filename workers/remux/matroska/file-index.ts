// What a Matroska file tells about itself without reading a cluster: tracks, clock and Cues (RFC 9559, 5.1).
import { FerriteError } from '#domain/errors.ts';
import type { FileBudget } from '#workers/remux/file-budget.ts';
import type { UnchangedFile } from '#workers/remux/unchanged-file.ts';
import { type Cue, CueTable } from './cues.ts';
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

export type MatroskaIndex = {
  /** Nanoseconds per tick of every timestamp in the file. */
  readonly timestampScaleNs: number;
  readonly durationTicks: number | null;
  /** The library that wrote it. */
  readonly muxingApp: string;
  readonly tracks: readonly MatroskaTrack[];
  readonly firstClusterPosition: number;
  readonly segmentEnd: number;
  /** The Cues of one track, by ascending timestamp. Empty when the file has none, null when they are in no order. */
  cuesOf(trackNumber: number): Promise<CueTable | null>;
  /** Every place that the Cues name for a track, in the order of the file: also of several at one time. */
  positionsOf(trackNumber: number): Promise<readonly Cue[]>;
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
const MAX_CUES_BYTES = 64 * 1024 * 1024; // of a two-hour film: 80 KiB
const MAX_DESCRIPTION_BYTES = 16 * 1024 * 1024;
const MAX_ELEMENTS_BEFORE_CLUSTER = 1000;
const NOT_MATROSKA = 'the file is not Matroska or WebM';

export async function readIndex(file: UnchangedFile, budget: FileBudget): Promise<MatroskaIndex> {
  const reader = new ElementReader(file, await file.read(0, HEAD_BYTES), budget);
  const segment = await readSegmentHeader(reader, file.byteLength);
  const positions = new Map<number, number>();
  const firstClusterPosition = await readUpToCluster(reader, segment, positions);
  const info = await readInfo(reader, positions.get(ID.info));
  const tracks = await reader.payload(positions.get(ID.tracks), ID.tracks);
  if (!tracks) throw unreadable('the Matroska file has no track list');
  const cues = await reader.payload(positions.get(ID.cues), ID.cues);
  return {
    ...info,
    tracks: readTracks(tracks, budget),
    firstClusterPosition,
    segmentEnd: segment.end,
    cuesOf: async trackNumber => (cues ? (await readCues(cues, trackNumber, segment, budget)).sorted() : new CueTable()),
    positionsOf: async trackNumber => (cues ? readPositions(cues, trackNumber, segment, budget) : []),
  };
}

/** Reads elements by their position in the file; those in its first bytes without reading again. */
class ElementReader {
  readonly #file: UnchangedFile;
  readonly #head: Buffer;
  readonly #budget: FileBudget;

  constructor(file: UnchangedFile, head: Buffer, budget: FileBudget) {
    this.#file = file;
    this.#head = head;
    this.#budget = budget;
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
    if (element.end - element.start > (id === ID.cues ? MAX_CUES_BYTES : MAX_DESCRIPTION_BYTES))
      throw unreadable('the Matroska index is larger than any real one');
    return this.#bytes(element.start, element.end - element.start);
  }

  /** The elements side by side in a payload. */
  elements(payload: Buffer, start = 0, end = payload.byteLength): Generator<WholeElement> {
    return elements(payload, start, end, this.#budget);
  }

  async #bytes(position: number, byteLength: number): Promise<Buffer> {
    if (position + byteLength <= this.#head.byteLength) return this.#head.subarray(position, position + byteLength);
    return this.#file.read(position, byteLength);
  }
}

type Segment = { readonly start: number; readonly end: number };

async function readSegmentHeader(reader: ElementReader, fileByteLength: number): Promise<Segment> {
  const ebml = await reader.payload(0, ID.ebml).catch(notMatroska);
  if (!ebml) throw unreadable(NOT_MATROSKA);
  const docType = fieldsOf(ebml, { start: 0, end: ebml.byteLength }, reader).get(0x4282);
  if (!docType || !['matroska', 'webm'].includes(readText(ebml, docType))) throw unreadable(NOT_MATROSKA);
  const ebmlHeader = await reader.header(0);
  let position = ebmlHeader?.end ?? fileByteLength;
  for (let count = 0; count < MAX_ELEMENTS_BEFORE_CLUSTER; count++) {
    const element = await reader.header(position);
    if (!element) break;
    if (element.id === ID.segment) {
      if (element.end !== null && element.end > fileByteLength) throw unreadable('the file is cut off: it is shorter than it says');
      return { start: element.start, end: element.end ?? fileByteLength };
    }
    if (element.end === null || element.end > fileByteLength) break;
    position = element.end;
  }
  throw unreadable('the Matroska file ends before its content');
}

/** A damaged header counts as none; an exhausted budget is thrown on. */
function notMatroska(error: unknown): null {
  if (error instanceof FerriteError && error.code === 'MEDIA_UNREADABLE') return null;
  throw error;
}

/** The first of each id. */
function fieldsOf(payload: Buffer, { start, end }: Pick<WholeElement, 'start' | 'end'>, reader: ElementReader): Map<number, WholeElement> {
  const fields = new Map<number, WholeElement>();
  for (const field of reader.elements(payload, start, end)) if (!fields.has(field.id)) fields.set(field.id, field);
  return fields;
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
  for (const seek of reader.elements(payload)) {
    if (seek.id !== 0x4dbb) continue;
    const fields = fieldsOf(payload, seek, reader);
    const id = fields.get(0x53ab);
    const offset = fields.get(0x53ac);
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
): Promise<Pick<MatroskaIndex, 'timestampScaleNs' | 'durationTicks' | 'muxingApp'>> {
  const payload = await reader.payload(position, ID.info);
  if (!payload) throw unreadable('the Matroska file has no segment information');
  let timestampScaleNs = 1_000_000; // RFC 9559, 5.1.2.9
  let durationTicks: number | null = null;
  let muxingApp = '';
  for (const field of reader.elements(payload)) {
    if (field.id === 0x2ad7b1) timestampScaleNs = readUnsigned(payload, field);
    else if (field.id === 0x4489) durationTicks = readFloat(payload, field);
    else if (field.id === 0x4d80) muxingApp = readText(payload, field);
  }
  return { timestampScaleNs, durationTicks, muxingApp };
}

/** Points between two looks at the clock. */
const STRETCH = 16;
/** A cue has positions for each track at most. */
const MAX_CUE_FIELDS = 512;

/** In the order of the file. */
async function readCues(bytes: Buffer, trackNumber: number, segment: Segment, budget: FileBudget): Promise<CueTable> {
  const cues = new CueTable();
  let points = 0;
  for (const point of cueElements(bytes, { start: 0, end: bytes.byteLength }, budget)) {
    if (++points % STRETCH === 0 && budget.isTurnOver) await budget.pause();
    if (point.id !== 0xbb) continue;
    const cue = readCuePoint(bytes, point, { trackNumber, segment, budget });
    if (!cue || cue.timestamp === cues.at(-1)?.timestamp) continue;
    budget.take('keyframes');
    cues.add(cue);
  }
  return cues;
}

async function readPositions(bytes: Buffer, trackNumber: number, segment: Segment, budget: FileBudget): Promise<Cue[]> {
  const places: Cue[] = [];
  let points = 0;
  for (const point of cueElements(bytes, { start: 0, end: bytes.byteLength }, budget)) {
    if (++points % STRETCH === 0 && budget.isTurnOver) await budget.pause();
    if (point.id !== 0xbb) continue;
    let timestamp: number | null = null;
    for (const field of cueElements(bytes, point, budget)) {
      if (field.id === 0xb3) timestamp = readUnsigned(bytes, field);
      const place = field.id === 0xb7 ? readCuePosition(bytes, field, { trackNumber, segment, budget }) : null;
      if (place === null || timestamp === null) continue;
      budget.take('keyframes');
      places.push({ timestamp, ...place });
    }
  }
  return places;
}

function* cueElements(bytes: Buffer, { start, end }: Pick<WholeElement, 'start' | 'end'>, budget: FileBudget): Generator<WholeElement> {
  for (const element of elements(bytes, start, end, null)) {
    budget.take('elements');
    yield element;
  }
}

type CueContext = { readonly trackNumber: number; readonly segment: Segment; readonly budget: FileBudget };

function readCuePoint(bytes: Buffer, point: WholeElement, context: CueContext): Cue | null {
  let timestamp: number | null = null;
  let cue: Omit<Cue, 'timestamp'> | null = null;
  let count = 0;
  for (const field of cueElements(bytes, point, context.budget)) {
    if (++count > MAX_CUE_FIELDS) throw unreadable('a Matroska cue holds too much');
    if (field.id === 0xb3) timestamp = readUnsigned(bytes, field);
    else if (field.id === 0xb7) cue ??= readCuePosition(bytes, field, context);
  }
  return timestamp !== null && cue ? { timestamp, ...cue } : null;
}

function readCuePosition(
  bytes: Buffer,
  positions: WholeElement,
  { trackNumber, segment, budget }: CueContext,
): Omit<Cue, 'timestamp'> | null {
  let track: number | null = null;
  let clusterPosition: number | null = null;
  let relativePosition: number | null = null;
  let count = 0;
  for (const field of cueElements(bytes, positions, budget)) {
    if (++count > MAX_CUE_FIELDS) throw unreadable('a Matroska cue holds too much');
    if (field.id === 0xf7) track = readUnsigned(bytes, field);
    else if (field.id === 0xf1) clusterPosition = segment.start + readUnsigned(bytes, field);
    else if (field.id === 0xf0) relativePosition = readUnsigned(bytes, field);
  }
  if (track !== trackNumber || clusterPosition === null || clusterPosition >= segment.end) return null;
  return { clusterPosition, relativePosition };
}
