// Rules for what a player winds through: I-frame playlists, and playlists of tiles.
import { APPLE, BIS, type Check, RFC } from './checks.ts';
import { type Attributes, type Playlist, type Stream, tagsNamed, unquoted } from './playlist.ts';
import type { Resource } from './segment-checks.ts';

/** The HLS image media playlist of Roku, Disney and Warner. */
const IMAGES = 'HLS image media playlist';

const SIZE = /^[1-9]\d*x[1-9]\d*$/;

export const iframeStreams = (main: Playlist): Attributes[] => tagsNamed(main, 'EXT-X-I-FRAME-STREAM-INF').map(tag => tag.attributes);
export const imageStreams = (main: Playlist): Attributes[] => tagsNamed(main, 'EXT-X-IMAGE-STREAM-INF').map(tag => tag.attributes);

const named = (streams: readonly Attributes[]): Set<string> => new Set(streams.map(({ URI }) => unquoted(URI)));
const lengthOf = ({ segments }: Playlist): number => segments.reduce((sum, { duration }) => sum + Number(duration), 0);

export const TRICK_PLAY_MAIN_CHECKS: readonly Check<Playlist>[] = [
  {
    name: 'i-frame-playlists',
    rule: `${APPLE} 6.1`,
    says: 'I-frame playlists are there for scrubbing, beside fragmented MP4 (EXT-X-VERSION 6)',
    level: 'error',
    find: main =>
      main.variants.length === 0 || Number(tagsNamed(main, 'EXT-X-VERSION')[0]?.value ?? 1) < 6 || iframeStreams(main).length > 0
        ? []
        : ['there is none'],
  },
  {
    name: 'i-frame-attributes',
    rule: `${RFC} 4.3.4.3 and ${APPLE} 9`,
    says: 'EXT-X-I-FRAME-STREAM-INF has BANDWIDTH, CODECS, RESOLUTION and a URI, and nothing of sound, text and frame rate',
    level: 'error',
    find: main =>
      iframeStreams(main)
        .filter(
          ({ BANDWIDTH, CODECS, RESOLUTION, URI, ...others }) =>
            !/^[1-9]\d*$/.test(BANDWIDTH ?? '') ||
            !/^"[^",]+"$/.test(CODECS ?? '') ||
            !SIZE.test(RESOLUTION ?? '') ||
            unquoted(URI) === '' ||
            ['FRAME-RATE', 'AUDIO', 'SUBTITLES', 'CLOSED-CAPTIONS'].some(name => name in others),
        )
        .map(attributes => JSON.stringify(attributes)),
  },
  {
    name: 'image-attributes',
    rule: IMAGES,
    says: 'EXT-X-IMAGE-STREAM-INF has BANDWIDTH, the RESOLUTION of one picture, CODECS "jpeg" and a URI',
    level: 'error',
    find: main =>
      imageStreams(main)
        .filter(
          ({ BANDWIDTH, CODECS, RESOLUTION, URI }) =>
            !/^[1-9]\d*$/.test(BANDWIDTH ?? '') || CODECS !== '"jpeg"' || !SIZE.test(RESOLUTION ?? '') || unquoted(URI) === '',
        )
        .map(attributes => JSON.stringify(attributes)),
  },
];

/** What lasts as long as the picture may end with the last frame or the last sound. */
const END_APART_S = 1;

