import assert from 'node:assert/strict';
import { test } from 'node:test';
import HLS from 'hls-parser';
import { resolveCapabilities } from '#domain/delivery/client-profile.ts';
import { chooseDelivery } from '#domain/delivery/delivery.ts';
import type { Capabilities } from '#domain/delivery/profiles.ts';
import type { EncoderName } from '#domain/encoders.ts';
import type { AudioStream, Chapter, KeyframeMap, Media, VideoStream } from '#domain/media.ts';
import { buildPlan } from '#domain/plan.ts';
import type { SubtitleRendition, VideoRendition } from '#domain/rendition.ts';
import { iframesOfOffer } from '#domain/trick-play/iframes.ts';
import { mediaPlaylist, multivariantPlaylist, type PlaylistInput, withStart } from '#src/playback/offer/playlist-text.ts';
import { aMap, anAudioStream, anAudioTimeline, aTitle, aVideoStream, everyS, seededRandom } from '../../support/titles.ts';

type Given = {
  readonly audio?: readonly Partial<AudioStream>[];
  readonly keyframesS?: readonly number[];
  readonly endS?: number;
  readonly hasLeadingPictures?: boolean;
  readonly delivery?: 'remux' | 'transcode';
  readonly rate?: { num: number; den: number };
  readonly video?: Partial<VideoStream>;
  readonly chapters?: readonly Chapter[];
  readonly said?: Partial<Capabilities>;
};

function given({
  audio = [{}],
  keyframesS = everyS(2, 30),
  endS = 60,
  hasLeadingPictures = false,
  delivery = 'remux',
  rate,
  video = {},
  chapters = [],
  said = {},
}: Given = {}): PlaylistInput {
  const frameRate = rate ?? { num: 24, den: 1 };
  const media: Media = aTitle({
    chapters,
    streams: {
      video: [aVideoStream({ frameRate, ...video })],
      audio: audio.map((changes, at) => anAudioStream({ index: at + 1, ...changes })),
      subtitles: [],
    },
  });
  const timelines = audio.map((_, at) => anAudioTimeline({ index: at + 1, endPts: Math.round(endS * 48_000) }));
  const plain = aMap(keyframesS, endS, { audio: timelines });
  const map: KeyframeMap = { ...plain, video: { ...plain.video, hasLeadingPictures } };
  const plan = buildPlan(map, frameRate, 2_000);
  const capabilities = resolveCapabilities('web-chrome', said);
  const offer = chooseDelivery(media, map, plan, { delivery, audioTrack: 0, capabilities });
  return { media, plan, hasLeadingPictures, offer, iframes: iframesOfOffer(offer, map) };
}

function main(input: PlaylistInput) {
  const text = multivariantPlaylist(input);
  const whole = HLS.parse(text);
  assert.ok(whole.isMasterPlaylist);
  // Those of trick play are looked at by themselves.
  const playlist = { ...whole, variants: whole.variants.filter(({ isIFrameOnly }) => !isIFrameOnly) };
  return { text, playlist };
}

function mediaPlaylists(input: PlaylistInput) {
  return [...input.offer.video, ...input.offer.audio].map(rendition => {
    const text = mediaPlaylist(input, rendition);
    const playlist = HLS.parse(text);
    assert.ok(!playlist.isMasterPlaylist);
    return { rendition, text, playlist };
  });
}

const audioNames = (input: PlaylistInput): string[] => main(input).playlist.variants[0]?.audio.map(({ name }) => name) ?? [];

