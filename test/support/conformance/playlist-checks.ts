// Rules for every playlist, whichever kind it is.
import { APPLE, BIS, type Check, RFC } from './checks.ts';
import { type Playlist, tagsNamed } from './playlist.ts';

const KNOWN = new Set([
  ...['EXTM3U', 'EXT-X-VERSION', 'EXTINF', 'EXT-X-BYTERANGE', 'EXT-X-DISCONTINUITY', 'EXT-X-KEY', 'EXT-X-MAP', 'EXT-X-PROGRAM-DATE-TIME'],
  ...['EXT-X-DATERANGE', 'EXT-X-TARGETDURATION', 'EXT-X-MEDIA-SEQUENCE', 'EXT-X-DISCONTINUITY-SEQUENCE', 'EXT-X-ENDLIST'],
  ...['EXT-X-PLAYLIST-TYPE', 'EXT-X-I-FRAMES-ONLY', 'EXT-X-MEDIA', 'EXT-X-STREAM-INF', 'EXT-X-I-FRAME-STREAM-INF', 'EXT-X-SESSION-DATA'],
  ...[
    'EXT-X-SESSION-KEY',
    'EXT-X-INDEPENDENT-SEGMENTS',
    'EXT-X-START',
    'EXT-X-GAP',
    'EXT-X-BITRATE',
    'EXT-X-DEFINE',
    'EXT-X-IMAGE-STREAM-INF',
  ],
  ...['EXT-X-IMAGES-ONLY', 'EXT-X-TILES'],
]);
const ONCE = [
  'EXTM3U',
  'EXT-X-VERSION',
  'EXT-X-TARGETDURATION',
  'EXT-X-MEDIA-SEQUENCE',
  'EXT-X-ENDLIST',
  'EXT-X-PLAYLIST-TYPE',
  'EXT-X-START',
];

const uris = ({ tags, variants, segments }: Playlist): string[] => [
  ...tags.flatMap(({ attributes }) => (attributes.URI === undefined ? [] : [attributes.URI.slice(1, -1)])),
  ...variants.map(({ uri }) => uri),
  ...segments.map(({ uri }) => uri),
];

export const PLAYLIST_CHECKS: readonly Check<Playlist>[] = [
  {
    name: 'first-line',
    rule: `${RFC} 4.3.1.1`,
    says: 'the first line is EXTM3U',
    level: 'error',
    find: ({ lines }) => (lines[0] === '#EXTM3U' ? [] : [`begins with ${JSON.stringify(lines[0])}`]),
  },
  {
    name: 'plain-text',
    rule: `${RFC} 4.1`,
    says: 'UTF-8 without a byte order mark or control characters',
    level: 'error',
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
    find: ({ text }) => (/[\u0000-\u0009\u000b\u000c\u000e-\u001f\u007f-\u009f\ufeff\ufffd]/.test(text) ? ['has such a character'] : []),
  },
  {
    name: 'last-line-ends',
    rule: `${RFC} 4.1`,
    says: 'every line ends',
    level: 'error',
    find: ({ text }) => (text.endsWith('\n') ? [] : ['the last line does not']),
  },
  {
    name: 'one-kind',
    rule: `${RFC} 4.1`,
    says: 'a playlist is either multivariant or of media',
    level: 'error',
    find: playlist => {
      const isMain = playlist.variants.length > 0;
      const isMedia = playlist.segments.length > 0 || tagsNamed(playlist, 'EXT-X-TARGETDURATION').length > 0;
      return isMain === isMedia ? ['is both or neither'] : [];
    },
  },
  {
    name: 'known-tags',
    rule: `${RFC} 4.1`,
    says: 'tags are spelled as the specification has them',
    level: 'error',
    find: ({ tags }) => tags.filter(({ name }) => !KNOWN.has(name)).map(({ name }) => name),
  },
  {
    name: 'tags-once',
    rule: `${RFC} 4.3`,
    says: 'what is said of the whole playlist is said once',
    level: 'error',
    find: playlist => ONCE.filter(name => tagsNamed(playlist, name).length > 1),
  },
  {
    name: 'attributes-once',
    rule: `${RFC} 4.2`,
    says: 'no attribute stands twice in a list',
    level: 'error',
    find: ({ tags }) =>
      tags.flatMap(({ name, value }) => {
        const names = [...value.matchAll(/(?:^|,)([A-Z0-9-]+)=(?:"[^"]*"|[^,]*)/g)].map(([, attribute = '']) => attribute);
        return new Set(names).size === names.length ? [] : [`${name}: ${names.join()}`];
      }),
  },
  {
    name: 'version-of-map',
    rule: `${RFC} 7`,
    says: 'EXT-X-VERSION is 6 at least where there is an EXT-X-MAP, 3 where durations are no integers',
    level: 'error',
    find: playlist => {
      const version = Number(tagsNamed(playlist, 'EXT-X-VERSION')[0]?.value ?? 1);
      const needed =
        tagsNamed(playlist, 'EXT-X-MAP').length > 0 ? 6 : playlist.segments.some(({ duration }) => duration.includes('.')) ? 3 : 1;
      return version >= needed ? [] : [`is ${version}, needs ${needed}`];
    },
  },
  {
    name: 'relative-addresses',
    rule: `${APPLE}, delivery`,
    says: 'every address is relative to its playlist',
    level: 'error',
    find: playlist => uris(playlist).filter(uri => uri === '' || /^(\/|[a-z][a-z0-9+.-]*:)/i.test(uri)),
  },
  {
    name: 'start-within',
    rule: `${BIS} 4.4.2.2`,
    says: 'EXT-X-START has a TIME-OFFSET that is a number, and PRECISE is YES or NO',
    level: 'error',
    find: playlist =>
      tagsNamed(playlist, 'EXT-X-START').flatMap(({ attributes, value }) =>
        /^-?\d+(\.\d+)?$/.test(attributes['TIME-OFFSET'] ?? '') && /^(YES|NO)$/.test(attributes.PRECISE ?? 'NO') ? [] : [value],
      ),
  },
];
