// Every kind of film for every kind of client: what is delivered of each track, and why.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveCapabilities } from '#domain/delivery/client-profile.ts';
import { type Decision, decide } from '#domain/delivery/decision.ts';
import { type Capabilities, PROFILE_NAMES, type ProfileName } from '#domain/delivery/profiles.ts';
import type { AudioStream, Media, VideoStream } from '#domain/media.ts';
import { buildPlan } from '#domain/plan.ts';
import { aColour, aMap, anAudioStream, anAudioTimeline, aTitle, aVideoStream, everyS } from '../../support/titles.ts';

type Film = {
  readonly container: Media['container'];
  readonly video: Partial<VideoStream>;
  readonly audio: readonly Partial<AudioStream>[];
  readonly bitrateBps?: number;
  readonly keyframesS?: readonly number[];
};

function decisionOf(film: Film, profile: ProfileName, said: Partial<Capabilities> = {}, request = {}): Decision {
  const { container, video, audio, bitrateBps = 4_200_000, keyframesS = everyS(2, 30) } = film;
  const streams = {
    video: [aVideoStream({ profile: null, ...video })],
    audio: audio.map((changes, at) => anAudioStream({ index: at + 1, ...changes })),
    subtitles: [],
  };
  const map = aMap(keyframesS, 60, { audio: audio.map((_, at) => anAudioTimeline({ index: at + 1 })) });
  const capabilities = resolveCapabilities(profile, said);
  return decide(aTitle({ container, bitrateBps, streams }), map, buildPlan(map, { num: 24, den: 1 }, 2_000), {
    delivery: 'auto',
    audioTrack: 0,
    capabilities,
    ...request,
  });
}

/** `remux video copy, audio copy`, with the reasons of each track that is encoded. */
const summary = ({ offer, tracks }: Decision): string =>
  `${offer.delivery}: ${tracks.map(({ kind, action, reasons }) => [kind, action, ...reasons].join(' ')).join(', ')}`;

const VIDEO = {
  h264: { codec: 'h264', codecString: 'avc1.640028' },
  h264ten: { codec: 'h264', codecString: 'avc1.6e0028', bitDepth: 10 },
  hevc: { codec: 'hevc', codecString: 'hvc1.1.6.L120.B0' },
  hdr: { codec: 'hevc', codecString: 'hvc1.2.4.L150.B0', bitDepth: 10, hdr: 'hdr10' as const },
  hlg: { codec: 'hevc', codecString: 'hvc1.2.4.L150.B0', bitDepth: 10, hdr: 'hlg' as const },
  dolby: { codec: 'hevc', codecString: 'hvc1.2.4.L150.B0', bitDepth: 10, hdr: 'dolby-vision' as const },
  vp9: { codec: 'vp9', codecString: 'vp09.00.40.08' },
  vp8: { codec: 'vp8', codecString: 'vp08.00.40.08' },
  av1: { codec: 'av1', codecString: 'av01.0.08M.08' },
  mpeg2: { codec: 'mpeg2video', codecString: null },
} satisfies Readonly<Record<string, Partial<VideoStream>>>;
/** Over a layer of another kind: 0 none, 1 HDR10, 2 plain, 4 HLG. */
function dolbyVision(profile: number, compatibility: number): Partial<VideoStream> {
  const transfer = { 1: 'smpte2084', 4: 'arib-std-b67' }[compatibility] ?? null;
  const record = { profile, level: 6, hasEnhancementLayer: false, compatibility };
  return { ...VIDEO.hevc, bitDepth: 10, hdr: 'dolby-vision', colour: aColour(null, { transfer, dolbyVision: record }) };
}
const AUDIO = {
  aac: {},
  aac6: { channels: 6 },
  ac3: { codec: 'ac3', codecString: 'ac-3', channels: 6 },
  eac3: { codec: 'eac3', codecString: 'ec-3', channels: 6 },
  opus: { codec: 'opus', codecString: 'opus' },
  mp3: { codec: 'mp3', codecString: 'mp4a.6b' },
  dts: { codec: 'dts', codecString: null, channels: 6 },
} satisfies Readonly<Record<string, Partial<AudioStream>>>;
const SHOWN: Readonly<Record<string, readonly string[]>> = { hdr: ['hdr10'], hlg: ['hlg'], dolby: ['hdr10', 'dolby-vision'] };
const isShown = (name: string, hdr: readonly string[]): boolean => SHOWN[name]?.some(kind => hdr.includes(kind)) ?? true;
const CONTAINERS = ['mp4', 'matroska', 'webm', 'mpegts'] as const;

const V = Object.entries(VIDEO);
const A = Object.entries(AUDIO);
let count = 0;

