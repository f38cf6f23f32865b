// MP4 files that are built to cost whoever reads them far more than they cost to store.
import { box, fullBox, u32, u64 } from '#workers/bmff/boxes.ts';
import {
  constantSizes,
  filled,
  fragment,
  type MovieParts,
  movieFile,
  plainTables,
  repeated,
  SOUND_ENTRY,
  type TrackParts,
  table,
  trackDefaults,
  VIDEO_ENTRY,
} from './mp4-movie.ts';

const HUGE = 0xffff_ffff;
const empty = (count: number): Buffer => Buffer.alloc(count);
const numbers = (count: number): number[] => [...new Array(count).keys()];
const padded = (parts: MovieParts, byteLength: number): Buffer => movieFile({ ...parts, media: [box('mdat', empty(byteLength))] });
const oneTrack = (track: TrackParts, byteLength = 1000): Buffer => padded({ tracks: [track] }, byteLength);
const emptyBoxes = (type: string, count: number): Buffer => repeated(count, box(type));

/** Every track claims some million samples that cost it twelve bytes to claim. */
export const manyClaimedSamples = (tracks = 9, samples = 8_000_000): Buffer =>
  padded({ tracks: numbers(tracks).map(index => ({ ...plainTables(samples), handler: index === 0 ? 'vide' : 'soun' })) }, 179_000);

export const claimedSamplesInOneTrack = (): Buffer => oneTrack(plainTables(HUGE));
export const samplesWithoutBytes = (): Buffer =>
  oneTrack({ ...plainTables(200_000), sizes: fullBox('stsz', 0, 0, u32(0, 200_000), empty(800_000)) });

/** More pictures than a film has, each a keyframe, and bytes to hold them. */
export const manyKeyframes = (count = 4_000_000, byteLength = 9_000_000): Buffer => oneTrack(plainTables(count), byteLength);
export const keyframesListedTwice = (): Buffer =>
  oneTrack(
    {
      ...plainTables(500_000),
      sync: table(
        'stss',
        500_000,
        filled(500_000, row => 500_000 - row),
      ),
    },
    8_000_000,
  );

export const manyTrackDefaults = (count = 20_000): Buffer =>
  movieFile({ tracks: [{ ...plainTables(0) }], more: [box('mvex', Buffer.concat(numbers(count).map(id => trackDefaults(id + 1))))] });

/** Groups of random access points that each mark all samples again. */
export const manySampleGroups = (count = 8000, samples = 500_000): Buffer => {
  const group = fullBox('sbgp', 0, 0, Buffer.from('rap ', 'latin1'), u32(1, samples, 1));
  return oneTrack({ ...plainTables(samples), sync: table('stss', 1, 1), more: [repeated(count, group)] }, 8_000_000);
};
export const largeSampleGroup = (): Buffer => {
  const group = fullBox(
    'sbgp',
    0,
    0,
    Buffer.from('rap ', 'latin1'),
    u32(36_000),
    filled(72_000, row => (row % 2 === 0 ? HUGE : 1)),
  );
  return oneTrack({ ...plainTables(200_000), sync: table('stss', 1, 1), more: [group] }, 3_000_000);
};

export const hugeTimeTable = (): Buffer => oneTrack({ ...plainTables(1000), times: table('stts', HUGE, HUGE, 1) });
export const timesOfNoSamples = (): Buffer =>
  oneTrack({
    ...plainTables(1000),
    times: table(
      'stts',
      500_000,
      filled(1_000_000, () => 0),
    ),
  });
export const hugeOffsetTable = (): Buffer => oneTrack({ ...plainTables(1000), offsets: table('ctts', HUGE, HUGE, 0x7fff_ffff) });
export const overflowingOffsets = (): Buffer =>
  oneTrack({ ...plainTables(1000), offsets: table('ctts', 2, 500, 0x8000_0000, 500, 0x7fff_ffff) });
export const hugeChunkTable = (): Buffer => oneTrack({ ...plainTables(1000), places: table('stco', HUGE, 0) });
export const emptyChunks = (): Buffer =>
  oneTrack({
    ...plainTables(1000),
    chunks: table('stsc', 1, 1, 0, 1),
    places: table(
      'stco',
      500_000,
      filled(500_000, () => 0),
    ),
  });
export const chunksBackwards = (): Buffer =>
  oneTrack(
    {
      ...plainTables(100_000),
      chunks: table(
        'stsc',
        50_000,
        filled(150_000, word => (word % 3 === 0 ? 50_000 - word / 3 : 1)),
      ),
      places: table(
        'stco',
        100_000,
        filled(100_000, () => 0),
      ),
    },
    2_000_000,
  );
export const farAwayChunks = (): Buffer => oneTrack({ ...plainTables(10), places: fullBox('co64', 0, 0, u32(1, HUGE, HUGE)) });
export const compactSizes = (): Buffer => oneTrack({ ...plainTables(1000), sizes: fullBox('stz2', 0, 0, u32(4, HUGE), empty(1000)) });
export const edgeOfTime = (): Buffer =>
  oneTrack({ ...plainTables(100_000), timescale: 1, times: table('stts', 1, 100_000, 0x7fff_ffff) }, 2_000_000);

