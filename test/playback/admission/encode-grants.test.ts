// Which session holds a grant to encode, by what it asks for and by what its thread tells of its encodes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FerriteError } from '#domain/errors.ts';
import { newSessionId, newUserId } from '#domain/ids.ts';
import { renditionKey, type VideoEncode } from '#domain/rendition.ts';
import { countedCapacity, workCapacity } from '#src/playback/admission/capacity.ts';
import { type EncodeDemand, EncodeGrants } from '#src/playback/admission/encode-grants.ts';
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
  const grants = new EncodeGrants({ ...limits, capacity, metrics });
  grants.events.on('queue', (_, { position }) => told.push(position));
  const granted = async (): Promise<number> => (await metrics.transcodeGranted.get()).values[0]?.value ?? 0;
  return { grants, granted, told };
}

const demand = (film: string, rendition: VideoEncode = LARGE, index = 0): EncodeDemand => ({
  sessionId: newSessionId(),
  userId: newUserId(),
  priority: 'interactive',
  rendition,
  work: rendition === SMALL ? SMALL_WORK : LARGE_WORK,
  key: renditionKey(film, 2_000, rendition),
  index,
});

const runOf = ({ key, work }: EncodeDemand, nextIndex = 0) => [{ key, work, nextIndex, reachIndex: nextIndex + 2 }];

test('grants: one is kept while somebody relies on it or an encode runs, and given back after both', async () => {
  const { grants, granted } = world();
  const mine = demand('a');
  const use = await grants.take(mine, NEVER);
  grants.encoding(mine, []);
  assert.equal(await granted(), 1, 'its encode is still to begin');
  grants.encoding(mine, runOf(mine));
  use?.end();
  use?.end();
  assert.equal(await granted(), 1);
  grants.encoding(mine, []);
  assert.equal(await granted(), 0);
});

test("grants: who waits for what another's encode is about to bring is let go without one", async () => {
  const { grants, granted } = world();
  const mine = demand('a');
  const use = await grants.take(mine, NEVER);
  const near = grants.take({ ...demand('a', LARGE, 2) }, NEVER);
  const far = demand('a', LARGE, 40);
  const farGone = new AbortController();
  const farTaken = grants.take(far, farGone.signal);
  assert.equal(grants.standing(far.sessionId)?.position, 2);
  grants.encoding(mine, runOf(mine));
  assert.equal(await near, null);
  assert.equal(grants.standing(far.sessionId)?.position, 1);
  grants.encoding(mine, runOf(mine, 39));
  assert.equal(await farTaken, null);
  assert.equal(grants.isCovered(demand('a', LARGE, 41)), true);
  assert.equal(grants.isCovered(demand('b', LARGE, 41)), false);
  use?.end();
  grants.leave(mine.sessionId);
  assert.equal(await granted(), 0);
});

test('grants: all requests of a session wait together, and leave when the last of them does', async () => {
  const { grants } = world();
  const holder = demand('a');
  await grants.take(holder, NEVER);
  const mine = demand('b');
  const [first, second] = [new AbortController(), new AbortController()];
  const waits = [grants.take(mine, first.signal), grants.take(mine, second.signal)];
  first.abort();
  await assert.rejects(waits[0] ?? Promise.resolve(), { code: 'CANCELLED' });
  assert.equal(grants.standing(mine.sessionId)?.depth, 1);
  second.abort();
  await assert.rejects(waits[1] ?? Promise.resolve(), { code: 'CANCELLED' });
  assert.equal(grants.standing(mine.sessionId), null);
});

test('grants: a smaller rung is granted at once, a larger one when there is room for the difference', async () => {
  const { grants, granted } = world(workCapacity(LARGE_WORK + SMALL_WORK));
  const mine = demand('a', SMALL);
  const other = demand('b', LARGE);
  (await grants.take(mine, NEVER))?.end();
  grants.encoding(mine, runOf(mine));
  const otherUse = await grants.take(other, NEVER);
  const large = { ...mine, rendition: LARGE, work: LARGE_WORK, key: renditionKey('a', 2_000, LARGE) };
  assert.equal(grants.use(large), null);
  const grown = grants.take(large, NEVER);
  assert.equal(grants.standing(mine.sessionId)?.position, 1);
  otherUse?.end();
  const use = await grown;
  assert.equal(use?.mayRunBeside, true);
  grants.encoding(mine, [...runOf(large), ...runOf(mine)]);
  use?.end();
  assert.equal(await granted(), LARGE_WORK + SMALL_WORK, 'both run');
  grants.encoding(mine, runOf(mine));
  assert.equal(await granted(), SMALL_WORK);
});

