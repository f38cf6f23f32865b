// Matroska files that are built to cost whoever reads them far more than they cost to store.
import { ID } from '#workers/remux/matroska/file-index.ts';

const unsigned = (value: number, byteLength = 8): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes.subarray(8 - byteLength);
};
const idOf = (id: number): Buffer => unsigned(id, id > 0xff_ffff ? 4 : id > 0xffff ? 3 : id > 0xff ? 2 : 1);
const sizeOf = (size: number): Buffer =>
  size < 127 ? Buffer.from([0x80 | size]) : Buffer.concat([Buffer.from([0x01]), unsigned(size, 7)]);
const element = (id: number, ...parts: readonly Buffer[]): Buffer => {
  const payload = Buffer.concat(parts);
  return Buffer.concat([idOf(id), sizeOf(payload.byteLength), payload]);
};
const number = (id: number, value: number, byteLength = 4): Buffer => element(id, unsigned(value, byteLength));
const repeated = (count: number, part: Buffer): Buffer => Buffer.alloc(Math.floor(count) * part.byteLength, part);
/** `count` times `part`, each with its own `value` at `offset`. */
function numbered(
  count: number,
  part: Buffer,
  { offset, byteLength, value }: { offset: number; byteLength: number; value: (index: number) => number },
): Buffer {
  const bytes = repeated(count, part);
  for (let index = 0; index < count; index++) bytes.writeUIntBE(value(index), index * part.byteLength + offset, byteLength);
  return bytes;
}
const empty = (count: number): Buffer => Buffer.alloc(count);