export const manyEdits = (count = 500_000): Buffer =>
  oneTrack({
    edits: fullBox(
      'elst',
      0,
      0,
      u32(count),
      filled(count * 3, word => (word % 3 === 1 ? HUGE : 1)),
    ),
  });
export const hugeEdit = (): Buffer => oneTrack({ edits: fullBox('elst', 1, 0, u32(1), u64(2 ** 62), u64(0), u32(0x10000)) });
export const manyChapterTracks = (): Buffer => movieFile({ tracks: [{}], more: [box('trak', box('tref', box('chap', empty(4_000_000))))] });

export const manyTracks = (count = 50_000): Buffer => movieFile({ tracks: [{}], more: [repeated(count, box('trak'))] });
export const manyBoxesInTrack = (): Buffer => oneTrack({ more: [emptyBoxes('free', 2_000_000)] });
export const manyBoxesInMovie = (): Buffer => movieFile({ tracks: [{}], more: [emptyBoxes('udta', 2_000_000)] });
export const manyBoxesInEntry = (): Buffer =>
  oneTrack({ sampleEntry: box('avc1', VIDEO_ENTRY.subarray(8), emptyBoxes('colr', 1_000_000)) });
export const manySampleEntries = (): Buffer => {
  const entries = fullBox('stsd', 0, 0, u32(HUGE), emptyBoxes('avc1', 1_000_000));
  return oneTrack({ more: [entries], sampleEntry: box('free') });
};
export const manyCovers = (): Buffer => {
  const cover = box('data', u32(13, 0), empty(8));
  return movieFile({ tracks: [{}], more: [box('udta', fullBox('meta', 0, 0, box('ilst', box('covr', repeated(300_000, cover)))))] });
};
export const manyTopLevelBoxes = (count = 2_000_000): Buffer => Buffer.concat([box('ftyp', empty(8)), emptyBoxes('free', count)]);
export const deepBoxes = (depth = 30_000): Buffer => {
  const headers = numbers(depth).map(level => Buffer.concat([u32((depth - level) * 8), Buffer.from('meta', 'latin1')]));
  return movieFile({ tracks: [{}], more: [box('udta', Buffer.concat(headers))] });
};
export const boxOfNoSize = (): Buffer =>
  movieFile({ tracks: [{}], media: [Buffer.concat([u32(0), Buffer.from('moof', 'latin1')]), empty(1000)] });
export const boxOf64Bits = (): Buffer =>
  movieFile({ tracks: [{}], media: [Buffer.concat([u32(1), Buffer.from('mdat', 'latin1'), u32(HUGE, HUGE)]), empty(1000)] });
export const indexOfNoSize = (): Buffer => Buffer.concat([box('ftyp', empty(8)), u32(0), Buffer.from('moov', 'latin1'), empty(100_000)]);

const fragmented = (media: readonly Buffer[], track: TrackParts = {}): Buffer =>
  movieFile({ tracks: [{ ...plainTables(0), ...track }], more: [box('mvex', trackDefaults(1))], media });

export const claimedSamplesInFragment = (): Buffer => fragmented([fragment(1, 8_000_000), box('mdat', empty(100_000))]);
export const claimedSamplesInManyFragments = (): Buffer => fragmented([repeated(2000, fragment(1, 8000))]);
export const manyFragments = (count = 100_000): Buffer =>
  fragmented([repeated(count, Buffer.concat([fragment(1, 1), box('mdat', empty(1))]))]);
export const manyRunsInFragment = (): Buffer => {
  const run = fullBox('trun', 0, 0, u32(0));
  return fragmented([box('moof', box('traf', fullBox('tfhd', 0, 0x020000, u32(1)), repeated(500_000, run)))]);
};
export const manyTracksInFragment = (): Buffer =>
  fragmented([box('moof', repeated(300_000, box('traf', fullBox('tfhd', 0, 0x020000, u32(1)))))]);
export const fragmentsBackwards = (): Buffer => fragmented(numbers(1000).map(row => fragment(1, 1, { decodeTime: (1000 - row) * 1000 })));
export const fragmentAtTheEndOfTime = (): Buffer => fragmented([fragment(1, 10, { decodeTime: 2 ** 63 }), box('mdat', empty(10))]);
export const emptySamplesInFragment = (): Buffer =>
  fragmented([fragment(1, 200_000, { flags: 0x200, rows: filled(200_000, () => 0) }), box('mdat', empty(10))]);

export const soundWithoutEnd = (): Buffer =>
  padded(
    { tracks: [{}, { ...plainTables(100_000), handler: 'soun', sampleEntry: SOUND_ENTRY, sizes: constantSizes(1, HUGE) }] },
    2_000_000,
  );