test('grants: another rung of a session has a grant of its own where there is room, else the session’s pictures take turns', async () => {
  const { grants, granted } = world(workCapacity(LARGE_WORK + 2 * SMALL_WORK));
  const mine = demand('a');
  const small = { ...mine, rendition: SMALL, work: SMALL_WORK, key: renditionKey('a', 2_000, SMALL) };
  (await grants.take(mine, NEVER))?.end();
  grants.encoding(mine, runOf(mine));
  const other = demand('b', SMALL);
  const otherUse = await grants.take(other, NEVER);
  const third = await grants.take({ ...demand('c', SMALL), work: 1 }, NEVER);
  const inTurn = grants.use(small);
  assert.deepEqual([inTurn?.mayRunBeside, await granted()], [false, LARGE_WORK + SMALL_WORK + 1]);
  assert.equal(grants.use(mine)?.mayRunBeside, true, 'what runs already is beside nothing');
  third?.end();
  const beside = grants.use(small);
  assert.deepEqual([beside?.mayRunBeside, await granted()], [true, LARGE_WORK + 2 * SMALL_WORK]);
  for (const use of [inTurn, beside, otherUse]) use?.end();
  grants.leave(mine.sessionId);
  assert.equal(await granted(), 0);
});

test('grants: who is alone on the machine has one encode that is too large for it, not two', async () => {
  const { grants, granted } = world(countedCapacity(1));
  const mine = demand('a');
  const use = await grants.take(mine, NEVER);
  const other = await grants.take({ ...mine, rendition: SMALL, work: SMALL_WORK, key: renditionKey('a', 2_000, SMALL) }, NEVER);
  assert.deepEqual([use?.mayRunBeside, other?.mayRunBeside, await granted()], [true, false, 1]);
  for (const ended of [use, other]) ended?.end();
  assert.equal(await granted(), 0);
});

test('grants: on a full machine another rung of a session is made in turn, and waits in no line', async () => {
  const { grants, granted } = world(countedCapacity(2));
  const [mine, rival] = [demand('a'), demand('b')];
  for (const one of [mine, rival]) {
    (await grants.take(one, NEVER))?.end();
    grants.encoding(one, runOf(one));
  }
  const use = await grants.take({ ...mine, rendition: SMALL, work: SMALL_WORK, key: renditionKey('a', 2_000, SMALL) }, NEVER);
  assert.deepEqual([use?.mayRunBeside, await granted()], [false, 2]);
  use?.end();
});

test('grants: an encode that nobody granted counts until it ends', async () => {
  const { grants, granted } = world();
  const mine = demand('a');
  grants.encoding(mine, runOf(mine));
  assert.equal(await granted(), 1);
  assert.equal(grants.tryTake(demand('b')), null);
  grants.encoding(mine, []);
  grants.tryTake(demand('b'))?.end();
  assert.equal(await granted(), 0);
});

test('grants: a session that ends leaves the line and gives back what it had', async () => {
  const { grants, granted } = world();
  const holder = demand('a');
  await grants.take(holder, NEVER);
  const mine = demand('b');
  const waiting = grants.take(mine, NEVER);
  grants.leave(mine.sessionId);
  await assert.rejects(waiting, (error: unknown) => error instanceof FerriteError && error.code === 'SESSION_NOT_FOUND');
  grants.leave(holder.sessionId);
  assert.equal(await granted(), 0);
});

/** Costs are the work itself, of ten. */
const ofWork = (work: number, sessionId = newSessionId()): EncodeDemand => ({ ...demand('a'), sessionId, work });

