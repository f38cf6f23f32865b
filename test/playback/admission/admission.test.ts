// The queue for grants: its order, its end, and that no grant is ever lost or given twice.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FerriteError } from '#domain/errors.ts';
import { newUserId, type UserId } from '#domain/ids.ts';
import type { Priority } from '#domain/session.ts';
import { Admission, type AdmissionOptions, type Grant, type GrantRequest, type Ticket } from '#src/playback/admission/admission.ts';
import { seededRandom } from '../../support/titles.ts';

const ADA = newUserId();
const BOB = newUserId();

const line = (capacity: number, options: Partial<AdmissionOptions> = {}): Admission =>
  new Admission({ capacity, timeoutMs: 10_000, maxWaiting: 1_000, maxWaitingPerUser: 1_000, ...options });

const demand = (userId: UserId = ADA, cost = 1, priority: Priority = 'interactive'): GrantRequest => ({ userId, priority, cost });

const gone = (): FerriteError => new FerriteError('CANCELLED', 'the client went away');

const isCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof FerriteError && error.code === code;

/** Writes down who is granted, in that order; every grant is kept. */
function recorder(admission: Admission) {
  const order: string[] = [];
  const grants = new Map<string, Grant>();
  const enter = (name: string, request: GrantRequest): Ticket => {
    const ticket = admission.enter(request);
    ticket.granted.then(
      grant => {
        order.push(name);
        grants.set(name, grant);
      },
      () => undefined,
    );
    return ticket;
  };
  const release = async (name: string): Promise<void> => {
    await settle();
    grants.get(name)?.release();
    await settle();
  };
  return { order, enter, release, grants };
}

/** Promises that are settled have told so. */
const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

test('admission: as many enter as there is room for; the next gets what is released first', async () => {
  const admission = line(2);
  const first = await admission.enter(demand()).granted;
  await admission.enter(demand()).granted;
  const third = admission.enter(demand());
  assert.equal(admission.depth, 1);
  first.release();
  assert.ok((await third.granted).waitMs >= 0);
  assert.equal(admission.depth, 0);
});

test('admission: interactive viewers go before background work, each in the order they came', async () => {
  const admission = line(1);
  const { enter, order, release } = recorder(admission);
  enter('first', demand(BOB));
  for (const [name, priority] of [
    ['b1', 'background'],
    ['i1', 'interactive'],
    ['b2', 'background'],
    ['i2', 'interactive'],
  ] as const)
    enter(name, demand(ADA, 1, priority));
  for (const name of ['first', 'i1', 'i2', 'b1']) await release(name);
  assert.deepEqual(order, ['first', 'i1', 'i2', 'b1', 'b2']);
});

test('admission: users take turns, however many each of them wants', async () => {
  const users = [newUserId(), newUserId(), newUserId()];
  const admission = line(1);
  const { enter, order, release } = recorder(admission);
  enter('first', demand());
  for (const [at, user] of users.entries()) for (let n = 0; n < 3; n++) enter(`${at}/${n}`, demand(user));
  await release('first');
  for (let granted = 1; granted < 9; granted++) await release(order.at(-1) ?? '');
  assert.deepEqual(order.slice(1), ['0/0', '1/0', '2/0', '0/1', '1/1', '2/1', '0/2', '1/2', '2/2']);

  const holding = line(4);
  const kept = recorder(holding);
  for (let n = 0; n < 4; n++) kept.enter(`a${n}`, demand(ADA));
  for (let n = 0; n < 4; n++) kept.enter(`a-more${n}`, demand(ADA));
  for (let n = 0; n < 4; n++) kept.enter(`b${n}`, demand(BOB));
  for (let n = 0; n < 4; n++) await kept.release(`a${n}`);
  assert.deepEqual(kept.order.slice(4), ['b0', 'b1', 'a-more0', 'a-more1'], 'who holds least');
});

test('admission: who holds least goes first, whoever came first', async () => {
  const admission = line(5);
  const { enter, order, release } = recorder(admission);
  enter('ada holds 3', demand(ADA, 3));
  enter('bob holds 1', demand(BOB, 1));
  enter('somebody', demand(newUserId(), 1));
  enter('ada again', demand(ADA, 1));
  enter('bob again', demand(BOB, 1));
  await release('somebody');
  assert.equal(order.at(-1), 'bob again');
});

test('admission: a big request is not starved by small ones behind it', async () => {
  const admission = line(4);
  const { enter, order, release } = recorder(admission);
  for (const name of ['s1', 's2', 's3', 's4']) enter(name, demand(newUserId()));
  enter('big', demand(newUserId(), 4));
  for (let n = 0; n < 20; n++) enter(`later ${n}`, demand(newUserId()));
  for (const name of ['s1', 's2', 's3']) await release(name);
  assert.deepEqual(order.slice(4), [], 'what becomes free is kept for it');
  await release('s4');
  assert.deepEqual(order.slice(4), ['big']);
});

