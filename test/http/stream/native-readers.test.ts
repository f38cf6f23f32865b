// Which multivariant playlist a player is given by its name.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { multivariantFor } from '#http/stream/native-readers.ts';

const GIVEN: Readonly<Record<string, readonly string[]>> = {
  'one.m3u8': ['Lavf/59.27.100', 'Lavf/61.7.103', 'libmpv', 'mpv 0.35.1'],
  'unsigned.m3u8': [
    'GStreamer souphttpsrc 1.22.0 libsoup/3.2.3',
    'GStreamer souphttpsrc libsoup/2.74.3',
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/60.5 Safari/605.1.15',
    'Mozilla/5.0 (X11; Ubuntu; Linux aarch64) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Safari/605.1.15',
  ],
  'main.m3u8': [
    '',
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36',
    'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Safari/605.1.15',
    'AppleCoreMedia/1.0.0.21G80 (iPhone; U; CPU OS 17_6 like Mac OS X; en_us)',
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Ubuntu Chromium/80.0.3987.87 Safari/537.36',
    'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/130.0.0.0 Mobile Safari/537.36',
    'VLC/3.0.23 LibVLC/3.0.23',
    'Roku/DVP-12.5 (12.5.0.4178-88)',
    'ExoPlayerLib/2.18.1',
  ],
};

for (const [playlist, userAgents] of Object.entries(GIVEN)) {
  test(`native readers: ${playlist} for ${userAgents.length} names`, () => {
    for (const userAgent of userAgents) assert.equal(multivariantFor(userAgent, 'gzip, deflate, br, zstd'), playlist, userAgent);
  });
}

test('native readers: what Chromium plays by itself is told from what its pages fetch, and from other media elements', () => {
  const asked = 'gzip, identity;q=1, *;q=0';
  const chromium = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36';
  for (const name of [chromium, chromium.replace('Chrome/', 'HeadlessChrome/')]) {
    for (const encodings of [asked, asked.slice('gzip, '.length)]) assert.equal(multivariantFor(name, encodings), 'aligned.m3u8');
    assert.equal(multivariantFor(name, ''), 'main.m3u8');
  }
  assert.equal(multivariantFor('Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0', asked), 'main.m3u8');
});
