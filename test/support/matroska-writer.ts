// Rewrites a Matroska file in the ways other muxers write theirs, from the blocks of one that ffmpeg made.
import { readFile } from 'node:fs/promises';
import type { Crop } from '#domain/media.ts';
import { FileBudget } from '#workers/remux/file-budget.ts';
import { type Block, BlockReader } from '#workers/remux/matroska/blocks.ts';
import { elements, readElement } from '#workers/remux/matroska/ebml.ts';
import { ID, readIndex } from '#workers/remux/matroska/file-index.ts';
import { UnchangedFile } from '#workers/remux/unchanged-file.ts';

export type Layout = {
  /** Blocks per cluster. */
  readonly clusterBlocks?: number;
  readonly lacing?: 'xiph' | 'ebml' | 'fixed';
  /** Bytes left out of every frame of this track. */
  readonly stripped?: { readonly trackNumber: number; readonly header: Buffer };
  /** Degrees counter-clockwise by which the picture is turned. */
  readonly roll?: number;
  /** All that is to be shown of the picture, which has that size; and the size on a screen. */
  readonly crop?: Crop & { readonly of: { readonly width: number; readonly height: number } };
  readonly hasBlockGroups?: boolean;
  readonly hasUnknownSizes?: boolean;
  readonly hasRelativePositions?: boolean;
  /** Keyframes without a cue, by their number. */
  readonly uncued?: readonly number[];
  /** Added to every time in the cues. */
  readonly cueErrorTicks?: number;
  /** Changes the blocks before they are written. */
  readonly edit?: (blocks: readonly Block[]) => readonly Block[];
};

type Piece = { readonly trackNumber: number; readonly timestamp: number; readonly isKeyframe: boolean; readonly payload: Buffer };
type Cue = { readonly timestamp: number; readonly cluster: number; readonly relative: number };

