// What a film is known to spend, and what follows from it for its ladder and its playlists.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveCapabilities } from '#domain/delivery/client-profile.ts';
import { chooseDelivery, type DeliveryRequest } from '#domain/delivery/delivery.ts';
import {
  averageBps,
  type BitDemand,
  bitDemandShape,
  boundBps,
  type FilmRates,
  peakBps,
  RATES_FORMAT,
  spentUnder,
  trackRate,
} from '#domain/delivery/film-rates.ts';
import { buildPlan } from '#domain/plan.ts';
import { renditionKey } from '#domain/rendition.ts';
import type { Offer } from '#domain/session.ts';
import { aMap, anAudioStream, anAudioTimeline, aTitle, aVideoStream, everyS } from '../../support/titles.ts';

const segments = (...rates: number[]) => rates.map(rate => ({ bits: rate * 2, seconds: 2 }));

test('film rates: the peak is that of segments in a row that last half to one and a half target durations', () => {
  const film = segments(100, 100, 900, 100, 500, 500, 100);
  assert.equal(peakBps(film, 2), 900);
  // Six seconds, no less than two of these segments.
  assert.equal(peakBps(film, 5), (900 + 100 + 500) / 3);
  assert.equal(peakBps(segments(100, 300), 20), 200, 'of a film that is shorter, its average');
  assert.equal(averageBps(film), 2300 / 7);
  assert.deepEqual(trackRate(film).peaksBps.slice(0, 2), [2300 / 7, 900].map(Math.round));
});

test('film rates: a film of two halves has a profile of two halves, which a bound cuts off in the busy one alone', () => {
  const shape = bitDemandShape(segments(...Array(10).fill(100), ...Array(10).fill(300)));
  assert.deepEqual([shape.profile[0], shape.profile.at(-1)], [0.5, 1.5]);
  const demand: BitDemand = { ...shape, keyframeS: 0.5, rungs: [] };
  const spent = (maxBps: number) => spentUnder(demand, { averageBps: 200, maxBps, bufferS: 1, targetS: 2 });
  assert.deepEqual(spent(1_000), { averageBps: 200, peakBps: 300 });
  const held = spent(200);
  assert.ok(held.averageBps > 140 && held.averageBps < 150, String(held.averageBps));
  assert.ok(held.peakBps > 200 && held.peakBps < 230, String(held.peakBps));
  assert.ok(boundBps(demand, 200, 2) < 300, 'a little below the busiest');
  assert.ok(boundBps({ ...demand, keyframeS: 2 }, 200, 2) > 400, 'a keyframe that is most of its segment has room');
});

const DEMAND: BitDemand = {
  profile: [0.5, 1, 1.5],
  peaks: [2, 2, 1.5, 1.5, 1.2],
  keyframeS: 0.4,
  rungs: [
    { rungId: '1080p', averageBps: 3_000_000 },
    { rungId: '720p', averageBps: 1_400_000 },
    { rungId: '480p', averageBps: 700_000 },
    { rungId: '360p', averageBps: 400_000 },
    { rungId: '240p', averageBps: 200_000 },
  ],
};
const RATES: FilmRates = {
  format: RATES_FORMAT,
  targetMs: 2_000,
  videoCopy: { averageBps: 5_000_000, peaksBps: [9_000_000, 8_000_000, 7_000_000] },
  audioCopy: [{ averageBps: 200_000, peaksBps: [210_000] }],
  audioEncode: [{ averageBps: 120_000, peaksBps: [130_000] }],
  demand: DEMAND,
};
const scaled = (factor: number): FilmRates => ({
  ...RATES,
  demand: { ...DEMAND, rungs: DEMAND.rungs.map(({ rungId, averageBps: bps }) => ({ rungId, averageBps: bps * factor })) },
});