test('admission: what costs more than the whole machine takes the whole machine', async () => {
  const admission = line(10);
  const { enter, order, release } = recorder(admission);
  enter('small', demand(BOB, 1));
  enter('huge', demand(ADA, 1_000));
  await release('small');
  assert.deepEqual([order.at(-1), admission.grantedCost], ['huge', 10]);
  await release('huge');
  assert.equal(admission.grantedCost, 0);
});

test('admission: a grant grows like anyone else waits, and shrinks at once', async () => {
  const admission = line(4);
  const grant = await admission.enter(demand(ADA, 2)).granted;
  const { enter, order, release } = recorder(admission);
  enter('bob', demand(BOB, 2));
  const more = admission.enter({ ...demand(ADA, 2), beside: grant });
  enter('carol', demand(newUserId(), 2));
  await release('bob');
  assert.deepEqual(order, ['bob', 'carol'], 'who holds something already waits for who holds nothing');
  await release('carol');
  grant.absorb(await more.granted);
  assert.deepEqual([grant.cost, admission.grantedCost], [4, 4]);
  grant.shrinkTo(1);
  assert.equal(admission.grantedCost, 1);
  grant.release();
  grant.release();
  assert.deepEqual([admission.grantedCost, admission.heldBy(ADA)], [0, 0]);
});

test('admission: a grant that is alone may grow whatever the machine was measured to do meanwhile', async () => {
  const admission = line(10);
  const grant = await admission.enter(demand(ADA, 8)).granted;
  admission.setCapacity(5);
  const more = await admission.enter({ ...demand(ADA, 4), beside: grant }).granted;
  grant.absorb(more);
  assert.equal(admission.depth, 0);
});

test('admission: more capacity lets in who waits', async () => {
  const admission = line(1);
  await admission.enter(demand()).granted;
  const next = admission.enter(demand());
  admission.setCapacity(2);
  await next.granted;
});

test('admission: who waits too long is told how many others do', async () => {
  const admission = line(1, { timeoutMs: 20 });
  const first = await admission.enter(demand()).granted;
  await assert.rejects(admission.enter(demand()).granted, error => {
    assert.ok(error instanceof FerriteError && error.code === 'OVERLOADED');
    assert.deepEqual([error.details.reason, error.details.queueDepth], ['timeout', 0]);
    assert.equal(typeof error.details.queueWaitMs, 'number');
    return true;
  });
  assert.equal(admission.depth, 0);
  first.release();
  await admission.enter(demand()).granted;
});

test('admission: a line that is too long refuses at once, a user that is in it too often as well', async () => {
  const admission = line(1, { maxWaiting: 3, maxWaitingPerUser: 2 });
  const grant = await admission.enter(demand()).granted;
  const waiting = [admission.enter(demand(ADA)), admission.enter(demand(ADA))];
  const reasonOf = (ticket: Ticket): Promise<unknown> =>
    ticket.granted.then(
      () => 'granted',
      (error: FerriteError) => error.details.reason,
    );
  assert.equal(await reasonOf(admission.enter(demand(ADA))), 'user-queue-full');
  waiting.push(admission.enter(demand(BOB)));
  assert.equal(await reasonOf(admission.enter(demand(newUserId()))), 'queue-full');
  grant.release();
  await Promise.all(waiting.map(async ticket => (await ticket.granted).release()));
});

test('admission: who goes away while waiting takes no grant', async () => {
  const admission = line(1);
  const first = await admission.enter(demand()).granted;
  const waiting = admission.enter(demand());
  waiting.leave(gone());
  await assert.rejects(waiting.granted, isCode('CANCELLED'));
  assert.deepEqual([admission.depth, waiting.standing()], [0, null]);
  first.release();
  await admission.enter(demand()).granted;
});

test('admission: a grant released twice is one grant', async () => {
  const admission = line(1, { timeoutMs: 20 });
  const first = await admission.enter(demand()).granted;
  first.release();
  first.release();
  await admission.enter(demand()).granted;
  await assert.rejects(admission.enter(demand()).granted, isCode('OVERLOADED'));
});

test('admission: everybody in line knows its position; the wait is told once it is known how fast grants become free', async () => {
  const admission = line(1);
  const grants = [await admission.enter(demand()).granted];
  const tickets = [0, 1, 2, 3].map(() => admission.enter(demand(newUserId())));
  assert.deepEqual(
    tickets.map(ticket => ticket.standing()),
    [1, 2, 3, 4].map(position => ({ position, depth: 4, estimatedWaitMs: null })),
  );
  for (const ticket of tickets.slice(0, 2)) {
    grants.pop()?.release();
    grants.push(await ticket.granted);
  }
  const [, , third, fourth] = tickets.map(ticket => ticket.standing());
  for (const ticket of tickets) ticket.granted.catch(() => undefined);
  for (const ticket of tickets) ticket.leave(gone());
  assert.deepEqual([third?.position, fourth?.position, fourth?.depth], [1, 2, 2]);
  assert.ok((third?.estimatedWaitMs ?? -1) >= 0 && (fourth?.estimatedWaitMs ?? -1) >= (third?.estimatedWaitMs ?? 0));
});

