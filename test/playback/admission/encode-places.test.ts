// Which session holds a place to encode, by what it asks for and by what its thread tells of its encodes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FerriteError } from '#domain/errors.ts';
import { newSessionId, newUserId } from '#domain/ids.ts';
import { renditionKey, type VideoEncode } from '#domain/rendition.ts';
import { countedCapacity, workCapacity } from '#src/playback/admission/capacity.ts';
import { EncodePlaces, type EncodeWish } from '#src/playback/admission/encode-places.ts';
import { createMetrics } from '#src/telemetry/metrics.ts';
import { aRung } from '../../support/titles.ts';

const NEVER = new AbortController().signal;
const SMALL = aRung('240p', { width: 426, height: 240 });
const LARGE = aRung('720p');
const [SMALL_WORK, LARGE_WORK] = [32, 52];

function world(capacity = countedCapacity(1)) {
  const metrics = createMetrics();
  const told: number[] = [];
  const limits = { timeoutMs: 10_000, maxWaiting: 100, maxWaitingPerUser: 100 };
  const places = new EncodePlaces({ ...limits, capacity, metrics });
  places.events.on('queue', (_, { position }) => told.push(position));
  const granted = async (): Promise<number> => (await metrics.transcodeGranted.get()).values[0]?.value ?? 0;
  return { places, granted, told };
}

const wish = (film: string, rendition: VideoEncode = LARGE, index = 0): EncodeWish => ({
  sessionId: newSessionId(),
  userId: newUserId(),
  priority: 'interactive',
  rendition,
  work: rendition === SMALL ? SMALL_WORK : LARGE_WORK,
  key: renditionKey(film, 2_000, rendition),
  index,
});

const runOf = ({ key, work }: EncodeWish, nextIndex = 0) => [{ key, work, nextIndex, reachIndex: nextIndex + 2 }];

test('places: one is kept while somebody relies on it or an encode runs, and given back after both', async () => {
  const { places, granted } = world();
  const mine = wish('a');
  const use = await places.take(mine, NEVER);
  places.encoding(mine, []);
  assert.equal(await granted(), 1, 'its encode is still to begin');
  places.encoding(mine, runOf(mine));
  use?.end();
  use?.end();
  assert.equal(await granted(), 1);
  places.encoding(mine, []);
  assert.equal(await granted(), 0);
});

test("places: who waits for what another's encode is about to bring is let go without one", async () => {
  const { places, granted } = world();
  const mine = wish('a');
  const use = await places.take(mine, NEVER);
  const near = places.take({ ...wish('a', LARGE, 2) }, NEVER);
  const far = wish('a', LARGE, 40);
  const farGone = new AbortController();
  const farTaken = places.take(far, farGone.signal);
  assert.equal(places.standing(far.sessionId)?.position, 2);
  places.encoding(mine, runOf(mine));
  assert.equal(await near, null);
  assert.equal(places.standing(far.sessionId)?.position, 1);
  places.encoding(mine, runOf(mine, 39));
  assert.equal(await farTaken, null);
  assert.equal(places.isCovered(wish('a', LARGE, 41)), true);
  assert.equal(places.isCovered(wish('b', LARGE, 41)), false);
  use?.end();
  places.leave(mine.sessionId);
  assert.equal(await granted(), 0);
});

test('places: all requests of a session wait together, and leave when the last of them does', async () => {
  const { places } = world();
  const holder = wish('a');
  await places.take(holder, NEVER);
  const mine = wish('b');
  const [first, second] = [new AbortController(), new AbortController()];
  const waits = [places.take(mine, first.signal), places.take(mine, second.signal)];
  first.abort();
  await assert.rejects(waits[0] ?? Promise.resolve(), { code: 'CANCELLED' });
  assert.equal(places.standing(mine.sessionId)?.depth, 1);
  second.abort();
  await assert.rejects(waits[1] ?? Promise.resolve(), { code: 'CANCELLED' });
  assert.equal(places.standing(mine.sessionId), null);
});

test('places: a smaller rung is granted at once, a larger one when there is room for the difference', async () => {
  const { places, granted } = world(workCapacity(LARGE_WORK + SMALL_WORK));
  const mine = wish('a', SMALL);
  const other = wish('b', LARGE);
  (await places.take(mine, NEVER))?.end();
  places.encoding(mine, runOf(mine));
  const otherUse = await places.take(other, NEVER);
  const large = { ...mine, rendition: LARGE, work: LARGE_WORK, key: renditionKey('a', 2_000, LARGE) };
  assert.equal(places.use(large), null);
  const grown = places.take(large, NEVER);
  assert.equal(places.standing(mine.sessionId)?.position, 1);
  otherUse?.end();
  const use = await grown;
  assert.equal(use?.mayRunBeside, true);
  places.encoding(mine, [...runOf(large), ...runOf(mine)]);
  use?.end();
  assert.equal(await granted(), LARGE_WORK + SMALL_WORK, 'both run');
  places.encoding(mine, runOf(mine));
  assert.equal(await granted(), SMALL_WORK);
});