function offer(rates: FilmRates | undefined, request: Partial<DeliveryRequest> = {}, said = {}): Offer {
  const streams = { video: [aVideoStream({ bitrateBps: 5_000_000 })], audio: [anAudioStream({ index: 1 })], subtitles: [] };
  const media = aTitle({ streams, durationMs: 3_600_000, ...(rates && { rates }) });
  const map = aMap(everyS(2, 1800), 3_600, { audio: [anAudioTimeline()] });
  const capabilities = resolveCapabilities('web-chrome', said);
  const wanted = { delivery: 'transcode', audioTrack: 0, capabilities, ...request } as const;
  return chooseDelivery(media, map, buildPlan(map, { num: 24, den: 1 }, 2_000), wanted);
}

test('per-title: what is declared is what was measured of copies, and what is predicted of encodes', () => {
  const { video, audio } = offer(RATES, { delivery: 'remux' });
  const [copy, top] = video;
  assert.deepEqual([copy?.averageBps, copy?.bandwidthBps], [5_000_000, 8_000_000], 'for a target duration of two seconds');
  assert.deepEqual([audio[0]?.averageBps, audio[0]?.bandwidthBps], [200_000, 210_000]);
  assert.ok(top?.kind === 'video-encode' && top.averageBps);
  assert.ok(top.averageBps > 2_700_000 && top.averageBps <= 3_010_000, String(top.averageBps));
  assert.ok(Math.abs(top.bandwidthBps / 6_000_000 - 1) < 0.1, `twice the average where nothing holds it: ${top.bandwidthBps}`);
});

test('per-title: rates of another format or of segments of another length are not used', () => {
  const without = offer(undefined);
  assert.deepEqual(offer({ ...RATES, targetMs: 6_000 }), without);
  assert.deepEqual(offer({ ...RATES, format: RATES_FORMAT - 1 }), without);
  assert.deepEqual(
    offer({ ...RATES, demand: null }).video.map(({ bandwidthBps }) => bandwidthBps),
    without.video.map(({ bandwidthBps }) => bandwidthBps),
    'and a film that could not be encoded has the ladder of any',
  );
});

test('per-title: a film of few bits has few rungs, and each kept one costs visibly more than the next', () => {
  const names = ({ video }: Offer): string[] => video.map(({ rungId }) => rungId);
  assert.deepEqual(names(offer(RATES)), ['720p', '1080p', '480p', '360p', '240p']);
  assert.deepEqual(names(offer(scaled(0.03))), ['720p', '1080p', '240p'], 'a still picture');
  assert.deepEqual(names(offer(scaled(0.03), {}, { maxHeight: 480 })), ['480p', '240p'], 'what the client shows is looked at first');
});

test('per-title: a bound follows the film, passes the usual ceiling where the source does, and holds the average to the source', () => {
  const top = (rates: FilmRates) => offer(rates).video.find(({ rungId }) => rungId === '1080p');
  const maxBps = (rates: FilmRates): number => {
    const rung = top(rates);
    return rung?.kind === 'video-encode' ? rung.maxBitrateBps : 0;
  };
  assert.equal(maxBps(RATES), 5_000_000, 'the ceiling');
  assert.ok(maxBps(scaled(0.2)) < 1_200_000, String(maxBps(scaled(0.2))));
  const rich = { ...scaled(2), videoCopy: { averageBps: 20_000_000, peaksBps: [30_000_000] } };
  assert.equal(maxBps(rich), 7_500_000);
  const lean = { ...RATES, videoCopy: { averageBps: 1_500_000, peaksBps: [9_000_000] } };
  assert.ok((top(lean)?.averageBps ?? 0) <= 1_600_000, String(top(lean)?.averageBps));
});

test('per-title: what is declared decides no address: segments stay where they are when a rate is known better', () => {
  const [rung] = offer(RATES).video;
  assert.ok(rung);
  const key = (changes: object) => renditionKey('v1', 2_000, { ...rung, ...changes });
  assert.equal(key({ bandwidthBps: 1, averageBps: 1 }), key({}));
  assert.notEqual(key({ maxBitrateBps: 1 }), key({}));
});
