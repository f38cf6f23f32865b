import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildLadder, displaySize, h264Level, stereoAac } from '#domain/delivery/ladder.ts';
import { anAudioStream, aVideoStream, seededRandom } from '../../support/titles.ts';

const sizes = (width: number, height: number, changes = {}): string[] =>
  buildLadder(aVideoStream({ width, height, ...changes }), 2_000).map(rung => `${rung.rungId} ${rung.width}x${rung.height}`);

for (const { what, width, height, expected } of [
  {
    what: 'a 1080p film has its own size on top and smaller ones below',
    width: 1920,
    height: 1080,
    expected: ['1080p 1920x1080', '720p 1280x720', '480p 854x480', '360p 640x360', '240p 426x240'],
  },
  {
    what: 'a wide film keeps its shape',
    width: 1920,
    height: 800,
    expected: ['1080p 1920x800', '720p 1280x534', '480p 854x356', '360p 640x266', '240p 426x178'],
  },
  {
    what: 'an old film of 4:3 is bounded by its height',
    width: 1440,
    height: 1080,
    expected: ['1080p 1440x1080', '720p 960x720', '480p 640x480', '360p 480x360', '240p 320x240'],
  },
  {
    what: 'portrait turns the boxes',
    width: 1080,
    height: 1920,
    expected: ['1080p 1080x1920', '720p 720x1280', '480p 480x854', '360p 360x640', '240p 240x426'],
  },
  { what: 'odd sizes become even', width: 853, height: 479, expected: ['480p 854x480', '360p 640x360', '240p 426x240'] },
  {
    what: 'a size between two rungs is not enlarged',
    width: 1600,
    height: 900,
    expected: ['1080p 1600x900', '720p 1280x720', '480p 854x480', '360p 640x360', '240p 426x240'],
  },
  { what: 'a small source has one rung, of its own size', width: 160, height: 120, expected: ['240p 160x120'] },
  { what: 'a source of a few pixels still has one', width: 1, height: 1, expected: ['240p 2x2'] },
]) {
  test(`ladder: ${what}`, () => assert.deepEqual(sizes(width, height), expected));
}

test('ladder: a film larger than every box is made to fit the largest', () => {
  assert.equal(sizes(7680, 4320)[0], '2160p 3840x2160');
});

test('ladder: a picture that is to be turned is measured as it is shown', () => {
  assert.deepEqual(sizes(1920, 1080, { rotation: 90 }), sizes(1080, 1920));
  assert.deepEqual(displaySize(aVideoStream({ width: 4, height: 2, rotation: 180 })), { width: 4, height: 2 });
  assert.deepEqual(displaySize(aVideoStream({ width: 4, height: 2, rotation: 270 })), { width: 2, height: 4 });
});

test('ladder: for any source the names differ, sizes are even and descend, and nothing is enlarged', () => {
  const random = seededRandom(7);
  for (let round = 0; round < 500; round++) {
    const [width, height] = [1 + Math.floor(random() * 5000), 1 + Math.floor(random() * 5000)];
    const rungs = buildLadder(aVideoStream({ width, height }), 2_000);
    assert.ok(rungs.length > 0, `${width}x${height}`);
    assert.equal(new Set(rungs.map(({ rungId }) => rungId)).size, rungs.length);
    for (const [at, rung] of rungs.entries()) {
      assert.ok(rung.width % 2 === 0 && rung.height % 2 === 0 && rung.width >= 2 && rung.height >= 2);
      assert.ok(rung.width <= width + 1 && rung.height <= height + 1, `${width}x${height}: ${rung.width}x${rung.height}`);
      const above = rungs[at - 1];
      if (above) assert.ok(rung.width * rung.height < above.width * above.height && rung.bandwidthBps < above.bandwidthBps);
    }
  }
});