// What must hold of every decision, whatever it is: said apart from the code that makes it.
for (const profile of PROFILE_NAMES) {
  for (const [videoName, video] of V) {
    test(`decision: ${videoName} for ${profile}, in every container and with every sound: no track is encoded that could be sent as it is`, () => {
      const takes = resolveCapabilities(profile, {});
      for (const container of CONTAINERS) {
        for (const [audioName, audio] of A) {
          count++;
          const { offer, tracks } = decisionOf({ container, video, audio: [audio] }, profile);
          const [picture, sound] = tracks;
          const about = `${container} ${videoName} ${audioName} for ${profile}: ${summary({ offer, tracks })}`;
          const playsPicture = takes.videoCodecs.includes(video.codec) && videoName !== 'h264ten' && isShown(videoName, takes.hdr);
          const stream = anAudioStream(audio);
          const playsSound =
            takes.audioCodecs.includes(stream.codec) && (takes.maxAudioChannels === 0 || stream.channels <= takes.maxAudioChannels);
          const isFileTaken = takes.containers.includes(container) && playsPicture && playsSound;
          assert.equal(offer.delivery === 'direct', isFileTaken, about);
          if (!isFileTaken) {
            const isPicturePackaged = playsPicture && videoName !== 'vp8';
            assert.equal(picture?.action, isPicturePackaged ? 'copy' : 'encode', about);
            assert.equal(offer.delivery, isPicturePackaged ? 'remux' : 'transcode', about);
            assert.equal(sound?.action, playsSound && stream.codec !== 'mp3' ? 'copy' : 'encode', about);
          }
          for (const track of tracks) assert.equal(track.reasons.length > 0, track.action === 'encode', `reasons: ${about}`);
          const stereo = offer.audio.filter(({ form }) => form === undefined);
          assert.ok(stereo.length === 1 && stereo[0]?.codecs.startsWith('mp4a.40') && stereo[0].channels <= 2, `stereo: ${about}`);
        }
      }
    });
  }
}

test('decision: the table above has thousands of cases', () => {
  assert.equal(count, PROFILE_NAMES.length * V.length * A.length * CONTAINERS.length);
  assert.ok(count > 2_000, String(count));
});

const FILM: Film = { container: 'matroska', video: VIDEO.h264, audio: [AUDIO.aac] };
const CASES: readonly (readonly [what: string, film: Film, profile: ProfileName, said: Partial<Capabilities>, expected: string])[] = [
  ['a plain film in the wrong container', FILM, 'web-chrome', {}, 'remux: video copy, audio copy'],
  [
    'sound alone in the way',
    { ...FILM, audio: [AUDIO.dts] },
    'web-chrome',
    {},
    'remux: video copy, audio encode audio-codec-unsupported audio-not-copyable',
  ],
  [
    'the picture alone in the way',
    { ...FILM, video: VIDEO.hevc },
    'web-chrome',
    {},
    'transcode: video encode video-codec-unsupported, audio copy',
  ],
  [
    'HDR on a plain screen keeps its sound',
    { ...FILM, video: VIDEO.hdr, audio: [AUDIO.eac3] },
    'roku',
    {},
    'transcode: video encode hdr-unsupported, audio copy',
  ],
  [
    'HLG on a screen for HDR10 alone',
    { ...FILM, video: VIDEO.hlg },
    'tvos',
    { hdr: ['hdr10'] },
    'transcode: video encode hdr-unsupported, audio copy',
  ],
  ['Dolby Vision over HDR10, to who knows HDR10', { ...FILM, video: VIDEO.dolby }, 'webos', {}, 'direct: video direct, audio direct'],
  [
    'Dolby Vision over HDR10, on a plain screen',
    { ...FILM, video: VIDEO.dolby },
    'roku',
    {},
    'transcode: video encode hdr-unsupported, audio copy',
  ],
  ['Dolby Vision over HLG, to who knows HLG', { ...FILM, video: dolbyVision(8, 4) }, 'webos', {}, 'direct: video direct, audio direct'],
  ['Dolby Vision over a plain picture, anywhere', { ...FILM, video: dolbyVision(8, 2) }, 'roku', {}, 'direct: video direct, audio direct'],
  ['Dolby Vision alone, where it is shown', { ...FILM, video: dolbyVision(5, 0) }, 'safari-ios', {}, 'remux: video copy, audio copy'],
  [
    'ten bits of a plain range',
    { ...FILM, video: { ...VIDEO.hevc, profile: 'Main 10', bitDepth: 10 } },
    'roku',
    {},
    'direct: video direct, audio direct',
  ],
  ['HDR where it is shown', { ...FILM, video: VIDEO.hdr }, 'tvos', {}, 'remux: video copy, audio copy'],
  [
    'a file too heavy for its sound alone',
    { ...FILM, container: 'mp4', bitrateBps: 12_000_000, audio: [AUDIO.aac] },
    'web-chrome',
    { maxBandwidthBps: 6_000_000 },
    'remux: video copy, audio copy',
  ],
  [
    'a picture too heavy',
    { ...FILM, video: { ...VIDEO.h264, bitrateBps: 9_000_000 } },
    'web-chrome',
    { maxBandwidthBps: 6_000_000 },
    'transcode: video encode bitrate-too-high, audio copy',
  ],
  [
    'a picture too large',
    { ...FILM, video: { ...VIDEO.h264, width: 3840, height: 2160 } },
    'chromecast',
    {},
    'transcode: video encode resolution-too-high, audio copy',
  ],
  [
    'fields',
    { ...FILM, video: { ...VIDEO.h264, isInterlaced: true } },
    'web-firefox',
    {},
    'transcode: video encode video-profile-unsupported, audio copy',
  ],
  [
    'keyframes too far apart',
    { ...FILM, keyframesS: [0, 20, 40] },
    'web-chrome',
    {},
    'transcode: video encode keyframes-too-far-apart, audio copy',
  ],
  [
    'a codec without a name',
    { ...FILM, video: { ...VIDEO.h264, codecString: null } },
    'web-chrome',
    {},
    'transcode: video encode video-not-copyable, audio copy',
  ],
  ['VP8 outside WebM', { ...FILM, video: VIDEO.vp8 }, 'web-chrome', {}, 'transcode: video encode video-not-copyable, audio copy'],
  [
    'VP8 in WebM',
    { ...FILM, container: 'webm', video: VIDEO.vp8, audio: [AUDIO.opus] },
    'web-chrome',
    {},
    'direct: video direct, audio direct',
  ],
  [
    'more channels than can be heard',
    { ...FILM, audio: [AUDIO.aac6] },
    'web-chrome',
    { maxAudioChannels: 2 },
    'remux: video copy, audio encode audio-channels-unsupported',
  ],
  ['MP3 in Matroska', { ...FILM, audio: [AUDIO.mp3] }, 'web-chrome', {}, 'remux: video copy, audio encode audio-not-copyable'],
  [
    'each track by itself',
    { ...FILM, audio: [AUDIO.dts, AUDIO.aac, AUDIO.opus] },
    'web-chrome',
    {},
    'remux: video copy, audio encode audio-codec-unsupported audio-not-copyable, audio copy, audio copy',
  ],
  ['no sound', { ...FILM, audio: [] }, 'web-chrome', {}, 'remux: video copy'],
];
for (const [what, film, profile, said, expected] of CASES) {
  test(`decision: ${what}, ${profile}: ${expected}`, () => assert.equal(summary(decisionOf(film, profile, said)), expected));
}