const VIDEO = 1;
const LACED_FRAMES = 4;
const LACING_FLAGS = { xiph: 0x02, ebml: 0x06, fixed: 0x04 } as const;
const UNKNOWN_SIZE = Buffer.from([0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);

const unsigned = (value: number, byteLength: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes.subarray(8 - byteLength);
};
const size = (value: number): Buffer => Buffer.concat([Buffer.from([0x01]), unsigned(value, 7)]);
const idBytes = (id: number): Buffer => unsigned(id, id > 0xffffff ? 4 : id > 0xffff ? 3 : id > 0xff ? 2 : 1);
const element = (id: number, ...parts: readonly Buffer[]): Buffer => {
  const payload = Buffer.concat(parts);
  return Buffer.concat([idBytes(id), size(payload.byteLength), payload]);
};
const number = (id: number, value: number): Buffer => element(id, unsigned(value, 8));

export async function rewriteMatroska(path: string, layout: Layout): Promise<Buffer> {
  const bytes = await readFile(path);
  const blocks = await readBlocks(path);
  const head = readElement(bytes, 0);
  const segment = head?.end ? readElement(bytes, head.end) : null;
  if (!head?.end || !segment) throw new Error('not a Matroska file');
  const top = [...elements(bytes, segment.start, bytes.byteLength, null)];
  const copyOf = (id: number) => {
    const found = top.find(child => child.id === id);
    if (!found) throw new Error('the file lacks an element');
    return bytes.subarray(found.start, found.end);
  };
  const tracks = [...elements(copyOf(ID.tracks), 0, copyOf(ID.tracks).byteLength, null)].filter(({ id }) => id === 0xae);
  const entries = tracks.map(({ start, end }, index) =>
    element(0xae, withPicture(copyOf(ID.tracks).subarray(start, end), layout), encodings(layout, index + 1)),
  );
  const front = Buffer.concat([element(ID.info, copyOf(ID.info)), element(ID.tracks, ...entries)]);
  const seekHeadLength = seekHead(0).byteLength;
  const { clusters, cues } = writeClusters(pieces(layout.edit?.(blocks) ?? blocks, layout), seekHeadLength + front.byteLength, layout);
  const kept = cues.filter((_, index) => !layout.uncued?.includes(index));
  const cuesPosition = seekHeadLength + front.byteLength + clusters.byteLength;
  const content = Buffer.concat([seekHead(cuesPosition), front, clusters, element(ID.cues, ...kept.map(cue => cuePoint(cue, layout)))]);
  const segmentSize = layout.hasUnknownSizes ? UNKNOWN_SIZE : size(content.byteLength);
  return Buffer.concat([bytes.subarray(0, head.end), idBytes(ID.segment), segmentSize, content]);
}

async function readBlocks(path: string): Promise<Block[]> {
  const file = await UnchangedFile.open(path);
  try {
    const budget = new FileBudget(file.byteLength);
    const { firstClusterPosition, segmentEnd } = await readIndex(file, budget);
    const walk = {
      file,
      budget,
      position: firstClusterPosition,
      limit: segmentEnd,
      firstReadBytes: segmentEnd,
      readBytes: segmentEnd,
      cluster: null,
      damage: 'refuse' as const,
    };
    const reader = new BlockReader({ ...walk, interest: () => 'whole' });
    return [...((await reader.next()) ?? [])];
  } finally {
    await file.close();
  }
}

const seekHead = (cuesPosition: number): Buffer =>
  element(ID.seekHead, element(0x4dbb, element(0x53ab, idBytes(ID.cues)), number(0x53ac, cuesPosition)));

function encodings({ stripped }: Layout, trackNumber: number): Buffer {
  if (stripped?.trackNumber !== trackNumber) return Buffer.alloc(0);
  return element(0x6d80, element(0x6240, element(0x5034, number(0x4254, 3), element(0x4255, stripped.header))));
}

function withPicture(entry: Buffer, { roll, crop }: Layout): Buffer {
  const video = [...elements(entry, 0, entry.byteLength, null)].find(({ id }) => id === 0xe0);
  if ((roll === undefined && crop === undefined) || !video) return entry;
  const degrees = Buffer.alloc(4);
  degrees.writeFloatBE(roll ?? 0);
  const turn = roll === undefined ? [] : [element(0x7670, number(0x7671, 0), element(0x7675, degrees))];
  const changed = element(0xe0, entry.subarray(video.start, video.end), ...turn, ...(crop ? cropElements(crop) : []));
  const rest = [...elements(entry, 0, entry.byteLength, null)].filter(({ id }) => id !== 0xe0);
  return Buffer.concat([...rest.map(({ id, start, end }) => element(id, entry.subarray(start, end))), changed]);
}

function cropElements({ x, y, width, height, of }: NonNullable<Layout['crop']>): Buffer[] {
  const edges = [number(0x54cc, x), number(0x54bb, y), number(0x54dd, of.width - x - width), number(0x54aa, of.height - y - height)];
  return [...edges, number(0x54b0, width), number(0x54ba, height)];
}

/** Blocks as bytes; sound laced where that is wanted. */
function pieces(blocks: readonly Block[], layout: Layout): Piece[] {
  const written: Piece[] = [];
  const waiting = new Map<number, Block[]>();
  for (const block of blocks) {
    const group = block.trackNumber === VIDEO || !layout.lacing ? [block] : [...(waiting.get(block.trackNumber) ?? []), block];
    const isFull = group.length === LACED_FRAMES || block.trackNumber === VIDEO || !layout.lacing;
    waiting.set(block.trackNumber, isFull ? [] : group);
    if (isFull) written.push(pieceOf(group, layout));
  }
  for (const group of waiting.values()) if (group.length > 0) written.push(pieceOf(group, layout));
  return written;
}

function pieceOf(blocks: readonly Block[], { stripped, lacing }: Layout): Piece {
  const [first] = blocks;
  if (!first) throw new Error('a piece has a block');
  const cut = stripped?.trackNumber === first.trackNumber ? stripped.header.byteLength : 0;
  const frames = blocks.flatMap(block => Array.from(block.frames, frame => frame.subarray(cut)));
  const kind = frames.length > 1 ? lacing : undefined;
  const flags = (first.isKeyframe ? 0x80 : 0) | (kind ? LACING_FLAGS[kind] : 0);
  const laces = kind ? [Buffer.from([frames.length - 1]), ...laceSizes(frames, kind)] : [];
  return { ...first, payload: Buffer.concat([Buffer.from([flags]), ...laces, ...frames]) };
}

function laceSizes(frames: readonly Buffer[], kind: 'xiph' | 'ebml' | 'fixed'): Buffer[] {
  const sizes = frames.slice(0, -1).map(({ byteLength }) => byteLength);
  if (kind === 'fixed') return [];
  if (kind === 'xiph') return sizes.map(bytes => Buffer.from([...new Array<number>(Math.floor(bytes / 255)).fill(255), bytes % 255]));
  return sizes.map((bytes, index) => {
    const value = index === 0 ? bytes : bytes - (sizes[index - 1] ?? 0) + 0x1fff; // two bytes: a bias of 2^13 − 1
    return Buffer.from([0x40 | (value >> 8), value & 0xff]);
  });
}

function writeClusters(all: readonly Piece[], position: number, layout: Layout): { clusters: Buffer; cues: Cue[] } {
  const parts: Buffer[] = [];
  const cues: Cue[] = [];
  let at = position;
  const count = layout.clusterBlocks ?? 50;
  for (let from = 0; from < all.length; from += count) {
    const inside = all.slice(from, from + count);
    const start = Math.max(0, Math.min(...inside.map(({ timestamp }) => timestamp)));
    const payload = [number(0xe7, start)];
    for (const piece of inside) {
      const relative = payload.reduce((sum, part) => sum + part.byteLength, 0);
      if (piece.trackNumber === VIDEO && piece.isKeyframe) cues.push({ timestamp: piece.timestamp, cluster: at, relative });
      payload.push(blockElement(piece, start, layout));
    }
    const cluster = layout.hasUnknownSizes
      ? Buffer.concat([idBytes(ID.cluster), UNKNOWN_SIZE, ...payload])
      : element(ID.cluster, ...payload);
    parts.push(cluster);
    at += cluster.byteLength;
  }
  return { clusters: Buffer.concat(parts), cues };
}

function blockElement({ trackNumber, timestamp, isKeyframe, payload }: Piece, start: number, layout: Layout): Buffer {
  const header = Buffer.from([0x80 | trackNumber, 0, 0]);
  header.writeInt16BE(timestamp - start, 1);
  if (!layout.hasBlockGroups) return element(0xa3, header, payload);
  const [flags = 0] = payload;
  const block = element(0xa1, header, Buffer.from([flags & 0x0e]), payload.subarray(1));
  return element(0xa0, block, ...(isKeyframe ? [] : [element(0xfb, Buffer.from([0xff]))]));
}

function cuePoint({ timestamp, cluster, relative }: Cue, layout: Layout): Buffer {
  const relativePosition = layout.hasRelativePositions ? [number(0xf0, relative)] : [];
  const positions = element(0xb7, number(0xf7, VIDEO), number(0xf1, cluster), ...relativePosition);
  return element(0xbb, number(0xb3, timestamp + (layout.cueErrorTicks ?? 0)), positions);
}
