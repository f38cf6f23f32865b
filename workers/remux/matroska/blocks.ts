// Walks the blocks of Matroska clusters from any position on, with few and bounded reads (RFC 9559, 5.1.3).
import { FerriteError } from '#domain/errors.ts';
import { type FileBudget, OverBudget } from '#workers/remux/file-budget.ts';
import type { UnchangedFile } from '#workers/remux/unchanged-file.ts';
import { elements, MAX_HEADER_BYTES, readElement, readUnsigned, readVint, unreadable, type WholeElement } from './ebml.ts';
import { ID } from './file-index.ts';
import { Laces } from './lacing.ts';

export type Block = {
  readonly trackNumber: number;
  /** Ticks of the file's clock, as written: before any codec delay. */
  readonly timestamp: number;
  readonly isKeyframe: boolean;
  readonly durationTicks: number | null;
  readonly clusterPosition: number;
  /** Where the element that holds it ends in the file. */
  readonly endPosition: number;
  /** Of its frames, with what says how long each of several is. */
  readonly byteLength: number;
  /** Views into the read buffer: valid until its next `next()`. */
  readonly frames: Laces;
};

/**
 * How much of a track's blocks is wanted: `start` gives at least their first bytes and reads over the rest where it can. `size` always
 * reads over it: neither the frames nor whether it is a keyframe are told.
 */
export type Interest = 'whole' | 'start' | 'size' | 'none';

export type ClusterHeader = { readonly position: number; readonly timestamp: number; readonly start: number; readonly end: number | null };

export type Walk = {
  readonly file: UnchangedFile;
  readonly budget: FileBudget;
  readonly position: number;
  /** Where the file's clusters end at the latest. */
  readonly limit: number;
  readonly interest: (trackNumber: number) => Interest;
  /** Bytes to read at first, when it is known how many will be wanted. */
  readonly firstReadBytes: number;
  readonly readBytes: number;
  /** The cluster that `position` lies in, when it is not the start of one. */
  readonly cluster: ClusterHeader | null;
  /** `pass`: what can not be read is passed over up to the next cluster, as ffmpeg does it. */
  readonly damage: 'refuse' | 'pass';
};

const TIMESTAMP = 0xe7;
const SIMPLE_BLOCK = 0xa3;
const BLOCK_GROUP = 0xa0;
const BLOCK = 0xa1;
const START_BYTES = 512; // `start`: enough for any frame header we look at
const MAX_BLOCK_BYTES = 64 * 1024 * 1024;
/** Looked at before others of the thread have their turn, and before the blocks are handed out. */
const MAX_STEPS = 1024;
/** A block, its duration and its references. */
const MAX_GROUP_FIELDS = 1000;
/** Between two cues lie a few clusters; behind so many it is better to read on. */
const MAX_CLUSTER_HOPS = 2000;
const CLUSTER_HEAD_BYTES = 128;
const CLUSTER_ID = Buffer.from('1f43b675', 'hex');
const SEARCH_BYTES = 1024 * 1024;
/** Behind so much that can not be read nothing more is looked for. */
const MAX_DAMAGE_BYTES = 64 * 1024 * 1024;

export class BlockReader {
  readonly #walk: Walk;
  #memory = new ArrayBuffer(0);
  #buffer: Buffer = Buffer.alloc(0);
  #bufferPosition = 0;
  /** Of the next element to look at. */
  #position: number;
  #cluster: { readonly position: number; readonly timestamp: number | null } | null;
  /** Bytes from #position on without which the next element can't be read. */
  #needed: number;
  /** The read buffer may hold more whole elements. */
  #hasMore = false;
  /** Nothing can be read at #position: the next cluster is looked for. */
  #isLost = false;
  #losses = 0;

  constructor(walk: Walk) {
    this.#walk = walk;
    this.#position = walk.position;
    this.#cluster = walk.cluster;
    this.#needed = Math.min(walk.firstReadBytes, MAX_BLOCK_BYTES);
  }

  get position(): number {
    return this.#position;
  }

