// The log of security events, newest first, of each kind no more than there is room for: the oldest make room. Single writer: the main thread.
import { type AuditEvent, isStrangers } from '#domain/access/audit.ts';
import type { Environment, Transaction } from '#storage/environment.ts';
import type { Family } from '#storage/migrations.ts';
import type { Table } from '#storage/table.ts';
import { type Page, type PageRequest, parseCursor, takePage } from '../page.ts';

/** What strangers can cause without end lies apart. */
const OF_STRANGERS = 'audit.of-strangers';

export const AUDIT: Family = { name: 'audit', encoding: 'msgpack', format: 1, upgrades: [], indexes: [OF_STRANGERS] };

/** Some 250 bytes each. */
export type AuditRoom = { readonly events: number; readonly ofStrangers: number };
const ROOM: AuditRoom = { events: 20_000, ofStrangers: 5_000 };
/** A filter that little passes costs no more than this for a page, which then may have fewer entries than were asked for. */
const MAX_LOOKED_AT = 2_000;

/** The time is negative so that the newest comes first; of one millisecond, the later. */
type Key = [negativeAtMs: number, negativeNumber: number];
type Events = Table<Key, AuditEvent>;

export class AuditRepository {
  readonly #environment: Environment;
  readonly #events: Events;
  readonly #ofStrangers: Events;
  readonly #room: AuditRoom;

  constructor(environment: Environment, room: AuditRoom = ROOM) {
    this.#environment = environment;
    this.#events = environment.table(AUDIT.name);
    this.#ofStrangers = environment.table(OF_STRANGERS);
    this.#room = room;
  }

  async add(event: AuditEvent): Promise<void> {
    const isTheirs = isStrangers(event.event);
    const [table, most] = isTheirs ? [this.#ofStrangers, this.#room.ofStrangers] : [this.#events, this.#room.events];
    await this.#environment.write(tx => {
      // No key is in both tables: a cursor stands for one entry.
      let number = 1;
      while ([this.#events, this.#ofStrangers].some(other => other.has([-event.atMs, -number]))) number += 1;
      tx.put(table, [-event.atMs, -number], event);
      makeRoom(tx, table, most);
    });
  }

  list({ limit, cursor }: PageRequest, matches: (event: AuditEvent) => boolean): Page<AuditEvent> {
    const after = cursor === null ? {} : { after: parseCursor(cursor, [], 2).map(Number) as Key };
    let left = MAX_LOOKED_AT;
    let last: Key | null = null;
    const entries = function* (all: Iterable<{ key: Key; item: AuditEvent }>) {
      for (const entry of all) {
        if (left-- === 0) return;
        last = entry.key;
        if (matches(entry.item)) yield entry;
      }
    };
    const page = takePage(entries(merged(this.#events.entries(after), this.#ofStrangers.entries(after))), limit);
    const isCutShort = page.nextCursor === null && left < 0 && last !== null;
    return isCutShort ? { ...page, nextCursor: Buffer.from(JSON.stringify(last)).toString('base64url') } : page;
  }
}

/** One more than there is room for at most, but after a smaller room was set. */
function makeRoom(tx: Transaction, table: Events, most: number): void {
  for (let excess = table.count() - most; excess > 0; excess--) {
    const oldest = table.last();
    if (oldest !== undefined) tx.remove(table, oldest.key);
  }
}

type Ordered = Iterable<{ readonly key: Key; readonly value: AuditEvent }>;

/** Both in one order. */
function* merged(one: Ordered, other: Ordered): Generator<{ key: Key; item: AuditEvent }> {
  const [left, right] = [one[Symbol.iterator](), other[Symbol.iterator]()];
  try {
    let [a, b] = [left.next(), right.next()];
    while (a.done !== true || b.done !== true) {
      const takesLeft = b.done === true || (a.done !== true && isBefore(a.value.key, b.value.key));
      const next = takesLeft ? a : b;
      if (next.done !== true) yield { key: next.value.key, item: next.value.value };
      if (takesLeft) a = left.next();
      else b = right.next();
    }
  } finally {
    left.return?.();
    right.return?.();
  }
}

const isBefore = ([atMs, number]: Key, [otherMs, otherNumber]: Key): boolean =>
  atMs < otherMs || (atMs === otherMs && number <= otherNumber);