export const TRICK_PLAY_STREAM_CHECKS: readonly Check<Stream>[] = [
  {
    name: 'i-frames-only',
    rule: `${RFC} 4.3.3.6 and 4.3.4.3`,
    says: 'a playlist says EXT-X-I-FRAMES-ONLY where it is named as one of I-frames, and nowhere else',
    level: 'error',
    find: ({ main, media }) => {
      const wanted = named(iframeStreams(main));
      return [...media]
        .filter(([uri, playlist]) => wanted.has(uri) !== tagsNamed(playlist, 'EXT-X-I-FRAMES-ONLY').length > 0)
        .map(([uri]) => uri);
    },
  },
  {
    name: 'images-only',
    rule: IMAGES,
    says: 'a playlist says EXT-X-IMAGES-ONLY where it is named as one of images, and nowhere else',
    level: 'error',
    find: ({ main, media }) => {
      const wanted = named(imageStreams(main));
      return [...media]
        .filter(([uri, playlist]) => wanted.has(uri) !== tagsNamed(playlist, 'EXT-X-IMAGES-ONLY').length > 0)
        .map(([uri]) => uri);
    },
  },
  {
    name: 'tiles',
    rule: IMAGES,
    says: 'every image says its EXT-X-TILES: the RESOLUTION that the stream has, a LAYOUT, and a DURATION whose pictures last as long as the image',
    level: 'error',
    find: ({ main, media }) =>
      imageStreams(main).flatMap(({ URI, RESOLUTION }) => {
        const playlist = media.get(unquoted(URI));
        if (playlist === undefined) return [];
        const tiles = tagsNamed(playlist, 'EXT-X-TILES');
        const isWrong = ({ attributes }: (typeof tiles)[number], at: number): boolean => {
          const pictures = (attributes.LAYOUT ?? '').split('x').reduce((product, side) => product * Number(side), 1);
          const lastsS = Number(playlist.segments[at]?.duration);
          const fullS = pictures * Number(attributes.DURATION);
          const isLast = at === tiles.length - 1;
          return attributes.RESOLUTION !== RESOLUTION || !(isLast ? lastsS <= fullS + END_APART_S : Math.abs(lastsS - fullS) < 0.001);
        };
        return [
          ...(tiles.length === playlist.segments.length ? [] : [`${unquoted(URI)}: ${tiles.length} of ${playlist.segments.length}`]),
          ...tiles.filter(isWrong).map(({ value }) => `${unquoted(URI)}: ${value}`),
        ];
      }),
  },
  {
    name: 'trick-play-as-long-as-the-film',
    rule: `${BIS} 4.4.6.3`,
    says: 'what is wound through is as long as what is watched',
    level: 'error',
    find: ({ main, media }) => {
      const [first] = main.variants.flatMap(({ uri }) => media.get(uri) ?? []);
      const filmS = first === undefined ? null : lengthOf(first);
      return [...named(iframeStreams(main)), ...named(imageStreams(main))].flatMap(uri => {
        const playlist = media.get(uri);
        if (playlist === undefined || filmS === null) return [];
        const lastsS = lengthOf(playlist);
        return Math.abs(lastsS - filmS) <= END_APART_S ? [] : [`${uri}: ${lastsS} of ${filmS}`];
      });
    },
  },
];

/** A segment of an I-frame playlist. */
export const IFRAME_CHECKS: readonly Check<Resource>[] = [
  {
    name: 'one-picture',
    rule: `${RFC} 4.3.3.6`,
    says: 'a segment of an I-frame playlist holds one picture, whole',
    level: 'error',
    find: ({ bytes }) => {
      const run = bytes.indexOf('trun', 0, 'latin1');
      const count = run < 0 || run + 12 > bytes.byteLength ? 0 : bytes.readUInt32BE(run + 8);
      return count === 1 ? [] : [`${count} pictures`];
    },
  },
];

export type Tile = Resource & { readonly tiles: Attributes };

export const TILE_CHECKS: readonly Check<Tile>[] = [
  {
    name: 'tile-type',
    rule: IMAGES,
    says: 'images are image/jpeg',
    level: 'error',
    find: ({ contentType }) => (contentType === 'image/jpeg' ? [] : [contentType]),
  },
  {
    name: 'tile-size',
    rule: IMAGES,
    says: 'an image is as wide and high as its pictures are side by side',
    level: 'error',
    find: ({ bytes, tiles }) => {
      const [width = 0, height = 0] = (tiles.RESOLUTION ?? '').split('x').map(Number);
      const [columns = 0, rows = 0] = (tiles.LAYOUT ?? '').split('x').map(Number);
      const [is, wanted] = [jpegSize(bytes), `${width * columns}x${height * rows}`];
      return is === wanted ? [] : [`is ${is}, not ${wanted}`];
    },
  },
];

/** From the frame header (ITU-T T.81, B.2.2). */
function jpegSize(jpeg: Buffer): string {
  if (jpeg.byteLength < 4 || jpeg.readUInt16BE(0) !== 0xffd8) return 'no JPEG';
  for (let at = 2; at + 9 < jpeg.byteLength; at += 2 + jpeg.readUInt16BE(at + 2)) {
    const marker = jpeg.readUInt16BE(at);
    if (marker >= 0xffc0 && marker <= 0xffc2) return `${jpeg.readUInt16BE(at + 7)}x${jpeg.readUInt16BE(at + 5)}`;
  }
  return 'no JPEG';
}
