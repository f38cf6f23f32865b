// Each check finds what it is for, and nothing in a stream as it should be.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Finding, findingsOf } from './support/conformance/checks.ts';
import { readPlaylist } from './support/conformance/playlist.ts';
import { RATE_CHECKS } from './support/conformance/rate-checks.ts';
import { PLAYLIST_RESOURCE_CHECKS } from './support/conformance/segment-checks.ts';
import { ALL_CHECKS, checkIframe, checkInit, checkPlaylists, checkSegment, checkTile } from './support/conformance/stream.ts';

const HEAD = '#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-INDEPENDENT-SEGMENTS\n';
const sound = (group: string, directory: string, channels: number): string =>
  `#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="${group}",LANGUAGE="en",NAME="English",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="${channels}",URI="${directory}/i.m3u8"\n`;
const variant = (directory: string, group: string, codecs: string): string =>
  `#EXT-X-STREAM-INF:BANDWIDTH=2000,AVERAGE-BANDWIDTH=1000,CODECS="avc1.640028,${codecs}",RESOLUTION=640x360,FRAME-RATE=24,VIDEO-RANGE=SDR,AUDIO="${group}",CLOSED-CAPTIONS=NONE\n${directory}/i.m3u8\n`;
const MAIN = [
  HEAD,
  '#EXT-X-START:TIME-OFFSET=4,PRECISE=YES\n#EXT-X-SESSION-DATA:DATA-ID="com.apple.hls.chapters",URI="chapters.json"\n',
  '#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=500,CODECS="avc1.640015",RESOLUTION=320x180,VIDEO-RANGE=SDR,URI="k/i.m3u8"\n',
  '#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=300,RESOLUTION=320x180,CODECS="jpeg",URI="t/i.m3u8"\n',
  sound('full', 'f', 6) + sound('plain', 'a', 2),
  variant('v', 'full', 'ec-3') + variant('v', 'plain', 'mp4a.40.2'),
  variant('h', 'full', 'ec-3')
    .replace('avc1.640028', 'hvc1.2.4.L93.B0')
    .replace('VIDEO-RANGE=SDR', 'VIDEO-RANGE=PQ,SUPPLEMENTAL-CODECS="dvh1.08.01/db1p"'),
].join('');
const MEDIA = `${HEAD}#EXT-X-TARGETDURATION:2\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-MAP:URI="init.mp4"\n#EXTINF:2.0,\n0.m4s\n#EXTINF:1.5,\n1.m4s\n#EXT-X-ENDLIST\n`;

const IFRAMES =
  '#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:4\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-I-FRAMES-ONLY\n#EXT-X-MAP:URI="init.mp4"\n#EXTINF:3.5,\n0.m4s\n#EXT-X-ENDLIST\n';
const TILES = '#EXT-X-TILES:RESOLUTION=320x180,LAYOUT=2x1,DURATION=1\n';
const IMAGES = `#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-IMAGES-ONLY\n#EXTINF:2,\n${TILES}0.jpg\n#EXTINF:1.5,\n${TILES}1.jpg\n#EXT-X-ENDLIST\n`;

type Changed = { main?: string; media?: string; picture?: string; iframes?: string; images?: string };
const stream = (change: Changed): Finding[] => {
  const media = change.media ?? MEDIA;
  return checkPlaylists(
    change.main ?? MAIN,
    new Map([
      ['v/i.m3u8', change.picture ?? media],
      ['h/i.m3u8', media],
      ['f/i.m3u8', media],
      ['a/i.m3u8', media],
      ['k/i.m3u8', change.iframes ?? IFRAMES],
      ['t/i.m3u8', change.images ?? IMAGES],
    ]),
  );
};

const box = (type: string, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + body.byteLength);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, body]);
};
const INIT = Buffer.concat([box('ftyp'), box('moov', box('trak'), box('mvex'))]);
const SEGMENT = Buffer.concat([box('moof', box('tfdt')), box('mdat')]);
const resource = (bytes: Buffer, contentType = 'video/mp4') => ({ uri: 'x', bytes, contentType, encoding: '' });

test('conformance: a stream as it should be has no findings', () => {
  assert.deepEqual(stream({}), []);
  assert.deepEqual([...checkInit(resource(INIT)), ...checkSegment(resource(SEGMENT, 'video/iso.segment'))], []);
});