test('decision: what no encode would show right is refused, and says why', () => {
  const five = { ...FILM, video: dolbyVision(5, 0) };
  assert.throws(() => decisionOf(five, 'roku'), { code: 'MEDIA_UNSUPPORTED', message: /hdr-unsupported.*dolby-vision-only/ });
  assert.throws(() => decisionOf(five, 'tvos', {}, { delivery: 'transcode' }), { code: 'MEDIA_UNSUPPORTED', message: /dolby-vision-only/ });
  const withoutFilters = { canConvertColours: false };
  const hdr = { ...FILM, video: VIDEO.hdr };
  assert.throws(() => decisionOf(hdr, 'roku', {}, withoutFilters), { code: 'MEDIA_UNSUPPORTED', message: /tone-mapping-unavailable/ });
  assert.equal(summary(decisionOf(hdr, 'tvos', {}, withoutFilters)), 'remux: video copy, audio copy');
  assert.equal(decisionOf(FILM, 'roku', {}, { ...withoutFilters, delivery: 'transcode' }).offer.video.length > 0, true);
});

test('decision: an offer for an HDR screen has the film itself first and rungs for a plain screen beside it', () => {
  const { offer } = decisionOf({ ...FILM, video: VIDEO.dolby }, 'tvos');
  const [first, ...rungs] = offer.video;
  assert.equal(first?.kind, 'video-copy');
  assert.ok(rungs.length > 0 && rungs.every(rung => rung.kind === 'video-encode' && rung.colour?.peakNits === 1_000));
});

test('decision: what the client asked for is the reason where there is no other', () => {
  const { tracks } = decisionOf(FILM, 'web-chrome', {}, { delivery: 'transcode' });
  assert.deepEqual(
    tracks.map(({ action, reasons }) => [action, reasons]),
    [
      ['encode', ['requested-by-client']],
      ['copy', []],
    ],
  );
});

test('decision: the selected track is the one that a file plays; the others are told as they would be sent', () => {
  const { tracks } = decisionOf({ ...FILM, container: 'mp4', audio: [AUDIO.aac, AUDIO.aac] }, 'web-chrome');
  assert.deepEqual(
    tracks.map(({ kind, action, isSelected }) => [kind, action, isSelected]),
    [
      ['video', 'direct', true],
      ['audio', 'direct', true],
      ['audio', 'copy', false],
    ],
  );
});

test('decision: surround that a client has loudspeakers for but no decoder is encoded as surround, beside stereo', () => {
  const audio = [AUDIO.dts];
  const forms = (said: Partial<Capabilities>) =>
    decisionOf({ ...FILM, audio }, 'web-chrome', said).tracks[1]?.renditions.map(facts => [facts.path, facts.channels]);
  assert.deepEqual(forms({ maxAudioChannels: 6 }), [
    ['audio/0-full', 6],
    ['audio/0', 2],
  ]);
  assert.deepEqual(forms({}), [['audio/0', 2]]);
});
