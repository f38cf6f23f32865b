import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveCapabilities } from '#domain/delivery/client-profile.ts';
import { chooseDelivery, type DeliveryRequest } from '#domain/delivery/delivery.ts';
import type { Capabilities, ProfileName } from '#domain/delivery/profiles.ts';
import { FerriteError } from '#domain/errors.ts';
import type { AudioStream, Media, VideoStream } from '#domain/media.ts';
import { buildPlan } from '#domain/plan.ts';
import type { Offer } from '#domain/session.ts';
import { aMap, anAudioStream, anAudioTimeline, aTitle, aVideoStream, everyS } from '../../support/titles.ts';

type Case = {
  readonly what?: string;
  readonly container?: Media['container'];
  readonly bitrateBps?: number;
  readonly video?: Partial<VideoStream>;
  readonly audio?: readonly Partial<AudioStream>[];
  readonly keyframesS?: readonly number[];
  readonly profile?: ProfileName;
  readonly said?: Partial<Capabilities>;
  readonly request?: Partial<DeliveryRequest>;
};

function choose({
  container = 'mp4',
  bitrateBps = 4_200_000,
  video = {},
  audio = [{}],
  keyframesS,
  profile = 'web-chrome',
  said = {},
  request = {},
}: Case): Offer {
  const streams = {
    video: [aVideoStream(video)],
    audio: audio.map((changes, at) => anAudioStream({ index: at + 1, ...changes })),
    subtitles: [],
  };
  const media = aTitle({ container, bitrateBps, streams });
  const timelines = audio.map((_, at) => anAudioTimeline({ index: at + 1 }));
  const map = aMap(keyframesS ?? everyS(2, 30), 60, { audio: timelines });
  const capabilities = resolveCapabilities(profile, said);
  return chooseDelivery(media, map, buildPlan(map, { num: 24, den: 1 }, 2_000), {
    delivery: 'auto',
    audioTrack: 0,
    capabilities,
    ...request,
  });
}

const kinds = ({ video, audio }: Offer): string[] => [...video, ...audio].map(({ kind }) => kind);

const CHOICES: readonly (Case & { delivery: string; reasons: readonly string[] })[] = [
  { what: 'everything plays', delivery: 'direct', reasons: [] },
  { what: 'Matroska in a browser', container: 'matroska', delivery: 'remux', reasons: ['container-unsupported'] },
  { what: 'Matroska on Android', container: 'matroska', profile: 'android', delivery: 'direct', reasons: [] },
  {
    what: 'sound that does not play',
    audio: [{ codec: 'ac3', codecString: 'ac-3' }],
    delivery: 'remux',
    reasons: ['audio-codec-unsupported'],
  },
  {
    what: 'another track than the first',
    audio: [{}, {}],
    request: { audioTrack: 1 },
    delivery: 'remux',
    reasons: ['audio-track-selected'],
  },
  { what: 'no sound at all', audio: [], delivery: 'direct', reasons: [] },
  { what: 'HEVC in a browser', video: { codec: 'hevc' }, delivery: 'transcode', reasons: ['video-codec-unsupported'] },
  { what: 'HEVC in Safari', video: { codec: 'hevc' }, profile: 'safari-ios', delivery: 'direct', reasons: [] },
  { what: '10-bit H.264', video: { bitDepth: 10 }, delivery: 'transcode', reasons: ['video-profile-unsupported'] },
  {
    what: 'HDR on a screen without',
    video: { codec: 'hevc', hdr: 'hdr10', bitDepth: 10 },
    profile: 'android',
    delivery: 'transcode',
    reasons: ['hdr-unsupported'],
  },
  { what: 'HDR on one with', video: { codec: 'hevc', hdr: 'hdr10', bitDepth: 10 }, profile: 'tvos', delivery: 'direct', reasons: [] },
  { what: 'too large a picture', said: { maxWidth: 1280 }, delivery: 'transcode', reasons: ['resolution-too-high'] },
  { what: 'too many bits', said: { maxBandwidthBps: 2_000_000 }, delivery: 'transcode', reasons: ['bitrate-too-high'] },
  { what: 'keyframes too far apart still play as a file', keyframesS: [0, 20, 40], delivery: 'direct', reasons: [] },
  {
    what: 'keyframes too far apart can not be cut',
    container: 'matroska',
    keyframesS: [0, 20, 40],
    delivery: 'transcode',
    reasons: ['keyframes-too-far-apart', 'container-unsupported'],
  },
  {
    what: 'a codec without a name can not be copied',
    container: 'matroska',
    video: { codecString: null },
    delivery: 'transcode',
    reasons: ['video-not-copyable', 'container-unsupported'],
  },
  {
    what: 'every reason is told once',
    container: 'avi',
    video: { codec: 'mpeg4' },
    audio: [{ codec: 'wmav2' }],
    delivery: 'transcode',
    reasons: ['video-codec-unsupported', 'container-unsupported', 'audio-codec-unsupported'],
  },
];
for (const { delivery, reasons, ...given } of CHOICES) {
  test(`delivery: ${given.what}: ${delivery}`, () => {
    const offer = choose(given);
    assert.deepEqual([offer.delivery, offer.reasons], [delivery, reasons]);
    assert.ok(offer.video.length > 0);
    assert.equal(offer.audio.filter(({ form }) => form === undefined).length, given.audio?.length ?? 1, 'every track in stereo');
  });
}