test('playlist: the multivariant playlist lists every rung with what a player needs to choose', () => {
  const input = given({ audio: [{ language: 'en' }, { language: 'de', channels: 1 }] });
  const { playlist, text } = main(input);
  assert.deepEqual(
    playlist.variants.map(({ uri }) => uri),
    ['original', '1080p', '720p', '480p', '360p', '240p'].map(rung => `video/${rung}/index.m3u8`),
  );
  for (const [at, variant] of playlist.variants.entries()) {
    assert.deepEqual(variant.resolution, { width: input.offer.video[at]?.width, height: input.offer.video[at]?.height });
    assert.ok(variant.bandwidth > (input.offer.video[at]?.bandwidthBps ?? 0), 'BANDWIDTH has room for the sound');
    assert.equal(variant.codecs, `${input.offer.video[at]?.codecs},mp4a.40.2`);
    assert.deepEqual(
      variant.audio.map(({ uri, language, isDefault, channels }) => [uri, language, isDefault ?? false, channels]),
      [
        ['audio/0/index.m3u8', 'en', true, '2'],
        ['audio/1/index.m3u8', 'de', false, '1'],
      ],
    );
  }
  assert.match(text, /FRAME-RATE=24(\.000)?[,\n]/);
  assert.ok(text.startsWith('#EXTM3U\n') && text.endsWith('\n'));
});

test('playlist: a film without sound names no audio group', () => {
  const { text, playlist } = main(given({ audio: [] }));
  assert.ok(!text.includes('AUDIO'));
  assert.equal(playlist.variants[0]?.codecs, 'avc1.640028');
});

test('playlist: media playlists are complete from the first answer', () => {
  for (const { playlist, text } of mediaPlaylists(given())) {
    assert.equal(playlist.playlistType, 'VOD');
    assert.equal(playlist.endlist, true);
    assert.equal(playlist.mediaSequenceBase ?? 0, 0);
    assert.ok(text.endsWith('\n'));
    assert.deepEqual(
      playlist.segments.map(({ uri }) => uri),
      playlist.segments.map((_, index) => `${index}.m4s`),
    );
    assert.ok(playlist.segments.every(({ map }) => map?.uri === 'init.mp4'));
  }
});

test('playlist: TARGETDURATION covers every rounded EXTINF and is the same in all of a film’s playlists', () => {
  const random = seededRandom(99);
  for (let round = 0; round < 40; round++) {
    const keyframesS = [0];
    for (let count = 20; count > 0; count--) keyframesS.push((keyframesS.at(-1) ?? 0) + 0.1 + random() * 11);
    const playlists = mediaPlaylists(given({ keyframesS, endS: (keyframesS.at(-1) ?? 0) + 0.3 + random() * 9 }));
    const longest = Math.max(...playlists.flatMap(({ playlist }) => playlist.segments.map(({ duration }) => Math.round(duration))));
    for (const { playlist } of playlists) assert.equal(playlist.targetDuration, longest);
  }
});

test('playlist: EXTINF is true to the microsecond, so a film of fractional rate does not drift', () => {
  const frameS = 1001 / 24_000;
  const input = given({ rate: { num: 24_000, den: 1001 }, keyframesS: everyS(48 * frameS, 1_800), endS: 1_800 * 48 * frameS });
  for (const { playlist, rendition } of mediaPlaylists(input)) {
    const sum = playlist.segments.reduce((total, { duration }) => total + duration, 0);
    assert.ok(Math.abs(sum - 1_800 * 48 * frameS) < 0.03, `${rendition.kind} lasts ${sum}`);
  }
});

test('playlist: a copy of open GOPs is not called independent, neither itself nor the film', () => {
  for (const hasLeadingPictures of [true, false]) {
    const input = given({ hasLeadingPictures });
    const tag = '#EXT-X-INDEPENDENT-SEGMENTS';
    assert.equal(main(input).text.includes(tag), !hasLeadingPictures);
    for (const { rendition, text } of mediaPlaylists(input))
      assert.equal(text.includes(tag), rendition.kind !== 'video-copy' || !hasLeadingPictures, rendition.kind);
  }
  assert.ok(main(given({ hasLeadingPictures: true, delivery: 'transcode' })).text.includes('#EXT-X-INDEPENDENT-SEGMENTS'));
});

