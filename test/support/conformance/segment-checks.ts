// Rules for what is fetched: types of answers, and the boxes of init segments and segments.
import { APPLE, type Check, RFC } from './checks.ts';

export type Resource = { readonly uri: string; readonly contentType: string; readonly encoding: string; readonly bytes: Buffer };

function boxNames(bytes: Buffer): string[] {
  const names: string[] = [];
  for (let at = 0; at + 8 <= bytes.byteLength; ) {
    const size = bytes.readUInt32BE(at);
    names.push(bytes.toString('latin1', at + 4, at + 8));
    if (size < 8 || at + size > bytes.byteLength) return [...names, 'cut off'];
    at += size;
  }
  return names;
}

const has = (bytes: Buffer, box: string): boolean => bytes.includes(box, 0, 'latin1');

export const PLAYLIST_RESOURCE_CHECKS: readonly Check<Resource>[] = [
  {
    name: 'playlist-type',
    rule: `${RFC} 4`,
    says: 'playlists are application/vnd.apple.mpegurl',
    level: 'error',
    find: ({ contentType }) => (/^application\/vnd\.apple\.mpegurl\b/.test(contentType) ? [] : [contentType]),
  },
  {
    name: 'playlist-gzip',
    rule: `${APPLE} 10.1`,
    says: 'playlists go out as gzip to those who take it, where that makes them smaller',
    level: 'error',
    find: ({ encoding, bytes }) =>
      bytes.byteLength < 2_000 || /gzip|br/.test(encoding) ? [] : [`${bytes.byteLength} bytes, ${encoding || 'plain'}`],
  },
];

export const INIT_CHECKS: readonly Check<Resource>[] = [
  {
    name: 'init-type',
    rule: `${APPLE} 10.4`,
    says: 'init segments are video/mp4 or audio/mp4',
    level: 'error',
    find: ({ contentType }) => (/^(video|audio)\/mp4$/.test(contentType) ? [] : [contentType]),
  },
  {
    name: 'init-boxes',
    rule: `${RFC} 3.3`,
    says: 'an init segment has ftyp before moov, moov has mvex, and no samples are in it',
    level: 'error',
    find: ({ bytes }) => {
      const names = boxNames(bytes);
      const isRight =
        names[0] === 'ftyp' && names.includes('moov') && has(bytes, 'mvex') && !names.includes('mdat') && !names.includes('moof');
      return isRight ? [] : [names.join()];
    },
  },
  {
    name: 'one-track',
    rule: 'CMAF (ISO/IEC 23000-19) 7.3.1',
    says: 'an init segment has one track',
    level: 'error',
    find: ({ bytes }) => {
      const tracks = bytes.toString('latin1').split('trak').length - 1;
      return tracks === 1 ? [] : [`${tracks} tracks`];
    },
  },
];

export const SEGMENT_CHECKS: readonly Check<Resource>[] = [
  {
    name: 'segment-type',
    rule: `${APPLE} 10.4`,
    says: 'segments are video/iso.segment, video/mp4 or audio/mp4',
    level: 'error',
    find: ({ contentType }) => (/^(video\/iso\.segment|(video|audio)\/mp4)$/.test(contentType) ? [] : [contentType]),
  },
  {
    name: 'segment-boxes',
    rule: `${RFC} 3.3`,
    says: 'a segment has moof before mdat, a tfdt, and no moov',
    level: 'error',
    find: ({ bytes }) => {
      const names = boxNames(bytes);
      const [moof, mdat] = [names.indexOf('moof'), names.indexOf('mdat')];
      return moof >= 0 && mdat > moof && has(bytes, 'tfdt') && !names.includes('moov') && !names.includes('cut off') ? [] : [names.join()];
    },
  },
];