test('places: another rung of a session has a place of its own where there is room, else the session’s pictures take turns', async () => {
  const { places, granted } = world(workCapacity(LARGE_WORK + 2 * SMALL_WORK));
  const mine = wish('a');
  const small = { ...mine, rendition: SMALL, work: SMALL_WORK, key: renditionKey('a', 2_000, SMALL) };
  (await places.take(mine, NEVER))?.end();
  places.encoding(mine, runOf(mine));
  const other = wish('b', SMALL);
  const otherUse = await places.take(other, NEVER);
  const third = await places.take({ ...wish('c', SMALL), work: 1 }, NEVER);
  const inTurn = places.use(small);
  assert.deepEqual([inTurn?.mayRunBeside, await granted()], [false, LARGE_WORK + SMALL_WORK + 1]);
  assert.equal(places.use(mine)?.mayRunBeside, true, 'what runs already is beside nothing');
  third?.end();
  const beside = places.use(small);
  assert.deepEqual([beside?.mayRunBeside, await granted()], [true, LARGE_WORK + 2 * SMALL_WORK]);
  for (const use of [inTurn, beside, otherUse]) use?.end();
  places.leave(mine.sessionId);
  assert.equal(await granted(), 0);
});

test('places: who is alone on the machine has one encode that is too large for it, not two', async () => {
  const { places, granted } = world(countedCapacity(1));
  const mine = wish('a');
  const use = await places.take(mine, NEVER);
  const other = await places.take({ ...mine, rendition: SMALL, work: SMALL_WORK, key: renditionKey('a', 2_000, SMALL) }, NEVER);
  assert.deepEqual([use?.mayRunBeside, other?.mayRunBeside, await granted()], [true, false, 1]);
  for (const ended of [use, other]) ended?.end();
  assert.equal(await granted(), 0);
});

test('places: on a full machine another rung of a session is made in turn, and waits in no line', async () => {
  const { places, granted } = world(countedCapacity(2));
  const [mine, rival] = [wish('a'), wish('b')];
  for (const one of [mine, rival]) {
    (await places.take(one, NEVER))?.end();
    places.encoding(one, runOf(one));
  }
  const use = await places.take({ ...mine, rendition: SMALL, work: SMALL_WORK, key: renditionKey('a', 2_000, SMALL) }, NEVER);
  assert.deepEqual([use?.mayRunBeside, await granted()], [false, 2]);
  use?.end();
});

test('places: an encode that nobody granted counts until it ends', async () => {
  const { places, granted } = world();
  const mine = wish('a');
  places.encoding(mine, runOf(mine));
  assert.equal(await granted(), 1);
  assert.equal(places.tryTake(wish('b')), null);
  places.encoding(mine, []);
  places.tryTake(wish('b'))?.end();
  assert.equal(await granted(), 0);
});

test('places: a session that ends leaves the line and gives back what it had', async () => {
  const { places, granted } = world();
  const holder = wish('a');
  await places.take(holder, NEVER);
  const mine = wish('b');
  const waiting = places.take(mine, NEVER);
  places.leave(mine.sessionId);
  await assert.rejects(waiting, (error: unknown) => error instanceof FerriteError && error.code === 'SESSION_NOT_FOUND');
  places.leave(holder.sessionId);
  assert.equal(await granted(), 0);
});

/** Costs are the work itself, of ten. */
const ofWork = (work: number, sessionId = newSessionId()): EncodeWish => ({ ...wish('a'), sessionId, work });

test('places: a larger wish of a session that waits is granted all it needs, not what the first one was to have', async () => {
  const { places, granted } = world(workCapacity(10));
  const other = await places.take(ofWork(9), NEVER);
  const mine = newSessionId();
  const taken = [places.take(ofWork(1, mine), NEVER), places.take(ofWork(9, mine), NEVER)];
  other?.end();
  const uses = await Promise.all(taken);
  assert.equal(await granted(), 9);
  const late = new AbortController();
  const rival = places.take(ofWork(9), late.signal);
  assert.equal(await granted(), 9, 'nobody is granted what the session is about to use');
  late.abort();
  await assert.rejects(rival, { code: 'CANCELLED' });
  for (const use of uses) use?.end();
  assert.equal(await granted(), 0);
});

test('places: a larger wish that comes in the turn of the grant waits for what is missing', async () => {
  const { places, granted } = world(workCapacity(10));
  const [mine, rivals] = [newSessionId(), newSessionId()];
  const rival = await places.take(ofWork(9, rivals), NEVER);
  const blocker = places.take(ofWork(2, mine), NEVER);
  rival?.end();
  const larger = places.take(ofWork(9, mine), NEVER);
  const use = await blocker;
  const both = await larger;
  assert.equal(await granted(), 9);
  use?.end();
  both?.end();
  assert.equal(await granted(), 0);
});

test('places: a session waits for no more than the wishes need that are left', async () => {
  const { places, granted } = world(workCapacity(10));
  const other = await places.take(ofWork(7), NEVER);
  const mine = newSessionId();
  const gone = new AbortController();
  const large = places.take(ofWork(9, mine), gone.signal);
  const [small, isOver] = [places.take(ofWork(3, mine), NEVER), assert.rejects(large, { code: 'CANCELLED' })];
  assert.equal(await granted(), 7);
  gone.abort();
  await isOver;
  const use = await small;
  assert.equal(await granted(), 10);
  use?.end();
  other?.end();
});

test('places: a smaller wish takes nothing from what another request of the session relies on', async () => {
  const { places, granted } = world(workCapacity(10));
  const mine = newSessionId();
  const large = await places.take(ofWork(9, mine), NEVER);
  const small = await places.take(ofWork(3, mine), NEVER);
  assert.equal(await granted(), 9);
  large?.end();
  const again = await places.take(ofWork(3, mine), NEVER);
  assert.equal(await granted(), 3);
  for (const use of [small, again]) use?.end();
});
