import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { AuditEvent, AuditEventName } from '#domain/access/audit.ts';
import { storePath } from '#storage/database.ts';
import { Environment } from '#storage/environment.ts';
import { AUDIT, AuditRepository } from '#storage/records/accounts/audit.ts';
import { openStore } from '../../support.ts';

const anEvent = (atMs: number, event: AuditEventName, detail = ''): AuditEvent => ({
  atMs,
  event,
  actor: null,
  subject: null,
  address: '192.0.2.7',
  detail,
});
const all = (): boolean => true;

/** With room for three events, and two of strangers. */
async function openSmall(t: TestContext): Promise<AuditRepository> {
  const { dataDir, database } = await openStore(t);
  await database.close();
  const environment = new Environment(storePath(dataDir), 'read-write');
  t.after(() => environment.close());
  for (const name of [AUDIT.name, ...AUDIT.indexes]) environment.table(name);
  return new AuditRepository(environment, { events: 3, ofStrangers: 2 });
}

const detailsOf = (items: readonly AuditEvent[]) => items.map(({ detail }) => detail);

test('audit: newest first, those of one millisecond too, page by page', async t => {
  const { database } = await openStore(t);
  for (const [at, detail] of ['a', 'b', 'c', 'd', 'e'].entries())
    await database.audit.add(anEvent(at < 3 ? 10 : 20, at % 2 === 0 ? 'sign-in' : 'sign-in-failed', detail));
  const seen: (string | null)[] = [];
  let cursor: string | null = null;
  do {
    const page = database.audit.list({ limit: 2, cursor }, all);
    seen.push(...detailsOf(page.items));
    cursor = page.nextCursor;
  } while (cursor !== null);
  assert.deepEqual(seen, ['e', 'd', 'c', 'b', 'a']);
  assert.throws(() => database.audit.list({ limit: 2, cursor: 'x' }, all), { code: 'INVALID_REQUEST' });
});

test('audit: the oldest make room, and failures of strangers push out nothing but their own', async t => {
  const audit = await openSmall(t);
  for (let at = 1; at <= 5; at++) await audit.add(anEvent(at, 'sign-in', `own ${at}`));
  for (let at = 6; at <= 40; at++) await audit.add(anEvent(at, 'sign-in-failed', `stranger ${at}`));
  assert.deepEqual(detailsOf(audit.list({ limit: 50, cursor: null }, all).items), [
    'stranger 40',
    'stranger 39',
    'own 5',
    'own 4',
    'own 3',
  ]);
});

test('audit: a filter that little passes ends its page early, and the next one goes on behind it', async t => {
  const { database } = await openStore(t);
  await database.audit.add(anEvent(1, 'set-up', 'the first'));
  await Promise.all(Array.from({ length: 2_100 }, (_, at) => database.audit.add(anEvent(10 + at, 'sign-in'))));
  const isSetUp = ({ event }: AuditEvent): boolean => event === 'set-up';
  const first = database.audit.list({ limit: 5, cursor: null }, isSetUp);
  assert.deepEqual(first.items, []);
  const second = database.audit.list({ limit: 5, cursor: first.nextCursor }, isSetUp);
  assert.deepEqual([detailsOf(second.items), second.nextCursor], [['the first'], null]);
});