  /** Of the cluster it has come to; null before the first. */
  get clusterTimestamp(): number | null {
    return this.#cluster?.timestamp ?? null;
  }

  /** How many damaged places were passed over. The blocks of one `next()` come all before or all behind one. */
  get losses(): number {
    return this.#losses;
  }

  /** The blocks of the next read, possibly none; null at the end of the clusters. */
  async next(): Promise<readonly Block[] | null> {
    await this.#walk.budget.pause();
    if (this.#isLost) await this.#findCluster();
    if (this.#position >= this.#walk.limit) return null;
    if (!this.#hasMore) await this.#fill();
    const blocks: Block[] = [];
    this.#hasMore = true;
    for (let steps = 0; this.#hasMore && steps < MAX_STEPS; steps++) this.#hasMore = this.#tryStep(blocks);
    return blocks;
  }

  #tryStep(blocks: Block[]): boolean {
    try {
      return this.#step(blocks);
    } catch (error) {
      if (this.#walk.damage === 'refuse' || !isDamage(error)) throw error;
      this.#isLost = true;
      return false;
    }
  }

  /** Goes on behind the damage; to the end of the clusters where no other follows within reach. */
  async #findCluster(): Promise<void> {
    const { file, limit } = this.#walk;
    const searchEnd = Math.min(limit, this.#position + MAX_DAMAGE_BYTES);
    let at = this.#position + 1;
    this.#position = limit;
    while (at < searchEnd) {
      const bytes = await file.read(at, Math.min(SEARCH_BYTES, limit - at));
      const found = clusterIn(bytes);
      if (found !== -1) {
        this.#position = at + found;
        break;
      }
      // One may begin in the last bytes of this read.
      at += Math.max(1, bytes.byteLength - CLUSTER_HEAD_BYTES);
    }
    this.#isLost = false;
    this.#losses++;
    this.#hasMore = false;
    this.#cluster = null;
    this.#needed = MAX_HEADER_BYTES;
  }

  async #fill(): Promise<void> {
    const { file, limit, readBytes } = this.#walk;
    const rest = limit - this.#position;
    const byteLength = Math.min(Math.max(this.#needed, readBytes), rest);
    if (this.#memory.byteLength < byteLength) this.#memory = Buffer.allocUnsafeSlow(byteLength).buffer;
    this.#buffer = await file.readInto(Buffer.from(this.#memory, 0, byteLength), this.#position);
    this.#bufferPosition = this.#position;
    this.#needed = MAX_HEADER_BYTES;
  }

  /** Lets the views given out so far stay valid: the next read takes new memory. */
  keepViews(): void {
    this.#memory = new ArrayBuffer(0);
  }

  /** Reads one element; false when its bytes are not here. */
  #step(blocks: Block[]): boolean {
    const at = this.#position - this.#bufferPosition;
    if (at >= this.#buffer.byteLength) return false;
    this.#walk.budget.take('elements');
    const element = readElement(this.#buffer, at);
    if (!element) return this.#bufferPosition + this.#buffer.byteLength < this.#walk.limit ? this.#need(MAX_HEADER_BYTES) : this.#finish();
    const { end } = element;
    if (element.id === ID.cluster) {
      this.#cluster = { position: this.#position, timestamp: null };
      this.#position = this.#bufferPosition + element.start;
      return true;
    }
    if (element.id === ID.ebml) return this.#finish(); // another file appended to this one
    if (end === null || this.#bufferPosition + end > this.#walk.limit) throw unreadable('the file is cut off inside a cluster');
    const isRead = this.#readChild({ id: element.id, start: element.start, end }, at, blocks);
    if (isRead) this.#position = this.#bufferPosition + end;
    return isRead;
  }

  #readChild(element: WholeElement, at: number, blocks: Block[]): boolean {
    switch (element.id) {
      case TIMESTAMP:
        if (element.end > this.#buffer.byteLength) return this.#need(element.end - at);
        if (this.#cluster) this.#cluster = { position: this.#cluster.position, timestamp: readUnsigned(this.#buffer, element) };
        return true;
      case SIMPLE_BLOCK:
        return this.#readSimpleBlock(element, at, blocks);
      case BLOCK_GROUP:
        return this.#readBlockGroup(element, at, blocks);
      default:
        return true;
    }
  }

  #readSimpleBlock(element: WholeElement, at: number, blocks: Block[]): boolean {
    const known = Math.min(element.end, element.start + START_BYTES);
    if (known > this.#buffer.byteLength) return this.#need(known - at);
    const header = readBlockHeader(this.#buffer, element);
    const interest = this.#walk.interest(header.trackNumber);
    if (interest === 'none') return true;
    const isLaced = (header.flags & 0x06) !== 0;
    if ((interest === 'whole' || (isLaced && interest !== 'size')) && element.end > this.#buffer.byteLength)
      return this.#need(element.end - at);
    const isKeyframe = (header.flags & 0x80) !== 0;
    const end = Math.min(element.end, this.#buffer.byteLength);
    blocks.push({
      ...this.#placed(header, element),
      isKeyframe,
      durationTicks: null,
      byteLength: element.end - header.end,
      frames: this.#laces(header, end),
    });
    return true;
  }

  #readBlockGroup(element: WholeElement, at: number, blocks: Block[]): boolean {
    const first = readElement(this.#buffer, element.start);
    const known = Math.min(element.end, element.start + START_BYTES);
    if (!first || known > this.#buffer.byteLength) return this.#need(known - at);
    const isBlockFirst = first.id === BLOCK && first.end !== null;
    const begun = isBlockFirst ? readBlockHeader(this.#buffer, first) : null;
    const interest = begun && this.#walk.interest(begun.trackNumber);
    if (interest === 'none') return true;
    if (begun && interest === 'size' && first.end !== null) {
      const frames = this.#laces(begun, Math.min(first.end, this.#buffer.byteLength));
      const byteLength = first.end - begun.end;
      blocks.push({ ...this.#placed(begun, element), isKeyframe: false, durationTicks: null, byteLength, frames });
      return true;
    }
    // The duration and the references follow the block: the group is wanted whole even for its start.
    if (element.end > this.#buffer.byteLength) return this.#need(element.end - at);
    const { block, duration, isKeyframe } = this.#groupOf(element);
    if (!block) return true;
    const header = readBlockHeader(this.#buffer, block);
    if (this.#walk.interest(header.trackNumber) === 'none') return true;
    const durationTicks = duration ? readUnsigned(this.#buffer, duration) : null;
    blocks.push({
      ...this.#placed(header, element),
      isKeyframe,
      durationTicks,
      byteLength: block.end - header.end,
      frames: this.#laces(header, block.end),
    });
    return true;
  }

  #groupOf(group: WholeElement) {
    let block: WholeElement | null = null;
    let duration: WholeElement | null = null;
    let isKeyframe = true;
    let count = 0;
    for (const field of elements(this.#buffer, group.start, group.end, null)) {
      this.#walk.budget.take('elements');
      if (++count > MAX_GROUP_FIELDS) throw unreadable('a Matroska block group holds too much');
      if (field.id === BLOCK) block ??= field;
      else if (field.id === 0x9b) duration ??= field;
      else if (field.id === 0xfb) isKeyframe = false;
    }
    return { block, duration, isKeyframe };
  }

  #laces(header: BlockHeader, end: number): Laces {
    const laces = new Laces(this.#buffer, header.end, end, header.flags);
    this.#walk.budget.take('frames', laces.count);
    return laces;
  }

  #placed({ trackNumber, relativeTimestamp }: BlockHeader, element: WholeElement) {
    const cluster = this.#cluster;
    if (!cluster || cluster.timestamp === null) throw unreadable('a Matroska cluster has no timestamp');
    const timestamp = cluster.timestamp + relativeTimestamp;
    return { trackNumber, timestamp, clusterPosition: cluster.position, endPosition: this.#bufferPosition + element.end };
  }

  #need(byteLength: number): false {
    if (byteLength > MAX_BLOCK_BYTES) throw unreadable('a Matroska block is larger than any real one');
    this.#needed = byteLength;
    return false;
  }

  #finish(): false {
    this.#position = this.#walk.limit;
    return false;
  }
}

/** Not what a budget refuses: that would be refused again behind the damage. */
const isDamage = (error: unknown): boolean =>
  error instanceof FerriteError && error.code === 'MEDIA_UNREADABLE' && !(error instanceof OverBudget);

/** Where a cluster begins whose first element tells its time, as each one's does; -1 where none does. */
function clusterIn(bytes: Buffer): number {
  for (let at = bytes.indexOf(CLUSTER_ID); at !== -1; at = bytes.indexOf(CLUSTER_ID, at + 1)) {
    try {
      const cluster = readElement(bytes, at);
      if (cluster === null) return -1;
      readClusterTimestamp(bytes, cluster.start);
      return at;
    } catch (error) {
      if (!isDamage(error)) throw error;
    }
  }
  return -1;
}

type BlockHeader = { readonly trackNumber: number; readonly relativeTimestamp: number; readonly flags: number; readonly end: number };

/** Track, time and flags stand at the start of the payload of SimpleBlock and Block alike. */
function readBlockHeader(bytes: Buffer, { start, end }: { readonly start: number; readonly end: number | null }): BlockHeader {
  const track = readVint(bytes, start, bytes.byteLength);
  const at = start + (track?.length ?? 0);
  if (!track || at + 3 > Math.min(end ?? 0, bytes.byteLength)) throw unreadable('a Matroska block is damaged');
  return { trackNumber: track.value, relativeTimestamp: bytes.readInt16BE(at), flags: bytes.readUInt8(at + 2), end: at + 3 };
}

/** The last cluster from `from` (the start of an element) on whose timestamp is at most `timestamp`, as far as no damage is met; reads only headers. */
export async function lastClusterUpTo(file: UnchangedFile, from: number, limit: number, timestamp: number): Promise<number> {
  let found = from;
  let position = from;
  for (let hops = 0; position < limit && hops < MAX_CLUSTER_HOPS; hops++) {
    const head = headIn(await file.read(position, CLUSTER_HEAD_BYTES));
    if (head === null || (head.timestamp !== null && head.timestamp > timestamp)) return found;
    if (head.timestamp !== null) found = position;
    position += head.end;
  }
  return found;
}

/** Of the element that `bytes` begin with: where it ends, and of a cluster its time. Null where that can not be read. */
function headIn(bytes: Buffer): { readonly end: number; readonly timestamp: number | null } | null {
  try {
    const element = readElement(bytes, 0);
    if (!element || element.end === null) return null;
    return { end: element.end, timestamp: element.id === ID.cluster ? readClusterTimestamp(bytes, element.start) : null };
  } catch (error) {
    if (isDamage(error)) return null;
    throw error;
  }
}

/** Null where there is none that can be read. */
export async function readClusterHeader(file: UnchangedFile, position: number): Promise<ClusterHeader | null> {
  const bytes = await file.read(position, CLUSTER_HEAD_BYTES);
  try {
    const element = readElement(bytes, 0);
    if (element?.id !== ID.cluster) return null;
    const end = element.end === null ? null : position + element.end;
    return { position, timestamp: readClusterTimestamp(bytes, element.start), start: position + element.start, end };
  } catch (error) {
    if (isDamage(error)) return null;
    throw error;
  }
}

/** Of the cluster whose payload starts at `start`; only small elements ever stand before it. */
function readClusterTimestamp(bytes: Buffer, start: number): number {
  let at = start;
  for (let child = readElement(bytes, at); child && child.end !== null; child = readElement(bytes, at)) {
    if (child.id === TIMESTAMP && child.end <= bytes.byteLength)
      return readUnsigned(bytes, { id: child.id, start: child.start, end: child.end });
    at = child.end;
  }
  throw unreadable('a Matroska cluster has no timestamp');
}
