// Rules for the multivariant playlist.
import { APPLE, BIS, type Check, RFC } from './checks.ts';
import { HDR_CHECKS } from './hdr-checks.ts';
import { type Attributes, type Playlist, tagsNamed, unquoted } from './playlist.ts';

const each = (find: (attributes: Attributes) => boolean, told: (attributes: Attributes) => string) => (playlist: Playlist) =>
  playlist.variants.filter(({ attributes }) => !find(attributes)).map(({ attributes, uri }) => `${uri}: ${told(attributes)}`);

const wanted = (name: string, pattern: RegExp) =>
  each(
    attributes => pattern.test(attributes[name] ?? ''),
    attributes => `${name}=${attributes[name] ?? 'missing'}`,
  );

const groupsOf = ({ renditions }: Playlist): Map<string, Attributes[]> =>
  Map.groupBy(renditions, attributes => `${attributes.TYPE} ${attributes['GROUP-ID']}`);

const withoutVarying = ({ 'GROUP-ID': _group, URI: _uri, CHANNELS: _channels, ...others }: Attributes): string =>
  JSON.stringify(Object.entries(others).sort());

/** RFC 6381 names of what is delivered: a family and what it needs to be told. */
const CODEC =
  /^(avc[13]\.[0-9A-Fa-f]{6}|hvc1\.\S+|dvh1\.\S+|vp0[89]\.\d\d\.\d\d\.\d\d\S*|av01\.\d\.\d\d[MH]\.\d\d\S*|mp4a\.(40\.\d+|6[Bb9])|ac-3|ec-3|[Oo]pus|f[Ll]a[Cc]|stpp\.ttml\.\S+|wvtt)$/;

