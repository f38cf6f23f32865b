// Where seeks land, and what hints cost.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { UserId } from '#domain/ids.ts';
import type { Grid } from '#domain/plan.ts';
import { type Rendition, renditionKey } from '#domain/rendition.ts';
import type { Offer } from '#domain/session.ts';
import type { StreamLayout, TrackLayout } from '#src/playback/offer/layout.ts';
import { LiveSession } from '#src/playback/session/live-session.ts';
import { Seeking, startOf } from '#src/playback/session/seeking.ts';
import { aMap, anOffer, aRecord, aRung, aTitle } from '../../support/titles.ts';

/** Thirds of a second: no boundary is a whole number of milliseconds. */
const PICTURE: Grid = { timescale: 3, boundaries: [0, 7, 14, 21, 28] };
const SOUND: Grid = { timescale: 1_000, boundaries: [0, 2_330, 4_670, 7_000, 9_330] };
const COPY: Rendition = {
  kind: 'video-copy',
  rungId: 'original',
  streamIndex: 0,
  width: 1,
  height: 1,
  bandwidthBps: 1,
  codecs: '',
} as Rendition;
const AUDIO: Rendition = { kind: 'audio-copy', track: 0, streamIndex: 1, bandwidthBps: 1, codecs: '' } as Rendition;

const trackOf = (rendition: Rendition, grid: Grid): TrackLayout => ({
  track: 'rungId' in rendition ? { kind: 'video', rungId: rendition.rungId } : { kind: 'audio', track: 0 },
  rendition,
  grid,
  key: renditionKey('v1', 2_000, rendition),
  work: 1,
  segmentCount: grid.boundaries.length - 1,
  isLocated: false,
  isEncoded: rendition.kind.endsWith('encode'),
  rung: 'rung',
});

function start(t: TestContext, { delivery = 'transcode', picture = aRung() }: { delivery?: Offer['delivery']; picture?: Rendition } = {}) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const rungId = 'rungId' in picture ? picture.rungId : '';
  const tracks = new Map([
    [`video/${rungId}`, trackOf(picture, PICTURE)],
    ['audio/0', trackOf(AUDIO, SOUND)],
  ]);
  const offer = { ...anOffer([picture as Offer['video'][number]]), delivery };
  const layout = { tracks } as unknown as StreamLayout;
  const record = { ...aRecord(offer), userId: 'user' as UserId };
  const session = new LiveSession(record, { media: aTitle(), keyframes: aMap([0], 60), layout, tokenExpiresAtMs: 0, monotonicMs: 0 });
  const hinted: string[] = [];
  const seeking = new Seeking({ prefetch: (_session, { layout: track, name }) => hinted.push(`${track.track.kind} ${name}`) });
  return { session, seeking, hinted, layout, offer, pass: (ms: number) => t.mock.timers.tick(ms) };
}

test('seeking: keyframe lands on the first millisecond of the segment, precise where it was asked to', t => {
  const { session, seeking } = start(t);
  assert.deepEqual(seeking.seek(session, 5_000, 'keyframe'), { positionMs: 4_667, segment: 2 });
  assert.deepEqual(seeking.seek(session, 5_000, 'precise'), { positionMs: 5_000, segment: 2 });
  assert.deepEqual(seeking.seek(session, 4_667, 'keyframe'), { positionMs: 4_667, segment: 2 }, 'landing again changes nothing');
  assert.deepEqual(seeking.seek(session, 4_666, 'keyframe'), { positionMs: 2_334, segment: 1 });
  assert.deepEqual(seeking.seek(session, 99_000, 'keyframe'), { positionMs: 7_000, segment: 3 }, 'past the end is the last segment');
  assert.equal(session.positionMs, 7_000);
});

test('seeking: a session starts where a seek of its mode would land', t => {
  const { layout, offer } = start(t);
  assert.equal(startOf(layout, offer, { positionMs: 5_000, mode: 'keyframe' }), 4_667);
  assert.equal(startOf(layout, offer, { positionMs: 5_000, mode: 'precise' }), 5_000);
});

test('seeking: a direct play lands on a keyframe of the file where its grid tells one, and nothing is made for it', t => {
  const copied = start(t, { delivery: 'direct', picture: COPY });
  assert.equal(copied.seeking.seek(copied.session, 5_000, 'keyframe').positionMs, 4_667);
  t.mock.timers.reset();
  const encoded = start(t, { delivery: 'direct' });
  assert.equal(encoded.seeking.seek(encoded.session, 5_000, 'keyframe').positionMs, 5_000);
  encoded.seeking.warm(encoded.session);
  encoded.pass(1_000);
  assert.deepEqual([copied.hinted, encoded.hinted], [[], []]);
});

test('seeking: a hint has the sound made for where the picture lands, not for where it was asked to', t => {
  const { session, seeking, hinted } = start(t);
  seeking.seek(session, 4_668, 'keyframe');
  assert.deepEqual(hinted, ['video 2', 'audio 1']);
  seeking.close();
});

test('seeking: a thousand hints a second are answered, and cost ten a second; the last one counts', t => {
  const { session, seeking, hinted, pass } = start(t);
  let answered = 0;
  for (let hint = 0; hint < 2_000; hint++) {
    answered += seeking.seek(session, (hint * 977) % 9_000, 'precise').segment >= 0 ? 1 : 0;
    pass(1);
  }
  seeking.seek(session, 2_500, 'precise');
  pass(1_000);
  assert.equal(answered, 2_000);
  assert.ok(hinted.length / 2 <= 22, `${hinted.length / 2} times`);
  assert.deepEqual(hinted.slice(-2), ['video 1', 'audio 1']);
});

test('seeking: hints of one session do not put off those of another', t => {
  const { session, seeking, hinted } = start(t);
  seeking.seek(session, 0, 'precise');
  const second = new LiveSession(session.record, {
    media: session.media,
    keyframes: aMap([0], 60),
    layout: session.layout,
    tokenExpiresAtMs: 0,
    monotonicMs: 0,
  });
  seeking.seek(second, 5_000, 'precise');
  assert.deepEqual(hinted, ['video 0', 'audio 0', 'video 2', 'audio 2']);
  seeking.close();
});

test('seeking: a session that has ended, and a server that closes, have nothing more made', t => {
  const { session, seeking, hinted, pass } = start(t);
  seeking.seek(session, 0, 'precise');
  seeking.seek(session, 5_000, 'precise');
  session.ended('stopped');
  pass(1_000);
  assert.equal(hinted.length, 2);
  seeking.seek(session, 0, 'precise');
  seeking.seek(session, 5_000, 'precise');
  seeking.close();
  pass(1_000);
  assert.equal(hinted.length, 4);
});

test('seeking: a rung about to be switched to is made where the viewer is; one that is not there is refused', t => {
  const { session, seeking, hinted } = start(t);
  session.positionMs = 5_000;
  seeking.selectRung(session, '720p');
  assert.deepEqual(hinted, ['video 2']);
  assert.throws(() => seeking.selectRung(session, 'nine'), { code: 'SEGMENT_NOT_FOUND' });
});
