// Rules for media playlists, and for all those of one stream together.
import { APPLE, type Check, RFC } from './checks.ts';
import { type Playlist, type Stream, tagsNamed } from './playlist.ts';

const targetOf = (playlist: Playlist): number => Number(tagsNamed(playlist, 'EXT-X-TARGETDURATION')[0]?.value);
const lengthOf = ({ segments }: Playlist): number => segments.reduce((sum, { duration }) => sum + Number(duration), 0);

export const MEDIA_CHECKS: readonly Check<Playlist>[] = [
  {
    name: 'target-duration',
    rule: `${RFC} 4.3.3.1`,
    says: 'EXT-X-TARGETDURATION is an integer and no rounded EXTINF is above it',
    level: 'error',
    find: playlist => {
      const target = targetOf(playlist);
      if (!Number.isInteger(target) || target < 1) return [`is ${target}`];
      return playlist.segments
        .filter(({ duration }) => Math.round(Number(duration)) > target)
        .map(({ uri, duration }) => `${uri}: ${duration} of ${target}`);
    },
  },
  {
    name: 'durations',
    rule: `${RFC} 4.3.2.1`,
    says: 'EXTINF is a positive decimal number',
    level: 'error',
    find: ({ segments }) =>
      segments
        .filter(({ duration }) => !/^\d+(\.\d+)?$/.test(duration) || Number(duration) <= 0)
        .map(({ uri, duration }) => `${uri}: ${duration}`),
  },
  {
    name: 'complete',
    rule: `${RFC} 4.3.3.4, 4.3.3.5`,
    says: 'a film is EXT-X-PLAYLIST-TYPE VOD and ends',
    level: 'error',
    find: playlist => [
      ...(tagsNamed(playlist, 'EXT-X-PLAYLIST-TYPE')[0]?.value === 'VOD' ? [] : ['is not VOD']),
      ...(tagsNamed(playlist, 'EXT-X-ENDLIST').length === 1 ? [] : ['does not end']),
    ],
  },
  {
    name: 'map-first',
    rule: `${RFC} 4.3.2.5`,
    says: 'segments in fragmented MP4 have their EXT-X-MAP before the first',
    level: 'error',
    find: ({ lines, segments }) => {
      const isMp4 = segments.some(({ uri }) => /\.(m4s|mp4)$/.test(uri));
      const [map, first] = [
        lines.findIndex(line => line.startsWith('#EXT-X-MAP:URI="')),
        lines.findIndex(line => line.startsWith('#EXTINF')),
      ];
      return isMp4 && (map === -1 || map > first) ? ['it is missing'] : [];
    },
  },
  {
    name: 'segments-once',
    rule: `${RFC} 6.2.1`,
    says: 'no segment is listed twice',
    level: 'error',
    find: ({ segments, tags }) => {
      if (tags.some(({ name }) => name === 'EXT-X-BYTERANGE')) return [];
      const uris = segments.map(({ uri }) => uri);
      return new Set(uris).size === uris.length ? [] : ['one is'];
    },
  },
  {
    name: 'not-empty',
    rule: `${RFC} 4.1`,
    says: 'there is a segment',
    level: 'error',
    find: ({ segments }) => (segments.length > 0 ? [] : ['there is none']),
  },
];

const isTrickPlay = ({ tags }: Playlist): boolean =>
  tags.some(({ name }) => name === 'EXT-X-I-FRAMES-ONLY' || name === 'EXT-X-IMAGES-ONLY');

/** Whole frames of sound and the last picture end a little apart. */
const END_APART_S = 1;

export const STREAM_CHECKS: readonly Check<Stream>[] = [
  {
    name: 'one-target-duration',
    rule: `${RFC} 6.2.4`,
    says: 'every media playlist has the same EXT-X-TARGETDURATION, but for those of trick play',
    level: 'error',
    find: ({ media }) => {
      const targets = new Set([...media.values()].filter(playlist => !isTrickPlay(playlist)).map(targetOf));
      return targets.size <= 1 ? [] : [[...targets].join()];
    },
  },
  {
    name: 'pictures-as-long-as-each-other',
    rule: `${RFC} 6.2.4`,
    says: 'variants have the same content: their playlists are of one length',
    level: 'error',
    find: ({ main, media }) => {
      const lengths = main.variants.flatMap(({ uri }) => media.get(uri) ?? []).map(lengthOf);
      return Math.max(...lengths) - Math.min(...lengths) <= END_APART_S ? [] : [lengths.join()];
    },
  },
  {
    name: 'independent-segments',
    rule: `${APPLE} 1 and ${RFC} 4.3.5.1`,
    says: 'what the multivariant playlist calls independent, every media playlist calls so',
    level: 'error',
    find: ({ main, media }) =>
      tagsNamed(main, 'EXT-X-INDEPENDENT-SEGMENTS').length === 0
        ? []
        : [...media]
            .filter(
              ([uri, playlist]) =>
                !/subtitles/.test(uri) && !isTrickPlay(playlist) && tagsNamed(playlist, 'EXT-X-INDEPENDENT-SEGMENTS').length === 0,
            )
            .map(([uri]) => uri),
  },
  {
    name: 'same-version',
    rule: `${APPLE} 8 (media playlist)`,
    says: 'playlists say one EXT-X-VERSION',
    level: 'warning',
    find: ({ main, media }) => {
      const versions = new Set(
        [main, ...[...media.values()].filter(playlist => !isTrickPlay(playlist))].map(
          playlist => tagsNamed(playlist, 'EXT-X-VERSION')[0]?.value,
        ),
      );
      return versions.size <= 1 ? [] : [[...versions].join()];
    },
  },
];
