import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  limitedTo,
  playsAudio,
  playsContainer,
  profileForUserAgent,
  resolveCapabilities,
  resolveClient,
  videoObstacles,
} from '#domain/delivery/client-profile.ts';
import { PROFILE_NAMES, type ProfileName, profileOf } from '#domain/delivery/profiles.ts';
import { anAudioStream, aVideoStream } from '../../support/titles.ts';

for (const [userAgent, profile] of [
  ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36', 'web-chrome'],
  ['Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0', 'web-chrome'],
  ['Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0', 'web-firefox'],
  ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15', 'safari-macos'],
  [
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/604.1',
    'safari-ios',
  ],
  ['AppleCoreMedia/1.0.0.22K557 (Apple TV; U; CPU OS 18_1 like Mac OS X) AppleTV11,1', 'tvos'],
  ['Roku/DVP-13.0 (13.0.0.3260-AC)', 'roku'],
  ['MyApp/1.0 (Linux;Android 14) ExoPlayerLib/2.19.1', 'android'],
  ['MyApp/1.0 (Linux;Android 15) AndroidXMedia3/1.5.0', 'android'],
  ['VLC/3.0.20 LibVLC/3.0.20', 'generic'],
  ['', 'generic'],
] as const) {
  test(`client profile: ${userAgent || 'no name'} is ${profile}`, () => assert.equal(profileForUserAgent(userAgent), profile));
}

const plain = (profile: ProfileName) => resolveCapabilities(profile, {});

test('client profile: what a request says replaces the profile field by field', () => {
  const said = resolveCapabilities('web-chrome', { videoCodecs: ['h264', 'hevc'], maxWidth: 1280 });
  assert.deepEqual(said, { ...plain('web-chrome'), videoCodecs: ['h264', 'hevc'], maxWidth: 1280 });
});

test('client profile: an empty list is said too', () => {
  assert.deepEqual(resolveCapabilities('web-chrome', { videoCodecs: [] }).videoCodecs, []);
});

test('client profile: other names for the same thing are understood, in any case', () => {
  const said = resolveCapabilities('generic', {
    containers: ['MKV', 'mov', 'ts', 'webm'],
    videoCodecs: ['AVC1', 'hvc1', 'hev1', 'h265', 'av01', 'vp09'],
    audioCodecs: ['MP4A', 'ac-3', 'ec-3', 'opus'],
  });
  assert.deepEqual(said.containers, ['matroska', 'mp4', 'mpegts', 'webm']);
  assert.deepEqual(said.videoCodecs, ['h264', 'hevc', 'hevc', 'hevc', 'av1', 'vp9']);
  assert.deepEqual(said.audioCodecs, ['aac', 'ac3', 'eac3', 'opus']);
});

test('client profile: names that every object has are names like any other', () => {
  assert.deepEqual(resolveCapabilities('generic', { videoCodecs: ['constructor', 'toString', '__proto__'] }).videoCodecs, [
    'constructor',
    'tostring',
    '__proto__',
  ]);
});

const obstacles = (video = {}, said = {}, bitrateBps = 1_000): string[] =>
  videoObstacles(resolveCapabilities('web-chrome', said), aVideoStream(video), { bitrateBps });

for (const { what, video, said, bitrateBps, expected } of [
  { what: 'a plain film', expected: [] },
  { what: 'an unknown codec', video: { codec: 'mpeg2video' }, expected: ['video-codec-unsupported'] },
  { what: '10-bit H.264', video: { bitDepth: 10 }, expected: ['video-profile-unsupported'] },
  { what: '10-bit HEVC where HEVC is played', video: { codec: 'hevc', bitDepth: 10 }, said: { videoCodecs: ['hevc'] }, expected: [] },
  { what: 'fields instead of frames', video: { isInterlaced: true }, expected: ['video-profile-unsupported'] },
  { what: 'too wide', said: { maxWidth: 1919 }, expected: ['resolution-too-high'] },
  { what: 'just wide enough', said: { maxWidth: 1920, maxHeight: 1080 }, expected: [] },
  { what: 'too high', said: { maxHeight: 1079 }, expected: ['resolution-too-high'] },
  { what: 'too many bits', said: { maxBandwidthBps: 999 }, bitrateBps: 1_000, expected: ['bitrate-too-high'] },
  { what: 'HDR on a screen without', video: { hdr: 'hdr10' }, expected: ['hdr-unsupported'] },
  { what: 'HDR of another kind', video: { hdr: 'hlg' }, said: { hdr: ['hdr10'] }, expected: ['hdr-unsupported'] },
  { what: 'Dolby Vision over HDR10', video: { hdr: 'dolby-vision' }, said: { hdr: ['hdr10'] }, expected: [] },
  {
    what: 'Dolby Vision over HDR10 on a screen for HLG',
    video: { hdr: 'dolby-vision' },
    said: { hdr: ['hlg'] },
    expected: ['hdr-unsupported'],
  },
  { what: 'HDR of the right kind', video: { hdr: 'hlg' }, said: { hdr: ['hlg'] }, expected: [] },
]) {
  test(`client profile: ${what}: ${expected.join() || 'no obstacle'}`, () =>
    assert.deepEqual(obstacles(video, said, bitrateBps), expected));
}