for (const [width, height, fps, level] of [
  [640, 360, 30, 30],
  [1280, 720, 30, 31],
  [1280, 720, 60, 32],
  [1920, 1080, 30, 40],
  [1920, 1080, 60, 42],
  [3840, 2160, 30, 51],
  [3840, 2160, 60, 52],
  [7680, 4320, 60, 62],
] as const) {
  test(`ladder: ${width}x${height} at ${fps} is H.264 level ${level / 10}`, () => assert.equal(h264Level(width, height, fps), level));
}

test('ladder: CODECS name the level that the encoder is given', () => {
  assert.deepEqual(
    buildLadder(aVideoStream(), 2_000).map(({ codecs }) => codecs),
    ['avc1.640028', 'avc1.64001f', 'avc1.64001e', 'avc1.64001e', 'avc1.64001e'],
  );
});

test('ladder: a high frame rate has half as much again, and BANDWIDTH covers a whole rate-control buffer in one segment', () => {
  const [film] = buildLadder(aVideoStream({ bitrateBps: 20_000_000 }), 2_000);
  const [sport] = buildLadder(aVideoStream({ bitrateBps: 20_000_000, frameRate: { num: 60_000, den: 1001 } }), 2_000);
  assert.ok(film && sport);
  assert.equal(sport.maxBitrateBps, film.maxBitrateBps * 1.5);
  assert.ok(film.bandwidthBps >= (film.maxBitrateBps * 2 + film.maxBitrateBps) / 2);
});

test('ladder: sound of more channels is mixed to stereo, mono stays mono', () => {
  assert.equal(stereoAac(0, anAudioStream({ channels: 6 })).channels, 2);
  const mono = stereoAac(1, anAudioStream({ channels: 1, index: 4 }));
  assert.deepEqual([mono.channels, mono.bitrateBps, mono.streamIndex, mono.track], [1, 80_000, 4, 1]);
});

test('ladder: short segments are encoded for a quick start, long ones for few bytes and with a longer rate buffer', () => {
  const [quick] = buildLadder(aVideoStream(), 2_000);
  const [small] = buildLadder(aVideoStream(), 6_000);
  assert.equal(quick?.preset, 'superfast');
  assert.equal(small?.preset, 'veryfast');
  assert.equal(small?.bandwidthBps, Math.ceil((small?.maxBitrateBps ?? 0) * (1 + 2_000 / 6_000) * 1.05));
});

test('ladder: no rung spends more than its source, nor has a higher peak, and each has the less the smaller it is', () => {
  const sport = aVideoStream({ bitrateBps: 3_640_000, frameRate: { num: 60, den: 1 } });
  for (const targetMs of [2_000, 6_000]) {
    for (const source of [
      { averageBps: 3_640_000, peakBps: 5_000_000 },
      { averageBps: 900_000, peakBps: 12_000_000 },
      { averageBps: 3_640_000, peakBps: 3_640_000 },
    ]) {
      const rungs = buildLadder(sport, targetMs, source);
      for (const [at, rung] of rungs.entries()) {
        assert.ok(rung.maxBitrateBps <= source.averageBps, `${rung.rungId}: ${rung.maxBitrateBps} of ${source.averageBps}`);
        assert.ok(rung.bandwidthBps <= source.peakBps, `${rung.rungId}: ${rung.bandwidthBps} at most, the source ${source.peakBps}`);
        assert.ok(at === 0 || rung.maxBitrateBps < (rungs[at - 1]?.maxBitrateBps ?? 0));
      }
    }
  }
});

test('ladder: a source of hardly any bits leaves each rung what keyframes need, one of unknown rate the whole', () => {
  const [still] = buildLadder(aVideoStream({ bitrateBps: 20_000 }), 2_000);
  const [unknown] = buildLadder(aVideoStream({ bitrateBps: 0 }), 2_000);
  assert.deepEqual([still?.maxBitrateBps, unknown?.maxBitrateBps], [500_000, 5_000_000]);
});