/** Text that is changed in the multivariant playlist, in every media playlist, in that of the picture alone, or in one of trick play. */
const FAULTS: Readonly<Record<string, readonly [keyof Changed, string | RegExp, string]>> = {
  'first-line': ['media', '#EXTM3U\n', ''],
  'plain-text': ['main', 'English', 'Eng\u0000lish'],
  'last-line-ends': ['media', /ENDLIST\n$/, 'ENDLIST'],
  'one-kind': ['main', /#EXT-X-STREAM-INF[\s\S]*$/, ''],
  'known-tags': ['media', '#EXT-X-PLAYLIST-TYPE', '#EXT-X-PLAYLISTTYPE'],
  'tags-once': ['media', '#EXT-X-ENDLIST', '#EXT-X-ENDLIST\n#EXT-X-ENDLIST'],
  'attributes-once': ['main', 'DEFAULT=YES', 'DEFAULT=YES,DEFAULT=YES'],
  'version-of-map': ['media', 'VERSION:6', 'VERSION:5'],
  'relative-addresses': ['main', 'chapters.json', '/chapters.json'],
  'start-within': ['main', 'TIME-OFFSET=4', 'TIME-OFFSET=soon'],
  bandwidth: ['main', 'BANDWIDTH=2000', 'BANDWIDTH=2e3'],
  'average-bandwidth': ['main', 'AVERAGE-BANDWIDTH=1000', 'AVERAGE-BANDWIDTH=3000'],
  resolution: ['main', 'RESOLUTION=640x360,', ''],
  'frame-rate': ['main', 'FRAME-RATE=24', 'FRAME-RATE=24/1'],
  'video-range': ['main', 'VIDEO-RANGE=SDR,AUDIO', 'VIDEO-RANGE=HDR,AUDIO'],
  'closed-captions': ['main', ',CLOSED-CAPTIONS=NONE', ''],
  'no-captions-anywhere': ['main', 'CLOSED-CAPTIONS=NONE', 'CLOSED-CAPTIONS="cc"'],
  codecs: ['main', 'mp4a.40.2', 'aac'],
  'hevc-as-hvc1': ['main', 'avc1.640028', 'hev1.1.6.L120.B0'],
  'groups-exist': ['main', 'AUDIO="plain"', 'AUDIO="other"'],
  'groups-used': ['main', 'AUDIO="plain"', 'AUDIO="full"'],
  'groups-have-the-same-members': ['main', 'NAME="English"', 'NAME="French"'],
  'names-differ': ['main', sound('plain', 'a', 2), sound('plain', 'a', 2) + sound('plain', 'b', 2)],
  'one-default': ['main', sound('plain', 'a', 2), sound('plain', 'a', 2) + sound('plain', 'b', 2)],
  'default-is-selected': ['main', 'AUTOSELECT=YES', 'AUTOSELECT=NO'],
  'media-attributes': ['main', ',URI="f/i.m3u8"', ''],
  'forced-is-of-subtitles': ['main', 'AUTOSELECT=YES', 'AUTOSELECT=YES,FORCED=NO'],
  'language-tag': ['main', 'LANGUAGE="en"', 'LANGUAGE="English, with commentary"'],
  channels: ['main', ',CHANNELS="2"', ''],
  'stereo-aac-is-there': ['main', variant('v', 'plain', 'mp4a.40.2'), ''],
  'variants-differ': ['main', variant('v', 'plain', 'mp4a.40.2'), variant('v', 'plain', 'mp4a.40.2') + variant('v', 'plain', 'mp4a.40.2')],
  'session-data': ['main', ',URI="chapters.json"', ''],
  'i-frame-playlists': ['main', /#EXT-X-I-FRAME-STREAM-INF.*\n/, ''],
  'sdr-beside-hdr': ['main', /VIDEO-RANGE=SDR,AUDIO/g, 'VIDEO-RANGE=PQ,AUDIO'],
  'sdr-i-frames-beside-hdr': ['main', 'VIDEO-RANGE=SDR,URI', 'VIDEO-RANGE=PQ,URI'],
  'range-of-i-frames': ['main', 'VIDEO-RANGE=SDR,URI', 'URI'],
  'hdr-has-ten-bits': ['main', 'hvc1.2.4', 'hvc1.1.6'],
  'dolby-vision-is-pq': ['main', 'avc1.640028', 'dvh1.05.01'],
  'supplemental-codecs': ['main', 'db1p', 'db4h'],
  'hdr-at-a-usual-rate': ['main', 'FRAME-RATE=24,VIDEO-RANGE=PQ', 'FRAME-RATE=60,VIDEO-RANGE=PQ'],
  'i-frame-attributes': ['main', 'CODECS="avc1.640015",', ''],
  'image-attributes': ['main', '"jpeg"', '"png"'],
  'i-frames-only': ['iframes', '#EXT-X-I-FRAMES-ONLY\n', ''],
  'images-only': ['images', '#EXT-X-IMAGES-ONLY\n', ''],
  tiles: ['images', 'DURATION=1', 'DURATION=5'],
  'trick-play-as-long-as-the-film': ['iframes', 'EXTINF:3.5', 'EXTINF:2'],
  'fast-pictures': ['main', 'FRAME-RATE=24', 'FRAME-RATE=240'],
  'target-duration': ['media', 'TARGETDURATION:2', 'TARGETDURATION:1'],
  durations: ['media', 'EXTINF:1.5', 'EXTINF:0'],
  complete: ['media', ':VOD', ':EVENT'],
  'map-first': ['media', '#EXT-X-MAP:URI="init.mp4"\n', ''],
  'segments-once': ['media', '1.m4s', '0.m4s'],
  'not-empty': ['media', /#EXTINF[\s\S]*m4s\n/, ''],
  'one-target-duration': ['picture', 'TARGETDURATION:2', 'TARGETDURATION:3'],
  'independent-segments': ['media', '#EXT-X-INDEPENDENT-SEGMENTS\n', ''],
  'same-version': ['media', 'VERSION:6', 'VERSION:7'],
};
for (const [name, [where, from, to]] of Object.entries(FAULTS)) {
  test(`conformance: ${name} is found`, () => {
    const text = { main: MAIN, iframes: IFRAMES, images: IMAGES, media: MEDIA, picture: MEDIA }[where];
    const changed = text.replace(from, () => to);
    assert.notEqual(changed, text);
    const found = stream({ [where]: changed }).map(({ check }) => check);
    assert.ok(found.includes(name), found.join());
  });
}

test('conformance: pictures of different lengths, and boxes and types that are wrong, are found', () => {
  const main = MAIN + variant('w', 'plain', 'mp4a.40.2');
  const found = checkPlaylists(
    main,
    new Map([
      ['v/i.m3u8', MEDIA],
      ['w/i.m3u8', MEDIA.replace('EXTINF:2.0', 'EXTINF:0.5')],
    ]),
  );
  assert.ok(found.some(({ check }) => check === 'pictures-as-long-as-each-other'));
  const names = (findings: Finding[]): string[] => findings.map(({ check }) => check);
  assert.deepEqual(names(checkInit(resource(SEGMENT, 'text/html'))), ['init-type', 'init-boxes', 'one-track']);
  assert.deepEqual(names(checkSegment(resource(INIT, 'text/html'))), ['segment-type', 'segment-boxes']);
  assert.deepEqual(names(checkIframe(resource(SEGMENT))), ['one-picture']);
  assert.deepEqual(names(checkTile({ ...resource(SEGMENT, 'text/html'), tiles: { RESOLUTION: '2x2', LAYOUT: '1x1' } })), [
    'tile-type',
    'tile-size',
  ]);
  const playlist = resource(Buffer.alloc(2_000), 'text/html');
  assert.deepEqual(names(findingsOf(PLAYLIST_RESOURCE_CHECKS, playlist, 'x')), ['playlist-type', 'playlist-gzip']);
});

test('conformance: a film that weighs another tenth than it declares is found, with the heaviest sound of its group', () => {
  const weighed = (bits: number) => ({
    playlist: readPlaylist(MEDIA),
    segments: [bits, bits / 2, bits / 2].map(of => ({ bits: of * 2, seconds: 2 })),
  });
  const main = readPlaylist([HEAD, sound('plain', 'a', 2), sound('plain', 'f', 2), variant('v', 'plain', 'mp4a.40.2')].join(''));
  const findings = (picture: number, sound: number): string[] => {
    const media = new Map([
      ['v/i.m3u8', weighed(picture)],
      ['a/i.m3u8', weighed(sound)],
      ['f/i.m3u8', weighed(1)],
    ]);
    return findingsOf(RATE_CHECKS, { main, media }, 'x').map(({ check }) => check);
  };
  // 2000 is declared of the peak, 1000 of the average, which is two thirds of it here.
  assert.deepEqual(findings(1_400, 600), ['average-rate']);
  assert.deepEqual(findings(1_400, 100), ['peak-rate']);
  assert.deepEqual(findings(700, 300), ['average-rate', 'peak-rate']);
});

test('conformance: every check has a name of its own and is shown here to find something', () => {
  const names = ALL_CHECKS.flatMap(({ checks }) => checks.map(({ name }) => name));
  assert.equal(new Set(names).size, names.length);
  const elsewhere = [
    'pictures-as-long-as-each-other',
    'init-type',
    'init-boxes',
    'one-track',
    'segment-type',
    'segment-boxes',
    'playlist-type',
    'playlist-gzip',
    'one-picture',
    'tile-type',
    'tile-size',
    'average-rate',
    'peak-rate',
  ];
  assert.deepEqual(
    names.filter(name => !(name in FAULTS) && !elsewhere.includes(name)),
    [],
  );
});
