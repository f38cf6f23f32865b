// The packets of a subtitle track of a Matroska file: read one by one where the file's Cues say where each of them lies, so that nothing else of the film is read.
import type { Media } from '#domain/media.ts';
import { FileBudget } from '#workers/remux/file-budget.ts';
import { elements, MAX_HEADER_BYTES, readElement, readUnsigned, readVint } from '#workers/remux/matroska/ebml.ts';
import { type MatroskaIndex, readIndex } from '#workers/remux/matroska/file-index.ts';
import type { MatroskaTrack } from '#workers/remux/matroska/tracks.ts';
import { UnchangedFile } from '#workers/remux/unchanged-file.ts';
import type { Packet, Packets } from './packets.ts';

type CuedPosition = { readonly clusterPosition: number; readonly relativePosition: number | null };

/** ffmpeg and mkvmerge name every packet of subtitles in the Cues. Of others nobody knows, and a line that is missing is missed by nobody but the viewer. */
const NAMES_EVERY_PACKET = /^(?:Lavf|libebml)/;
const CLUSTER = 0x1f43b675;
const TIMESTAMP = 0xe7;
const SIMPLE_BLOCK = 0xa3;
const BLOCK_GROUP = 0xa0;
const BLOCK = 0xa1;
const BLOCK_DURATION = 0x9b;
const LACING = 0x06;
/** A line of text lies whole in it, and the head of what follows. */
const READ_BYTES = 4_096;
const MAX_PACKET_BYTES = 4 * 1024 ** 2;
const MAX_PACKETS = 60_000;
const MAX_TOTAL_BYTES = 128 * 1024 ** 2;

/** Null where the Cues do not name every packet of the track, or packets do not lie there as they are. @throws MEDIA_UNREADABLE, CANCELLED */
export async function packetsByCue(film: Pick<Media, 'path'>, streamIndex: number, signal: AbortSignal): Promise<Packets | null> {
  const file = await UnchangedFile.open(film.path);
  try {
    const budget = new FileBudget(file.byteLength, signal);
    const index = await readIndex(file, budget);
    const track = index.tracks.find(one => one.streamIndex === streamIndex);
    if (!track || track.isEncoded || track.timestampScale !== 1 || !NAMES_EVERY_PACKET.test(index.muxingApp)) return null;
    const positions = await index.positionsOf(track.number);
    if (positions.length === 0 || positions.length > MAX_PACKETS || positions.some(({ relativePosition }) => relativePosition === null))
      return null;
    const packets = await new CuedPackets({ file, budget, index, track, positions }).read();
    await file.verify();
    return packets && { codecPrivate: track.codecPrivate, packets };
  } finally {
    await file.close();
  }
}

type Cued = {
  readonly file: UnchangedFile;
  readonly budget: FileBudget;
  readonly index: MatroskaIndex;
  readonly track: MatroskaTrack;
  readonly positions: readonly CuedPosition[];
};

class CuedPackets {
  readonly #cued: Cued;
  readonly #positions: ReadonlySet<number>;
  /** Of the cluster that was read last. */
  #cluster: { readonly position: number; readonly start: number; readonly timestamp: number } | null = null;

  constructor(cued: Cued) {
    this.#cued = cued;
    this.#positions = new Set(cued.positions.map(({ clusterPosition, relativePosition }) => clusterPosition + (relativePosition ?? 0)));
  }