for (const [given, delivery] of [
  [{ request: { delivery: 'direct' } }, 'direct'],
  [{ request: { delivery: 'remux' } }, 'remux'],
  [{ request: { delivery: 'transcode' } }, 'transcode'],
] as const) {
  test(`delivery: ${delivery} that was asked for and is possible is given`, () => {
    const offer = choose(given);
    assert.deepEqual([offer.delivery, offer.reasons], [delivery, delivery === 'direct' ? [] : ['requested-by-client']]);
  });
}

const refusal = (given: Case): FerriteError => {
  try {
    choose(given);
  } catch (error) {
    assert.ok(error instanceof FerriteError);
    return error;
  }
  assert.fail('it was not refused');
};

const REFUSALS: readonly (Case & { reason: string })[] = [
  {
    what: 'direct of a container that does not play',
    container: 'matroska',
    request: { delivery: 'direct' },
    reason: 'container-unsupported',
  },
  { what: 'direct with another track', audio: [{}, {}], request: { delivery: 'direct', audioTrack: 1 }, reason: 'audio-track-selected' },
  {
    what: 'remux of a codec that does not play',
    video: { codec: 'hevc' },
    request: { delivery: 'remux' },
    reason: 'video-codec-unsupported',
  },
  { what: 'remux of keyframes too far apart', keyframesS: [0, 30], request: { delivery: 'remux' }, reason: 'keyframes-too-far-apart' },
];
for (const { what, reason, ...given } of REFUSALS) {
  test(`delivery: ${what} is refused with the reason`, () => {
    const { code, message } = refusal(given);
    assert.equal(code, 'MEDIA_UNSUPPORTED');
    assert.match(message, new RegExp(reason));
  });
}

test('delivery: a track that is not there is the request’s mistake', () => {
  for (const audioTrack of [1, -1, 99]) {
    const { code, fields } = refusal({ request: { audioTrack } });
    assert.deepEqual([code, fields[0]?.path], ['INVALID_REQUEST', '/audioTrack']);
  }
});

test('delivery: a media without a picture is refused', () => {
  const media = aTitle({ streams: { video: [], audio: [], subtitles: [] } });
  const map = aMap([0], 2);
  const request = { delivery: 'auto', audioTrack: 0, capabilities: resolveCapabilities('generic', {}) } as const;
  assert.throws(() => chooseDelivery(media, map, buildPlan(map, { num: 24, den: 1 }, 2_000), request), { code: 'MEDIA_UNSUPPORTED' });
});

test('delivery: a remux offers the original first and the ladder below it; a transcode has no original', () => {
  const remux = choose({ container: 'matroska' });
  assert.deepEqual(kinds(remux).slice(0, 2), ['video-copy', 'video-encode']);
  assert.equal(remux.video[0]?.rungId, 'original');
  assert.ok(!kinds(choose({ request: { delivery: 'transcode' } })).includes('video-copy'));
});

test('delivery: a transcode starts at 720p or the best below, with every other rung still there', () => {
  const offer = choose({ request: { delivery: 'transcode' } });
  assert.deepEqual(
    offer.video.map(({ rungId }) => rungId),
    ['720p', '1080p', '480p', '360p', '240p'],
  );
  const small = choose({ video: { width: 640, height: 360 }, request: { delivery: 'transcode' } });
  assert.equal(small.video[0]?.rungId, '360p');
});

test('delivery: rungs that the client can not show or carry are left out, but never all of them', () => {
  const rungs = (said: Partial<Capabilities>): string[] =>
    choose({ said, request: { delivery: 'transcode' } }).video.map(({ rungId }) => rungId);
  assert.deepEqual(rungs({ maxWidth: 900 }), ['480p', '360p', '240p']);
  assert.deepEqual(rungs({ maxHeight: 400 }), ['360p', '240p']);
  assert.deepEqual(rungs({ maxBandwidthBps: 1_000_000 }), ['360p', '240p']);
  assert.deepEqual(rungs({ maxWidth: 10 }), ['240p']);
});

test('delivery: each track is copied or encoded for itself, the selected one first', () => {
  const offer = choose({
    audio: [
      {},
      { codec: 'dts', codecString: null, channels: 6 },
      { codec: 'opus', codecString: 'opus' },
      { codec: 'mp3', codecString: 'mp4a.6b' },
    ],
    request: { audioTrack: 2 },
  });
  assert.deepEqual(
    offer.audio.map(({ track, kind, streamIndex }) => [track, kind, streamIndex]),
    [
      [2, 'audio-copy', 3],
      [2, 'audio-encode', 3],
      [0, 'audio-copy', 1],
      [1, 'audio-encode', 2],
      [3, 'audio-encode', 4],
    ],
  );
});

test('delivery: sound that can not be cut into whole frames is encoded', () => {
  const media = aTitle();
  const map = aMap(everyS(2, 30), 60, { audio: [anAudioTimeline({ frameDuration: null })] });
  const capabilities = resolveCapabilities('web-chrome', {});
  const offer = chooseDelivery(media, map, buildPlan(map, { num: 24, den: 1 }, 2_000), { delivery: 'remux', audioTrack: 0, capabilities });
  assert.deepEqual(kinds({ ...offer, video: [] }), ['audio-encode']);
});

test('delivery: a client without HLS gets the file or a refusal, never a playlist it can not play', () => {
  assert.equal(choose({ said: { hls: 'none' } }).delivery, 'direct');
  for (const refused of [
    { container: 'matroska' as const },
    { request: { delivery: 'remux' as const } },
    { request: { delivery: 'transcode' as const } },
  ]) {
    assert.throws(() => choose({ ...refused, said: { hls: 'none' } }), { code: 'MEDIA_UNSUPPORTED' });
  }
});