export const MULTIVARIANT_CHECKS: readonly Check<Playlist>[] = [
  { name: 'bandwidth', rule: `${RFC} 4.3.4.2`, says: 'BANDWIDTH is an integer', level: 'error', find: wanted('BANDWIDTH', /^[1-9]\d*$/) },
  {
    name: 'average-bandwidth',
    rule: `${APPLE} 9 (multivariant playlist)`,
    says: 'AVERAGE-BANDWIDTH is there and is not above BANDWIDTH',
    level: 'error',
    find: each(
      attributes => Number(attributes['AVERAGE-BANDWIDTH']) > 0 && Number(attributes['AVERAGE-BANDWIDTH']) <= Number(attributes.BANDWIDTH),
      attributes => `${attributes['AVERAGE-BANDWIDTH']} of ${attributes.BANDWIDTH}`,
    ),
  },
  {
    name: 'resolution',
    rule: `${APPLE} 9`,
    says: 'RESOLUTION is there',
    level: 'error',
    find: wanted('RESOLUTION', /^[1-9]\d*x[1-9]\d*$/),
  },
  {
    name: 'frame-rate',
    rule: `${APPLE} 9`,
    says: 'FRAME-RATE is there, to three places',
    level: 'error',
    find: wanted('FRAME-RATE', /^\d+(\.\d{1,3})?$/),
  },
  {
    name: 'video-range',
    rule: `${APPLE} 9`,
    says: 'VIDEO-RANGE is SDR, HLG or PQ',
    level: 'error',
    find: wanted('VIDEO-RANGE', /^(SDR|HLG|PQ)$/),
  },
  {
    name: 'closed-captions',
    rule: `${APPLE} 4 and ${RFC} 4.3.4.2`,
    says: 'CLOSED-CAPTIONS is NONE or a group, or absent beside a group',
    level: 'error',
    find: playlist => {
      const named = playlist.variants.filter(({ attributes }) => attributes['CLOSED-CAPTIONS'] !== undefined);
      const hasGroup = named.some(({ attributes }) => attributes['CLOSED-CAPTIONS'] !== 'NONE');
      return wanted('CLOSED-CAPTIONS', /^(NONE|"[^"]+")$/)(hasGroup ? { ...playlist, variants: named } : playlist);
    },
  },
  {
    name: 'no-captions-anywhere',
    rule: `${RFC} 4.3.4.2`,
    says: 'where one variant has no captions, none has',
    level: 'error',
    find: ({ variants }) => {
      const values = variants.map(({ attributes }) => attributes['CLOSED-CAPTIONS'] === 'NONE');
      return values.includes(true) && values.includes(false) ? ['some have'] : [];
    },
  },
  {
    name: 'codecs',
    rule: `${RFC} 4.3.4.2, RFC 6381`,
    says: 'CODECS names every codec in full',
    level: 'error',
    find: each(
      attributes =>
        unquoted(attributes.CODECS)
          .split(',')
          .every(codec => CODEC.test(codec)),
      attributes => attributes.CODECS ?? 'missing',
    ),
  },
  {
    name: 'hevc-as-hvc1',
    rule: `${APPLE} 1 (video)`,
    says: 'HEVC is called hvc1, which has its parameter sets in the init segment',
    level: 'error',
    find: each(
      attributes => !/hev1|dvhe/.test(attributes.CODECS ?? ''),
      attributes => attributes.CODECS ?? '',
    ),
  },
  {
    name: 'groups-exist',
    rule: `${RFC} 4.3.4.2`,
    says: 'AUDIO, VIDEO and SUBTITLES name groups that are there',
    level: 'error',
    find: playlist =>
      playlist.variants.flatMap(({ attributes }) =>
        ['AUDIO', 'VIDEO', 'SUBTITLES']
          .filter(type => attributes[type] !== undefined && !groupsOf(playlist).has(`${type} ${attributes[type]}`))
          .map(type => `${type}=${attributes[type]}`),
      ),
  },
  {
    name: 'groups-used',
    rule: `${RFC} 4.3.4.2`,
    says: 'every group is named by a variant',
    level: 'error',
    find: playlist =>
      [...groupsOf(playlist).keys()].filter(key => {
        const [type = '', id] = key.split(' ');
        return !playlist.variants.some(({ attributes }) => attributes[type] === id);
      }),
  },
  {
    name: 'groups-have-the-same-members',
    rule: `${RFC} 4.3.4.1.1`,
    says: 'groups of a type have the same members, which differ in URI and CHANNELS alone',
    level: 'error',
    find: playlist => {
      const byType = Map.groupBy(groupsOf(playlist), ([key]) => key.split(' ')[0]);
      return [...byType].flatMap(([type, groups]) => {
        const members = groups.map(([, of]) => of.map(withoutVarying).sort().join());
        return new Set(members).size <= 1 ? [] : [`${type}: ${groups.map(([key]) => key).join(' and ')} differ`];
      });
    },
  },
  {
    name: 'names-differ',
    rule: `${RFC} 4.3.4.1.1`,
    says: 'members of a group have names of their own',
    level: 'error',
    find: playlist =>
      [...groupsOf(playlist)].filter(([, of]) => new Set(of.map(({ NAME }) => NAME)).size !== of.length).map(([key]) => key),
  },
  {
    name: 'one-default',
    rule: `${RFC} 4.3.4.1.1`,
    says: 'a group has one default at most',
    level: 'error',
    find: playlist =>
      [...groupsOf(playlist)].filter(([, of]) => of.filter(({ DEFAULT }) => DEFAULT === 'YES').length > 1).map(([key]) => key),
  },
  {
    name: 'default-is-selected',
    rule: `${RFC} 4.3.4.1`,
    says: 'what is DEFAULT=YES has no AUTOSELECT=NO',
    level: 'error',
    find: ({ renditions }) =>
      renditions.filter(({ DEFAULT, AUTOSELECT }) => DEFAULT === 'YES' && AUTOSELECT === 'NO').map(({ NAME = '' }) => NAME),
  },
  {
    name: 'media-attributes',
    rule: `${RFC} 4.3.4.1`,
    says: 'EXT-X-MEDIA has TYPE, GROUP-ID and NAME; sound and subtitles have a URI, captions an INSTREAM-ID instead',
    level: 'error',
    find: ({ renditions }) =>
      renditions
        .filter(({ TYPE = '', 'GROUP-ID': id, NAME, URI, 'INSTREAM-ID': instream }) => {
          const isNamed =
            /^(AUDIO|VIDEO|SUBTITLES|CLOSED-CAPTIONS)$/.test(TYPE) && /^"[^"]+"$/.test(id ?? '') && /^"[^"]+"$/.test(NAME ?? '');
          return !isNamed || (TYPE === 'CLOSED-CAPTIONS' ? instream === undefined || URI !== undefined : URI === undefined);
        })
        .map(attributes => JSON.stringify(attributes)),
  },
  {
    name: 'forced-is-of-subtitles',
    rule: `${BIS} 4.4.6.1`,
    says: 'FORCED stands at subtitles alone',
    level: 'error',
    find: ({ renditions }) =>
      renditions.filter(({ TYPE, FORCED }) => FORCED !== undefined && TYPE !== 'SUBTITLES').map(({ NAME = '' }) => NAME),
  },
  {
    name: 'language-tag',
    rule: `${RFC} 4.3.4.1, BCP 47`,
    says: 'LANGUAGE is a language tag',
    level: 'error',
    find: ({ renditions }) =>
      renditions.flatMap(({ LANGUAGE }) =>
        LANGUAGE === undefined || /^"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*"$/.test(LANGUAGE) ? [] : [LANGUAGE],
      ),
  },
  {
    name: 'channels',
    rule: `${APPLE} 9 and ${BIS} 4.4.6.1`,
    says: 'sound says its CHANNELS',
    level: 'error',
    find: ({ renditions }) =>
      renditions
        .filter(({ TYPE, CHANNELS }) => TYPE === 'AUDIO' && !/^"\d+(\/[A-Z,-]*)*"$/.test(CHANNELS ?? ''))
        .map(({ NAME = '' }) => NAME),
  },
  {
    name: 'stereo-aac-is-there',
    rule: `${APPLE} 2 (audio)`,
    says: 'where there is sound, a group of it is stereo in AAC throughout',
    level: 'error',
    find: ({ renditions, variants }) => {
      const isPlain = (id: string | undefined): boolean =>
        renditions
          .filter(attributes => attributes['GROUP-ID'] === id && attributes.TYPE === 'AUDIO')
          .every(({ CHANNELS }) => /^"[12]"$/.test(CHANNELS ?? ''));
      const withSound = variants.filter(({ attributes }) => attributes.AUDIO !== undefined);
      const isThere = withSound.some(({ attributes }) => {
        const sounds = unquoted(attributes.CODECS)
          .split(',')
          .slice(1)
          .filter(codec => !/^(wvtt|stpp)/.test(codec));
        return isPlain(attributes.AUDIO) && sounds.every(codec => codec.startsWith('mp4a.40'));
      });
      return withSound.length === 0 || isThere ? [] : ['none is'];
    },
  },
  {
    name: 'variants-differ',
    rule: `${APPLE} 9`,
    says: 'no variant is listed twice with the same groups',
    level: 'error',
    find: ({ variants }) => {
      const keys = variants.map(({ attributes, uri }) => [uri, attributes.AUDIO, attributes.VIDEO, attributes.SUBTITLES].join(' '));
      return keys.filter((key, at) => keys.indexOf(key) !== at);
    },
  },
  {
    name: 'session-data',
    rule: `${RFC} 4.3.4.4`,
    says: 'EXT-X-SESSION-DATA has a DATA-ID and either a VALUE or a URI, each id once in a language',
    level: 'error',
    find: playlist => {
      const tags = tagsNamed(playlist, 'EXT-X-SESSION-DATA');
      const keys = tags.map(({ attributes }) => `${attributes['DATA-ID']} ${attributes.LANGUAGE ?? ''}`);
      return tags
        .filter(
          ({ attributes: { 'DATA-ID': id, VALUE, URI } }, at) =>
            id === undefined || (VALUE === undefined) === (URI === undefined) || keys.indexOf(keys[at] ?? '') !== at,
        )
        .map(({ value }) => value);
    },
  },
  {
    name: 'fast-pictures',
    rule: `${APPLE} 1 (video)`,
    says: 'no more than 60 frames a second',
    level: 'warning',
    find: each(
      attributes => Number(attributes['FRAME-RATE']) <= 60,
      attributes => `FRAME-RATE=${attributes['FRAME-RATE']}`,
    ),
  },
  ...HDR_CHECKS,
];