test('playlist: every address is relative', () => {
  const input = given();
  const texts = [main(input).text, ...mediaPlaylists(input).map(({ text }) => text)];
  for (const text of texts) {
    const addresses = [...text.matchAll(/URI="([^"]*)"/g)].map(match => match[1] ?? '');
    addresses.push(...text.split('\n').filter(line => line !== '' && !line.startsWith('#')));
    assert.ok(addresses.length > 0);
    for (const address of addresses) assert.match(address, /^[a-z0-9][\w./-]*$/i);
  }
});

test('playlist: whatever a file calls its tracks, nothing breaks out of the attribute', () => {
  const evil = 'x",URI="http://evil.example/a.m3u8"\r\n#EXT-X-STREAM-INF:BANDWIDTH=1\nhttp://evil.example/b.m3u8\u0000\u0085\u2028';
  const audio = [
    { title: evil, language: 'en' },
    { title: null, language: evil },
    { title: 'Ünïcode, with commas', language: null },
  ];
  const { text, playlist } = main(given({ audio }));
  assert.ok(!text.split('\n').some(line => line.startsWith('http')), text);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there (RFC 8216, 4.1)
  assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  assert.equal(text.match(/^#EXT-X-MEDIA:/gm)?.length, 3);
  assert.equal(text.match(/^#EXT-X-STREAM-INF:/gm)?.length, playlist.variants.length);
  assert.deepEqual(
    playlist.variants[0]?.audio.map(({ uri }) => uri),
    ['audio/0/index.m3u8', 'audio/1/index.m3u8', 'audio/2/index.m3u8'],
  );
  assert.equal(playlist.variants[0]?.audio[2]?.name, 'Ünïcode, with commas');
});

for (const [what, audio, expected] of [
  [
    'tracks are named after their title, language or number',
    [{ title: 'Director', language: 'en' }, { language: 'de' }, { language: null }],
    ['Director', 'German', 'Audio 3'],
  ],
  ['equal names are told apart', [{ title: 'Stereo' }, { title: 'Stereo' }], ['Stereo (1)', 'Stereo (2)']],
  [
    'an empty title is none',
    [
      { title: '', language: 'en' },
      { title: ' ', language: '' },
    ],
    ['English', 'Audio 2'],
  ],
] as const) {
  test(`playlist: ${what}`, () => assert.deepEqual(audioNames(given({ audio })), expected));
}

test('playlist: names differ even where a title looks like what tells names apart', () => {
  for (const titles of [
    ['A', 'A', 'A (1)'],
    ['A (2)', 'A', 'A'],
    ['a"b', 'a b'],
    ['A', 'A', 'A (1)', 'A (2)', 'A (1)', 'A (1) (1)'],
  ]) {
    const names = audioNames(given({ audio: titles.map(title => ({ title })) }));
    assert.equal(new Set(names).size, titles.length, names.join(' | '));
  }
});

/** Attributes of every line of one tag. */
const attributesOf = (text: string, tag: string): Record<string, string>[] =>
  [...text.matchAll(new RegExp(`^#${tag}:(.*)$`, 'gm'))].map(([, list = '']) =>
    Object.fromEntries(
      [...list.matchAll(/([A-Z-]+)=("[^"]*"|[^,]*)/g)].map(([, name = '', value = '']) => [name, value.replaceAll('"', '')]),
    ),
  );

const SURROUND = { codec: 'eac3', codecString: 'ec-3', channels: 6, bitrateBps: 640_000 };

test('playlist: every track is there in AAC stereo, and what is fuller has a group of its own that names the same tracks', () => {
  const { text } = main(given({ audio: [SURROUND, { language: 'de' }], said: { audioCodecs: ['aac', 'eac3'] } }));
  const media = attributesOf(text, 'EXT-X-MEDIA');
  assert.deepEqual(
    media.map(facts => [facts['GROUP-ID'], facts.NAME, facts.URI, facts.CHANNELS]),
    [
      ['audio-full', 'English', 'audio/0-full/index.m3u8', '6'],
      ['audio-full', 'German', 'audio/1/index.m3u8', '2'],
      ['audio', 'English', 'audio/0/index.m3u8', '2'],
      ['audio', 'German', 'audio/1/index.m3u8', '2'],
    ],
  );
  const variants = attributesOf(text, 'EXT-X-STREAM-INF');
  assert.deepEqual(
    [...new Set(variants.map(({ AUDIO, CODECS }) => `${AUDIO}: ${CODECS?.split(',').slice(1).join()}`))],
    ['audio-full: ec-3,mp4a.40.2', 'audio: mp4a.40.2'],
  );
  assert.equal(variants.length, 12);
});

test('playlist: stereo AAC has one group, and so has a client that takes nothing fuller', () => {
  for (const audio of [{}, SURROUND]) {
    const groups = attributesOf(main(given({ audio: [audio] })).text, 'EXT-X-MEDIA').map(facts => facts['GROUP-ID']);
    assert.deepEqual(groups, ['audio']);
  }
});

test('playlist: a variant says its average and its peak, that it has no captions, and the range of its picture', () => {
  const said = { videoCodecs: ['h264', 'hevc'], hdr: ['hdr10'] };
  const video = { codec: 'hevc', profile: null, codecString: 'hvc1.2.4.L150.B0', hdr: 'hdr10' as const };
  const variants = attributesOf(main(given({ video, said })).text, 'EXT-X-STREAM-INF');
  assert.deepEqual(
    variants.map(facts => facts['VIDEO-RANGE']),
    ['PQ', ...Array(variants.length - 1).fill('SDR')],
  );
  for (const facts of variants) {
    assert.equal(facts['CLOSED-CAPTIONS'], 'NONE');
    assert.ok(Number(facts['AVERAGE-BANDWIDTH']) <= Number(facts.BANDWIDTH), JSON.stringify(facts));
  }
  assert.equal(variants[0]?.['AVERAGE-BANDWIDTH'], '4128000');
});

test('playlist: where pictures carry captions, every variant names them, copied and encoded', () => {
  const { text } = main(given({ video: { hasCaptions: true } }));
  for (const facts of attributesOf(text, 'EXT-X-STREAM-INF')) assert.equal(facts['CLOSED-CAPTIONS'], 'captions');
  const named = attributesOf(text, 'EXT-X-MEDIA').filter(({ TYPE }) => TYPE === 'CLOSED-CAPTIONS');
  assert.deepEqual(named, [
    { TYPE: 'CLOSED-CAPTIONS', 'GROUP-ID': 'captions', NAME: 'Closed captions', DEFAULT: 'NO', AUTOSELECT: 'YES', 'INSTREAM-ID': 'CC1' },
  ]);
});

test('playlist: rungs of encoders that leave captions out do not name them, and deny none where others have them', () => {
  const input = given({ video: { hasCaptions: true } });
  const by = (...encoders: readonly EncoderName[]): (string | undefined)[] => {
    const [rung] = input.offer.video.filter(({ kind }) => kind === 'video-encode');
    const video = encoders.map((encoder, at) => ({ ...(rung ?? assert.fail()), rungId: `r${at}`, encoder }) as VideoRendition);
    const { text } = main({ ...input, offer: { ...input.offer, video } });
    return attributesOf(text, 'EXT-X-STREAM-INF').map(facts => facts['CLOSED-CAPTIONS']);
  };
  assert.deepEqual(new Set(by('libx264', 'h264_nvenc', 'h264_qsv', 'h264_videotoolbox')), new Set(['captions']));
  for (const encoder of ['h264_vaapi', 'h264_v4l2m2m', 'libx265', 'libaom-av1', 'hevc_nvenc'] as const) {
    assert.deepEqual(new Set(by('libx264', encoder)), new Set(['captions', undefined]), encoder);
    assert.deepEqual(new Set(by(encoder)), new Set(['NONE']), encoder);
  }
});

test('playlist: a VP9 copy is listed without H.264 beside it, whose sessions stay to be had', () => {
  const input = given({ video: { codec: 'vp9', profile: null, codecString: 'vp09.00.40.08' } });
  const variants = attributesOf(main(input).text, 'EXT-X-STREAM-INF');
  assert.deepEqual(
    variants.map(({ CODECS }) => CODECS?.split(',')[0]),
    ['vp09.00.40.08'],
  );
  assert.ok(input.offer.video.length > 1);
});

test('playlist: chapters are named where there are some', () => {
  const chapters = [{ startMs: 0, endMs: 30_000, title: 'One' }];
  assert.deepEqual(attributesOf(main(given({ chapters })).text, 'EXT-X-SESSION-DATA'), [
    { 'DATA-ID': 'com.apple.hls.chapters', URI: 'chapters.json' },
  ]);
  assert.deepEqual(attributesOf(main(given()).text, 'EXT-X-SESSION-DATA'), []);
});

test('playlist: a start is cut into the text, before everything that comes by variant', () => {
  const text = withStart(main(given()).text, 41.5);
  assert.deepEqual(attributesOf(text, 'EXT-X-START'), [{ 'TIME-OFFSET': '41.5', PRECISE: 'YES' }]);
  const playlist = HLS.parse(text);
  assert.deepEqual([playlist.start?.offset, playlist.start?.precise], [41.5, true]);
});

test('playlist: a track that describes the picture says so', () => {
  const { text } = main(given({ audio: [{}, { title: 'English (Audio Description)' }] }));
  assert.deepEqual(
    attributesOf(text, 'EXT-X-MEDIA').map(({ CHARACTERISTICS }) => CHARACTERISTICS),
    [undefined, 'public.accessibility.describes-video'],
  );
});

test('multivariant playlist: subtitles are a group of their own, and a playlist of theirs has WebVTT segments on the grid of the pictures', () => {
  const input = given();
  const facts = { kind: 'subtitle', codec: 'srt', streamIndex: null, sidecar: null, isDefault: false } as const;
  const subtitles: SubtitleRendition[] = [
    { ...facts, track: 0, name: 'English"SDH', language: 'en', isForced: false, isHearingImpaired: true },
    { ...facts, track: 3, name: 'German', language: 'de', isForced: true, isHearingImpaired: false },
  ];
  const offered = { ...input, offer: { ...input.offer, subtitles, subtitleTrack: 3 } };
  const { text, playlist } = main(offered);
  assert.deepEqual(
    text.split('\n').filter(line => line.includes('TYPE=SUBTITLES')),
    [
      '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subtitles",NAME="English SDH",DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,LANGUAGE="en",CHARACTERISTICS="public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound",URI="subtitles/0/index.m3u8"',
      '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subtitles",NAME="German",DEFAULT=YES,AUTOSELECT=YES,FORCED=YES,LANGUAGE="de",URI="subtitles/3/index.m3u8"',
    ],
  );
  for (const line of text.split('\n').filter(one => one.startsWith('#EXT-X-STREAM-INF'))) assert.match(line, /SUBTITLES="subtitles"/);
  assert.equal(playlist.variants.length, input.offer.video.length);
  const [english] = subtitles;
  const [encode] = input.offer.video.filter(({ kind }) => kind === 'video-encode');
  assert.ok(english && encode);
  const ofText = mediaPlaylist(offered, english);
  assert.doesNotMatch(ofText, /EXT-X-MAP/);
  assert.equal(ofText.replaceAll('.vtt', '.m4s'), mediaPlaylist(offered, encode).replace(/#EXT-X-MAP[^\n]*\n/, ''));
});
