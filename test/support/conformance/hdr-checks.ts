// Rules for the multivariant playlist of a film with high dynamic range.
import { APPLE, BIS, type Check } from './checks.ts';
import { type Attributes, type Playlist, tagsNamed, unquoted } from './playlist.ts';

const isHdr = ({ 'VIDEO-RANGE': range }: Attributes): boolean => range === 'PQ' || range === 'HLG';
const hdrVariants = ({ variants }: Playlist) => variants.filter(({ attributes }) => isHdr(attributes));
const iframes = (playlist: Playlist): Attributes[] => tagsNamed(playlist, 'EXT-X-I-FRAME-STREAM-INF').map(({ attributes }) => attributes);
const pictureCodec = ({ CODECS }: Attributes): string => unquoted(CODECS).split(',')[0] ?? '';

/** HEVC Main 10, AV1 and VP9 of ten bits, and Dolby Vision. */
const TEN_BITS = /^(hvc1\.2\.|dvh1\.|av01\.\d\.\d\d[MH]\.10|vp09\.02\.\d\d\.10)/;
/** Of the base layer that a brand promises. */
const RANGE_OF_BRAND: Readonly<Record<string, string>> = { db1p: 'PQ', db2g: 'SDR', db4h: 'HLG' };

export const HDR_CHECKS: readonly Check<Playlist>[] = [
  {
    name: 'sdr-beside-hdr',
    rule: `${APPLE} 1.24`,
    says: 'where there is HDR, there is SDR',
    level: 'error',
    find: playlist => {
      const isMissing = hdrVariants(playlist).length > 0 && hdrVariants(playlist).length === playlist.variants.length;
      return isMissing ? ['every variant is HDR'] : [];
    },
  },
  {
    name: 'sdr-i-frames-beside-hdr',
    rule: `${APPLE} 6.16`,
    says: 'where there is HDR, keyframes of SDR can be wound through',
    level: 'error',
    find: playlist => {
      const isMissing = hdrVariants(playlist).length > 0 && iframes(playlist).length > 0 && iframes(playlist).every(isHdr);
      return isMissing ? ['every I-frame playlist is HDR'] : [];
    },
  },
  {
    name: 'range-of-i-frames',
    rule: `${BIS} 4.4.6.3`,
    says: 'where there is HDR, I-frame playlists say their VIDEO-RANGE',
    level: 'error',
    find: playlist =>
      hdrVariants(playlist).length === 0
        ? []
        : iframes(playlist).flatMap(({ 'VIDEO-RANGE': range, URI = '' }) => (range === undefined ? [URI] : [])),
  },
  {
    name: 'hdr-has-ten-bits',
    rule: `${APPLE} 1.7`,
    says: 'HDR is HEVC Main 10, Dolby Vision, or AV1 or VP9 of ten bits',
    level: 'error',
    find: playlist =>
      hdrVariants(playlist).flatMap(({ attributes, uri }) =>
        TEN_BITS.test(pictureCodec(attributes)) ? [] : [`${uri}: ${pictureCodec(attributes)}`],
      ),
  },
  {
    name: 'dolby-vision-is-pq',
    rule: `${APPLE} 9`,
    says: 'Dolby Vision that is listed by its own name (profile 5) is of PQ',
    level: 'error',
    find: ({ variants }) =>
      variants.flatMap(({ attributes, uri }) =>
        /^dvh1\.05\./.test(pictureCodec(attributes)) && attributes['VIDEO-RANGE'] !== 'PQ' ? [uri] : [],
      ),
  },
  {
    name: 'supplemental-codecs',
    rule: `${BIS} 4.4.6.2`,
    says: 'SUPPLEMENTAL-CODECS is a codec with its brands, whose range is that of the variant',
    level: 'error',
    find: ({ variants }) =>
      variants.flatMap(({ attributes }) => {
        const told = attributes['SUPPLEMENTAL-CODECS'];
        if (told === undefined) return [];
        const brand = /^"(?:dvh1\.08|dav1\.10)\.\d\d\/(db\d[a-z])"$/.exec(told)?.[1];
        return brand !== undefined && RANGE_OF_BRAND[brand] === attributes['VIDEO-RANGE']
          ? []
          : [`${told} of ${attributes['VIDEO-RANGE']}`];
      }),
  },
  {
    name: 'hdr-at-a-usual-rate',
    rule: `${APPLE} 1.20`,
    says: 'there is HDR of 30 frames a second at most',
    level: 'warning',
    find: playlist => {
      const rates = hdrVariants(playlist).map(({ attributes }) => Number(attributes['FRAME-RATE']));
      return rates.length > 0 && Math.min(...rates) > 30 ? [`${Math.min(...rates)}`] : [];
    },
  },
];
