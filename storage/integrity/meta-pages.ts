// The head of the store: which of its snapshots LMDB is going to open, and whether that head is one at all.
import { readFileSync } from 'node:fs';
import { count, Damage, type StoreFile } from './store-file.ts';

/** Offsets and constants of LMDB's file format 2, as lmdb-js writes it (mdb.c: MDB_page_header, MDB_meta, MDB_db). */
export const PAGE_HEADER_BYTES = 24;
const META_PAGE = 0x08;
const MAGIC = 0xbeefc0de;
const FORMAT = 2;
const INTEGER_KEYS = 0x08;
const OVERLAPPING_SYNC = 0x1000;
const SINGLE_FILE = 0x4000;
/** How it was opened when it was made or last written, which differs by system. */
const OPENED_WITH = OVERLAPPING_SYNC | SINGLE_FILE;
const MAX_MAP_BYTES = 2 ** 46;
const NO_PAGE = 0xffff_ffff_ffff_ffffn;
const META_BYTES = 144;
const DB_BYTES = 48;

/** One tree: its root is null where it has no entry. */
export type TreeFacts = {
  readonly flags: number;
  readonly depth: number;
  readonly branchPages: number;
  readonly leafPages: number;
  readonly overflowPages: number;
  readonly entries: number;
  readonly root: number | null;
};

export type Meta = {
  readonly pageBytes: number;
  readonly mapBytes: number;
  readonly free: TreeFacts;
  readonly main: TreeFacts;
  readonly lastPage: number;
  readonly transaction: number;
  readonly bootId: bigint;
};

export function readTreeFacts(view: DataView, at: number): TreeFacts {
  const root = view.getBigUint64(at + 40, true);
  return {
    flags: view.getUint16(at + 4, true),
    depth: view.getUint16(at + 6, true),
    branchPages: count(view, at + 8),
    leafPages: count(view, at + 16),
    overflowPages: count(view, at + 24),
    entries: count(view, at + 32),
    root: root === NO_PAGE ? null : count(view, at + 40),
  };
}

/** The meta page that counts. There are two in turn, and in the middle of the first page the one that is known to be on the disk. */
export function pickMeta(file: StoreFile): Meta {
  const head = file.read(0, Buffer.alloc(PAGE_HEADER_BYTES + META_BYTES));
  checkStamp(head);
  const pageBytes = head.getUint32(PAGE_HEADER_BYTES + 24, true);
  if (pageBytes < 512 || pageBytes > 65_536 || (pageBytes & (pageBytes - 1)) !== 0)
    throw new Damage('its head names an impossible page size');
  const second = file.read(pageBytes, Buffer.alloc(PAGE_HEADER_BYTES + META_BYTES));
  checkStamp(second);
  const flushed = file.read(pageBytes / 2, Buffer.alloc(PAGE_HEADER_BYTES + META_BYTES));
  const bootId = systemBootId();
  const first = readMeta(head);
  const metas = [first, readMeta(second), ...(count(flushed, PAGE_HEADER_BYTES + 128) === 0 ? [] : [readMeta(flushed)])];
  if (metas.some(meta => meta.pageBytes !== pageBytes)) throw new Damage('its two heads name different page sizes');
  const picked = metas.slice(1).reduce((best, meta) => pick(best, meta, bootId), first);
  checkBounds(picked);
  return picked;
}

function checkStamp(page: DataView): void {
  const isStamped =
    page.getUint16(18, true) === META_PAGE &&
    page.getUint32(PAGE_HEADER_BYTES, true) === MAGIC &&
    (page.getUint32(PAGE_HEADER_BYTES + 4, true) & 0xffff) === FORMAT;
  if (!isStamped) throw new Damage('its head is not that of a store');
}

function readMeta(page: DataView): Meta {
  const at = PAGE_HEADER_BYTES;
  return {
    pageBytes: page.getUint32(at + 24, true),
    mapBytes: count(page, at + 16),
    free: readTreeFacts(page, at + 24),
    main: readTreeFacts(page, at + 24 + DB_BYTES),
    lastPage: count(page, at + 24 + 2 * DB_BYTES),
    transaction: count(page, at + 32 + 2 * DB_BYTES),
    bootId: page.getBigInt64(at + 40 + 2 * DB_BYTES, true),
  };
}

/** As LMDB does where syncing overlaps (mdb_pick_meta): the newest one of this boot of the machine, after another boot the oldest. */
function pick(a: Meta, b: Meta, bootId: bigint): Meta {
  if (b.transaction === 0) return a;
  const latest = a.transaction >= b.transaction ? a : b;
  const isOfThisBoot = latest.bootId !== 0n && latest.bootId === bootId;
  if (isOfThisBoot || (latest.free.flags & OVERLAPPING_SYNC) === 0) return latest;
  return a.transaction > b.transaction ? b : a;
}

function checkBounds({ pageBytes, mapBytes, free, main, lastPage }: Meta): void {
  if ((free.flags & ~OPENED_WITH) !== INTEGER_KEYS || main.flags !== 0) throw new Damage('its head has flags that no store of ours has');
  if (mapBytes > MAX_MAP_BYTES || (lastPage + 1) * pageBytes > MAX_MAP_BYTES) throw new Damage('its head claims an impossible size');
}

/** 0 where the system has none to tell. */
function systemBootId(): bigint {
  try {
    const [hex = ''] = /^[0-9a-f]+/i.exec(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')) ?? [];
    return hex === '' ? 0n : BigInt(`0x${hex}`);
  } catch {
    return 0n;
  }
}