test('client profile: containers and sound are looked up by name', () => {
  assert.ok(playsContainer(plain('android'), 'matroska') && !playsContainer(plain('web-chrome'), 'matroska'));
  assert.ok(playsAudio(plain('roku'), anAudioStream({ codec: 'eac3' })) && !playsAudio(plain('android'), anAudioStream({ codec: 'eac3' })));
});

const CHROME = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36';
const BRANDS = '"Google Chrome";v="131", "Chromium";v="131", "Not_A Brand";v="24"';

for (const { what, named = null, brands = '', userAgent = CHROME, profile, source } of [
  { what: 'a profile that is named', named: 'roku', brands: BRANDS, profile: 'roku', source: 'profile' },
  { what: 'client hints', brands: BRANDS, userAgent: 'Mozilla/5.0 (Macintosh) Safari/605', profile: 'web-chrome', source: 'client-hints' },
  { what: 'a web view’s client hints', brands: '"Android WebView";v="131"', profile: 'android-webview', source: 'client-hints' },
  { what: 'a television set with client hints', brands: BRANDS, userAgent: `${CHROME} Web0S`, profile: 'webos', source: 'client-hints' },
  { what: 'a Cast receiver', userAgent: `${CHROME} CrKey/1.56.500000`, profile: 'chromecast', source: 'user-agent' },
  { what: 'a Samsung set', userAgent: 'Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) TV Safari/537.36', profile: 'tizen', source: 'user-agent' },
  {
    what: 'a web view',
    userAgent: 'Mozilla/5.0 (Linux; Android 14; Pixel; wv) Chrome/131.0.0.0',
    profile: 'android-webview',
    source: 'user-agent',
  },
  { what: 'nobody', userAgent: '', profile: 'generic', source: 'generic' },
] as const) {
  test(`client profile: ${what} is ${profile}, by ${source}`, () => {
    const client = resolveClient(named, { maxWidth: 1280 }, { userAgent, brands });
    assert.equal(client.profile, profile);
    assert.deepEqual([client.sources.maxWidth, client.sources.videoCodecs], ['said', source]);
    assert.deepEqual(client.capabilities, { ...plain(profile), maxWidth: 1280 });
  });
}

test('client profile: every row names the pages that it was written after', () => {
  for (const name of PROFILE_NAMES) {
    const { sources } = profileOf(name);
    assert.ok(sources.length > 0 && sources.every(source => /^https:\/\/[\w.-]+\/\S+$/.test(source)), name);
  }
});

test("client profile: an account's rate counts where the client's own is higher or unknown, and is said to be the account's", () => {
  const clientOf = (maxBandwidthBps: number) => resolveClient('web-chrome', { maxBandwidthBps }, { userAgent: '', brands: '' });
  const limited = (own: number, account: number | null) => {
    const { capabilities, sources } = limitedTo(account, clientOf(own));
    return [capabilities.maxBandwidthBps, sources.maxBandwidthBps];
  };
  assert.deepEqual(limited(0, null), [0, 'said']);
  assert.deepEqual(limited(0, 3_000_000), [3_000_000, 'account'], '0: the client knows none');
  assert.deepEqual(limited(9_000_000, 3_000_000), [3_000_000, 'account']);
  assert.deepEqual(limited(2_000_000, 3_000_000), [2_000_000, 'said']);
});