const EBML = element(ID.ebml, element(0x4282, Buffer.from('matroska')));
const INFO = element(ID.info, number(0x2ad7b1, 1_000_000));
const UNKNOWN_SIZE = Buffer.from([0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
const VOID = element(0xec);
const [VIDEO, SOUND] = [1, 2];
const AVC = Buffer.from([1, 0x64, 0, 0x1f, 0xff, 0xe1, 0, 0]);

const trackEntry = (trackNumber: number, type: number, codec: string, ...more: readonly Buffer[]): Buffer =>
  element(0xae, number(0xd7, trackNumber, 1), number(0x83, type, 1), element(0x86, Buffer.from(codec)), ...more);
const videoEntry = (...more: readonly Buffer[]): Buffer =>
  trackEntry(VIDEO, 1, 'V_MPEG4/ISO/AVC', element(0x63a2, AVC), element(0xe0, number(0xb0, 320), number(0xba, 180)), ...more);
const soundEntry = (...more: readonly Buffer[]): Buffer => trackEntry(SOUND, 2, 'A_AC3', ...more);

const block = (track: number, timestamp: number, flags: number, ...payload: readonly Buffer[]): Buffer => {
  const head = Buffer.from([0x80 | track, 0, 0, flags]);
  head.writeInt16BE(timestamp, 1);
  return element(0xa3, head, ...payload);
};
const KEYFRAME = 0x80;
const cluster = (timestamp: number, ...parts: readonly Buffer[]): Buffer => element(ID.cluster, number(0xe7, timestamp), ...parts);
const FIRST_PICTURE = block(VIDEO, 0, KEYFRAME, empty(20));
const cuePoint = (timestamp: number, clusterPosition: number): Buffer =>
  element(0xbb, number(0xb3, timestamp), element(0xb7, number(0xf7, VIDEO, 1), number(0xf1, clusterPosition)));

type Parts = {
  readonly entries?: readonly Buffer[];
  /** In front of the first cluster. */
  readonly before?: readonly Buffer[];
  readonly clusters: readonly Buffer[];
  /** From where the first cluster lies in the segment. */
  readonly cues?: (clusterPosition: number) => readonly Buffer[];
};

/** Cues lie in front of the clusters: their length must not depend on what they say. */
function film({ entries = [videoEntry(), soundEntry()], before = [], clusters, cues = at => [cuePoint(0, at)] }: Parts): Buffer {
  const front = Buffer.concat([INFO, element(ID.tracks, ...entries), ...before]);
  const length = element(ID.cues, ...cues(0)).byteLength;
  return Buffer.concat([EBML, element(ID.segment, front, element(ID.cues, ...cues(front.byteLength + length)), ...clusters)]);
}

const oneCluster = (...blocks: readonly Buffer[]): Buffer => film({ clusters: [cluster(0, FIRST_PICTURE, ...blocks)] });

/** Each of 256 frames without a byte, in blocks of a few hundred. */
const lacedBlock = (flags: number, count: number, laces: Buffer): Buffer => block(SOUND, 0, flags, Buffer.from([count]), laces);
export const xiphLaces = (blocks = 1000): Buffer => oneCluster(repeated(blocks, lacedBlock(0x02, 255, empty(255))));
export const fixedLaces = (blocks = 20_000): Buffer => oneCluster(repeated(blocks, lacedBlock(0x04, 255, empty(0))));
export const ebmlLaces = (blocks = 1000): Buffer =>
  oneCluster(repeated(blocks, lacedBlock(0x06, 255, Buffer.concat([Buffer.from([0x80]), Buffer.alloc(254, 0xbf)]))));
export const negativeLaces = (): Buffer => oneCluster(lacedBlock(0x06, 3, Buffer.from([0x84, 0x80, 0x80, 1, 2, 3, 4])));
export const endlessXiphLace = (): Buffer => oneCluster(lacedBlock(0x02, 255, Buffer.alloc(8_000_000, 255)));
export const lacedPictures = (blocks = 20_000): Buffer =>
  oneCluster(repeated(blocks, block(VIDEO, 1, 0x04 | KEYFRAME, Buffer.from([255]))));

export const tinyBlocks = (byteLength = 16_000_000): Buffer => oneCluster(repeated(byteLength / 6, block(SOUND, 0, 0)));
export const tinyPictures = (byteLength = 16_000_000): Buffer => oneCluster(repeated(byteLength / 6, block(VIDEO, 1, KEYFRAME)));
export const tinyBlocksOfNobody = (byteLength = 16_000_000): Buffer => oneCluster(repeated(byteLength / 6, block(9, 0, 0)));
export const voidElements = (byteLength = 16_000_000): Buffer => oneCluster(repeated(byteLength / 2, VOID));
export const voidsBeforeClusters = (): Buffer => film({ before: [repeated(2_000_000, VOID)], clusters: [cluster(0, FIRST_PICTURE)] });
export const tinyClusters = (count = 500_000): Buffer => film({ clusters: [cluster(0, FIRST_PICTURE), repeated(count, cluster(0))] });
export const clustersOfUnknownSize = (count = 500_000): Buffer => {
  const open = Buffer.concat([idOf(ID.cluster), UNKNOWN_SIZE, number(0xe7, 0)]);
  return film({ clusters: [cluster(0, FIRST_PICTURE), repeated(count, open)] });
};
/** A block whose group holds nothing but small elements. */
export const manyElementsInGroup = (count = 4_000_000): Buffer =>
  oneCluster(element(0xa0, element(0xa1, Buffer.from([0x80 | SOUND, 0, 0, 0, 1])), repeated(count, VOID)));
export const manyBlockGroups = (count = 500_000): Buffer =>
  oneCluster(repeated(count, element(0xa0, element(0xa1, Buffer.from([0x80 | SOUND, 0, 0, 0, 1])))));

/** Cues that lead to one cluster, with times of their own. */
const cuesAt = (count: number, clusterPosition: number, value: (index: number) => number): Buffer =>
  numbered(count, cuePoint(0, clusterPosition), { offset: 4, byteLength: 4, value });

/** Keyframes of which each has a cue. */
export const manyKeyframesInHead = (count = 60_000): Buffer => {
  const value = (index: number) => index % 30_000;
  const pictures = numbered(count, block(VIDEO, 0, KEYFRAME, empty(8)), { offset: 3, byteLength: 2, value });
  return film({ clusters: [cluster(0, pictures)], cues: at => [cuesAt(count, at, value)] });
};
export const millionCues = (count = 1_000_000): Buffer =>
  film({ clusters: [cluster(0, FIRST_PICTURE)], cues: at => [cuesAt(count, at, index => index)] });
export const cuesBackwards = (count = 1_000_000): Buffer =>
  film({ clusters: [cluster(0, FIRST_PICTURE)], cues: at => [cuesAt(count, at, index => count - index)] });
export const cuesOfOneTime = (count = 500_000): Buffer =>
  film({ clusters: [cluster(0, FIRST_PICTURE)], cues: at => [repeated(count, cuePoint(0, at))] });
export const cueOfManyPositions = (count = 1_000_000): Buffer =>
  film({
    clusters: [cluster(0, FIRST_PICTURE)],
    cues: at => [element(0xbb, number(0xb3, 0), repeated(count, element(0xb7, number(0xf7, 3, 1), number(0xf1, at))))],
  });

export const manyTracks = (count = 60_000): Buffer =>
  film({
    entries: [videoEntry(), repeated(count, trackEntry(SOUND, 2, 'A_AC3', element(0x536e, empty(10))))],
    clusters: [cluster(0, FIRST_PICTURE)],
  });
export const manyElementsInTrack = (count = 2_000_000): Buffer =>
  film({ entries: [videoEntry(repeated(count, VOID))], clusters: [cluster(0, FIRST_PICTURE)] });
export const manyEncodings = (count = 500_000): Buffer =>
  film({ entries: [videoEntry(element(0x6d80, repeated(count, element(0x6240))))], clusters: [cluster(0, FIRST_PICTURE)] });
/** A header of a megabyte that every one of many small frames is said to begin with. */
export const hugeStrippedHeader = (blocks = 10_000): Buffer => {
  const compression = element(0x5034, number(0x4254, 3, 1), element(0x4255, empty(1_000_000)));
  return film({
    entries: [videoEntry(), soundEntry(element(0x6d80, element(0x6240, compression)))],
    clusters: [cluster(0, FIRST_PICTURE, repeated(blocks, block(SOUND, 0, 0, empty(1))))],
  });
};
/** Packets of frames that end where they begin to say how long they are. */
export const tinySoundFrames = (packets = 500): Buffer => {
  const frame = Buffer.from([0x0b, 0x77, 0x00, 0x02, 0x30, 0x80]);
  const tracks = Array.from({ length: 8 }, (_, index) => trackEntry(SOUND + index, 2, 'A_EAC3'));
  const blocks = tracks.map((_, index) => repeated(packets / 8, block(SOUND + index, 0, 0, repeated(10_000, frame))));
  return film({ entries: [videoEntry(), ...tracks], clusters: [cluster(0, FIRST_PICTURE, ...blocks)] });
};
export const oddNumbers = (): Buffer =>
  film({
    entries: [
      trackEntry(VIDEO, 1, 'V_MPEG4/ISO/AVC', element(0x63a2, AVC), element(0xe0, number(0xb0, 2 ** 40, 8), number(0xba, 2 ** 40, 8))),
      soundEntry(element(0xe1, element(0xb5, Buffer.from([0x7f, 0xf8, 0, 0, 0, 0, 0, 0])), number(0x9f, 2 ** 40, 8))),
    ],
    clusters: [cluster(0, FIRST_PICTURE, block(SOUND, 0, 0, empty(20)))],
  });

export const manySeekHeads = (): Buffer => {
  const seek = element(0x4dbb, element(0x53ab, idOf(ID.seekHead)), number(0x53ac, 0));
  return film({ before: [repeated(900, element(ID.seekHead, repeated(1000, seek)))], clusters: [cluster(0, FIRST_PICTURE)] });
};
export const manyElementsInHeader = (count = 2_000_000): Buffer =>
  Buffer.concat([element(ID.ebml, repeated(count, VOID), element(0x4282, Buffer.from('matroska'))), element(ID.segment)]);
export const manyElementsBeforeSegment = (count = 2_000_000): Buffer => Buffer.concat([EBML, repeated(count, VOID), element(ID.segment)]);
export const manyChaptersAndTags = (count = 500_000): Buffer => {
  const nested = element(0x1043a770, repeated(count, element(0x45b9, element(0xb6))));
  return film({ before: [nested, element(0x1254c367, repeated(count, element(0x7373)))], clusters: [cluster(0, FIRST_PICTURE)] });
};
export const deepElements = (depth = 5000): Buffer => {
  let nested: Buffer = VOID;
  for (let level = 0; level < depth; level++) nested = element(0xa0, nested);
  return oneCluster(nested);
};
export const hugeElement = (): Buffer => {
  const open = Buffer.concat([idOf(0xa3), Buffer.from([0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe])]);
  return film({ clusters: [cluster(0, FIRST_PICTURE), open] });
};
export const segmentOfUnknownSize = (): Buffer =>
  Buffer.concat([
    EBML,
    idOf(ID.segment),
    UNKNOWN_SIZE,
    INFO,
    element(ID.tracks, videoEntry()),
    idOf(ID.cluster),
    UNKNOWN_SIZE,
    empty(1000),
  ]);
export const clustersAtTheEndOfTime = (): Buffer =>
  film({
    clusters: [cluster(0, FIRST_PICTURE), element(ID.cluster, number(0xe7, 2 ** 52, 8), block(VIDEO, 0, KEYFRAME, empty(8)))],
    cues: at => [cuePoint(0, at)],
  });