test('admission: what runs without having asked counts', async () => {
  const admission = line(2);
  const claimed = admission.claim(demand(BOB, 2));
  const next = admission.enter(demand());
  assert.equal(next.standing()?.position, 1);
  claimed.release();
  await next.granted;
});

type Line = { readonly held: ReadonlyMap<UserId, number>; readonly turns: ReadonlyMap<UserId, number> };

/** What the line should do, in the plainest words: look at everybody each time. */
function expectedNext(waiting: readonly (GrantRequest & { sinceMs: number })[], { held, turns }: Line) {
  const rank = ({ priority }: GrantRequest): number => (priority === 'interactive' ? 0 : 1);
  const of = (counts: ReadonlyMap<UserId, number>, { userId }: GrantRequest): number => counts.get(userId) ?? 0;
  return waiting.toSorted(
    (a, b) => rank(a) - rank(b) || of(held, a) - of(held, b) || of(turns, a) - of(turns, b) || a.sinceMs - b.sinceMs,
  )[0];
}

for (let seed = 1; seed <= 200; seed++) {
  test(`admission: random arrivals, departures and releases break no rule (seed ${seed})`, async () => {
    const random = seededRandom(seed);
    const pick = (below: number): number => Math.floor(random() * below);
    const capacity = 1 + pick(12);
    const admission = line(capacity);
    const users = Array.from({ length: 1 + pick(6) }, newUserId);
    const waiting: (GrantRequest & { sinceMs: number; ticket: Ticket })[] = [];
    const holding: { userId: UserId; grant: Grant }[] = [];
    const held = new Map<UserId, number>();
    const turns = new Map<UserId, number>();
    let turn = 0;
    const hold = (userId: UserId, change: number): void => void held.set(userId, (held.get(userId) ?? 0) + change);
    let granted: { userId: UserId; ticket: Ticket; grant: Grant }[] = [];
    let sinceMs = performance.now();

    const check = async (): Promise<void> => {
      await settle();
      for (const { ticket, grant } of granted) {
        const next = expectedNext(waiting, { held, turns });
        const at = waiting.findIndex(one => one.ticket === ticket);
        const one = waiting[at];
        assert.ok(one && next, 'only who waits is granted');
        assert.deepEqual([one.userId, one.priority, one.sinceMs], [next.userId, next.priority, next.sinceMs], 'in order');
        waiting.splice(at, 1);
        holding.push({ userId: one.userId, grant });
        hold(one.userId, grant.cost);
        turns.set(one.userId, ++turn);
      }
      granted = [];
      const used = holding.reduce((sum, { grant }) => sum + grant.cost, 0);
      assert.equal(admission.grantedCost, used, 'what is granted is what is held');
      assert.ok(used <= capacity, 'never more than there is');
      assert.equal(admission.depth, waiting.length, 'nobody is lost');
      const next = expectedNext(waiting, { held, turns });
      if (next) assert.ok(used > 0 && used + Math.min(next.cost, capacity) > capacity, 'nobody waits for what is free');
    };

    for (let step = 0; step < 120; step++) {
      const action = random();
      if (action < 0.55) {
        sinceMs += 0.001;
        const request = {
          userId: users[pick(users.length)] ?? ADA,
          priority: random() < 0.7 ? ('interactive' as const) : ('background' as const),
          cost: 1 + pick(capacity + 2),
          sinceMs,
        };
        const ticket = admission.enter(request);
        waiting.push({ ...request, ticket });
        ticket.granted.then(
          grant => granted.push({ userId: request.userId, ticket, grant }),
          () => undefined,
        );
      } else if (action < 0.85 && holding.length > 0) {
        const [ended] = holding.splice(pick(holding.length), 1);
        if (ended) {
          hold(ended.userId, -ended.grant.cost);
          ended.grant.release();
          if (random() < 0.2) ended.grant.release();
        }
      } else if (action < 0.95 && waiting.length > 0) {
        waiting.splice(pick(waiting.length), 1)[0]?.ticket.leave(gone());
      } else if (holding.length > 0) {
        const one = holding[pick(holding.length)];
        if (one && one.grant.cost > 1) {
          hold(one.userId, 1 - one.grant.cost);
          one.grant.shrinkTo(1);
        }
      }
      await check();
    }
    for (const { ticket } of waiting.splice(0)) ticket.leave(gone());
    for (const { grant } of holding.splice(0)) grant.release();
    await settle();
    assert.deepEqual([admission.depth, admission.grantedCost, users.map(user => admission.heldBy(user)).some(Boolean)], [0, 0, false]);
  });
}