test('grants: a larger demand of a session that waits is granted all it needs, not what the first one was to have', async () => {
  const { grants, granted } = world(workCapacity(10));
  const other = await grants.take(ofWork(9), NEVER);
  const mine = newSessionId();
  const taken = [grants.take(ofWork(2, mine), NEVER), grants.take(ofWork(9, mine), NEVER)];
  other?.end();
  const uses = await Promise.all(taken);
  assert.equal(await granted(), 9);
  const late = new AbortController();
  const rival = grants.take(ofWork(9), late.signal);
  assert.equal(await granted(), 9, 'nobody is granted what the session is about to use');
  late.abort();
  await assert.rejects(rival, { code: 'CANCELLED' });
  for (const use of uses) use?.end();
  assert.equal(await granted(), 0);
});

test('grants: a larger demand that comes in the turn of the grant waits for what is missing', async () => {
  const { grants, granted } = world(workCapacity(10));
  const [mine, rivals] = [newSessionId(), newSessionId()];
  const rival = await grants.take(ofWork(9, rivals), NEVER);
  const blocker = grants.take(ofWork(2, mine), NEVER);
  rival?.end();
  const larger = grants.take(ofWork(9, mine), NEVER);
  const use = await blocker;
  const both = await larger;
  assert.equal(await granted(), 9);
  use?.end();
  both?.end();
  assert.equal(await granted(), 0);
});

test('grants: a session is granted its largest demand in one, before anybody behind it, not the first in its stead', async () => {
  const { grants, granted } = world(workCapacity(10));
  const other = await grants.take(ofWork(9), NEVER);
  const mine = newSessionId();
  const taken = [grants.take(ofWork(2, mine), NEVER), grants.take(ofWork(9, mine), NEVER)];
  const behind = grants.take(ofWork(8), NEVER);
  other?.end();
  assert.equal(await granted(), 9, 'what is left is too little for the session behind');
  for (const use of await Promise.all(taken)) use?.end();
  (await behind)?.end();
  assert.equal(await granted(), 0);
});

test('grants: a demand that joins too late for the grant is not served by one that is too small for it', async () => {
  const { grants, granted } = world(workCapacity(10));
  const mine = newSessionId();
  const other = await grants.take(ofWork(10), NEVER);
  const small = grants.take(ofWork(2, mine), NEVER);
  const rival = grants.take(ofWork(8), NEVER);
  other?.end();
  let isGranted = false;
  const large = grants.take(ofWork(9, mine), NEVER).then(use => {
    isGranted = true;
    return use;
  });
  const uses = await Promise.all([small, rival]);
  await new Promise(resolve => setImmediate(resolve));
  assert.deepEqual([isGranted, await granted()], [false, 10]);
  uses[1]?.end();
  (await large)?.end();
  uses[0]?.end();
  assert.equal(await granted(), 0);
});

test('grants: a session waits for no more than the demands need that are left', async () => {
  const { grants, granted } = world(workCapacity(10));
  const other = await grants.take(ofWork(7), NEVER);
  const mine = newSessionId();
  const gone = new AbortController();
  const large = grants.take(ofWork(9, mine), gone.signal);
  const [small, isOver] = [grants.take(ofWork(3, mine), NEVER), assert.rejects(large, { code: 'CANCELLED' })];
  assert.equal(await granted(), 7);
  gone.abort();
  await isOver;
  const use = await small;
  assert.equal(await granted(), 10);
  use?.end();
  other?.end();
});

test('grants: a smaller demand takes nothing from what another request of the session relies on', async () => {
  const { grants, granted } = world(workCapacity(10));
  const mine = newSessionId();
  const large = await grants.take(ofWork(9, mine), NEVER);
  const small = await grants.take(ofWork(3, mine), NEVER);
  assert.equal(await granted(), 9);
  large?.end();
  const again = await grants.take(ofWork(3, mine), NEVER);
  assert.equal(await granted(), 3);
  for (const use of [small, again]) use?.end();
});

test('grants: it is told when a session begins to wait, not when one is granted at once', async () => {
  const { grants } = world();
  let short = 0;
  grants.events.on('short', () => short++);
  const use = await grants.take(demand('a'), NEVER);
  assert.equal(short, 0);
  const waits = grants.take(demand('b'), NEVER);
  assert.equal(short, 1);
  use?.end();
  (await waits)?.end();
});