  async read(): Promise<Packet[] | null> {
    const packets: Packet[] = [];
    let byteLength = 0;
    for (const { clusterPosition, relativePosition } of this.#cued.positions) {
      await this.#cued.budget.pause();
      const cluster = await this.#clusterAt(clusterPosition);
      const packet = cluster && (await this.#packetAt(cluster, cluster.start + (relativePosition ?? 0)));
      if (!packet) return null;
      byteLength += packet.bytes.byteLength;
      if (byteLength > MAX_TOTAL_BYTES) return null;
      packets.push(packet);
    }
    return packets.toSorted((a, b) => a.startMs - b.startMs);
  }

  async #clusterAt(position: number) {
    if (this.#cluster?.position === position) return this.#cluster;
    const bytes = await this.#cued.file.read(position, 64);
    const head = readElement(bytes, 0);
    if (head?.id !== CLUSTER) return null;
    for (let at = head.start; ; ) {
      const field = readElement(bytes, at);
      if (!field || field.end === null || field.end > bytes.byteLength) return null;
      if (field.id === TIMESTAMP) {
        const timestamp = readUnsigned(bytes, { id: field.id, start: field.start, end: field.end });
        this.#cluster = { position, start: position + head.start, timestamp };
        return this.#cluster;
      }
      at = field.end;
    }
  }

  async #packetAt(cluster: { position: number; start: number; timestamp: number }, position: number): Promise<Packet | null> {
    const { file, track, index } = this.#cued;
    let bytes = await file.read(position, READ_BYTES);
    const element = readElement(bytes, 0);
    if (!element || element.end === null || element.end > MAX_PACKET_BYTES) return null;
    if (element.end + MAX_HEADER_BYTES * 2 > bytes.byteLength) bytes = await file.read(position, element.end + 64);
    if (element.end > bytes.byteLength) return null;
    const block = blockOf(bytes, { ...element, end: element.end });
    if (block?.trackNumber !== track.number) return null;
    if (!this.#isNextKnown(bytes, element.end, position - cluster.start + cluster.position)) return null;
    const ms = (ticks: number): number => (ticks * index.timestampScaleNs) / 1e6;
    const startMs = ms(cluster.timestamp + block.timestamp);
    const payload = Buffer.concat([track.strippedHeader, block.payload]);
    return { startMs, endMs: block.durationTicks === null ? null : startMs + ms(block.durationTicks), bytes: payload };
  }

  /** A packet of the track right behind that no cue names: then others may be missing too. `named` is the position of this one, as cues have it. */
  #isNextKnown(bytes: Buffer, at: number, named: number): boolean {
    const next = readElement(bytes, at);
    if (!next || (next.id !== SIMPLE_BLOCK && next.id !== BLOCK_GROUP)) return true;
    const start = next.id === SIMPLE_BLOCK ? next.start : readElement(bytes, next.start)?.start;
    const number = start === undefined ? null : readVint(bytes, start, bytes.byteLength);
    return number?.value !== this.#cued.track.number || this.#positions.has(named + at);
  }
}

type Block = {
  readonly trackNumber: number;
  /** Ticks from the cluster's. */
  readonly timestamp: number;
  readonly durationTicks: number | null;
  readonly payload: Buffer;
};

/** Null for what holds several frames in one block, which subtitles never do. */
function blockOf(bytes: Buffer, element: { id: number; start: number; end: number }): Block | null {
  if (element.id === SIMPLE_BLOCK) return readBlock(bytes, element.start, element.end, null);
  if (element.id !== BLOCK_GROUP) return null;
  const fields = [...elements(bytes, element.start, element.end, null)];
  const block = fields.find(({ id }) => id === BLOCK);
  const duration = fields.find(({ id }) => id === BLOCK_DURATION);
  return block ? readBlock(bytes, block.start, block.end, duration ? readUnsigned(bytes, duration) : null) : null;
}

function readBlock(bytes: Buffer, start: number, end: number, durationTicks: number | null): Block | null {
  const number = readVint(bytes, start, end);
  if (!number || start + number.length + 3 > end) return null;
  const at = start + number.length;
  if (((bytes[at + 2] ?? 0) & LACING) !== 0) return null;
  return { trackNumber: number.value, timestamp: bytes.readInt16BE(at), durationTicks, payload: bytes.subarray(at + 3, end) };
}

/** Every packet of the only track of a small file that lies in memory. */
export function packetsOf(mks: Buffer): Packets {
  const packets: Packet[] = [];
  let codecPrivate = Buffer.alloc(0);
  let scaleNs = 1_000_000;
  const walk = (start: number, end: number, cluster: { timestamp: number }): void => {
    for (let at = start; at < end; ) {
      const element = readElement(mks, at);
      if (!element) return;
      const whole = { ...element, end: Math.min(element.end ?? end, end) };
      if (element.id === TIMESTAMP) cluster.timestamp = readUnsigned(mks, whole);
      else if (element.id === 0x2ad7b1) scaleNs = readUnsigned(mks, whole);
      else if (element.id === 0x63a2) codecPrivate = Buffer.from(mks.subarray(whole.start, whole.end));
      else if (element.id === SIMPLE_BLOCK || element.id === BLOCK_GROUP) {
        const block = blockOf(mks, whole);
        if (block) packets.push({ ...timesOf(block, cluster.timestamp, scaleNs), bytes: Buffer.from(block.payload) });
      } else if (CONTAINERS.has(element.id)) walk(whole.start, whole.end, element.id === CLUSTER ? { timestamp: 0 } : cluster);
      at = whole.end;
    }
  };
  walk(0, mks.byteLength, { timestamp: 0 });
  return { codecPrivate, packets };
}

/** Segment, cluster, info, tracks and the entry of a track. */
const CONTAINERS = new Set([0x18538067, CLUSTER, 0x1549a966, 0x1654ae6b, 0xae]);

function timesOf({ timestamp, durationTicks }: Block, clusterTimestamp: number, scaleNs: number): Pick<Packet, 'startMs' | 'endMs'> {
  const startMs = ((clusterTimestamp + timestamp) * scaleNs) / 1e6;
  return { startMs, endMs: durationTicks === null ? null : startMs + (durationTicks * scaleNs) / 1e6 };
}
