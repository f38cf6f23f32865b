// Walks a tree of the store and finds every page, node and key where it has to be, so that LMDB meets nothing that it does not expect.
import { PAGE_HEADER_BYTES, readTreeFacts, type TreeFacts } from './meta-pages.ts';
import { count, Damage, type StoreFile } from './store-file.ts';

const BRANCH = 0x01;
const LEAF = 0x02;
const OVERFLOW = 0x04;

const NODE_HEADER_BYTES = 8;
const IN_OVERFLOW = 0x01;
const IS_TREE = 0x02;
const OVERFLOW_REFERENCE_BYTES = 24;
const TREE_RECORD_BYTES = 48;

/** LMDB's own bound on how deep a cursor goes. */
const MAX_DEPTH = 32;

export type Bounds = { readonly pageBytes: number; readonly lastPage: number };

type Kind = 'free' | 'main' | 'table';
type Key = Buffer;
type Visit = { readonly kind: Kind; readonly depth: number; readonly found: Found };
type Found = { branchPages: number; leafPages: number; overflowPages: number; entries: number };

export class TreeWalk {
  readonly #file: StoreFile;
  readonly #bounds: Bounds;
  /** Pages met so far: none belongs to two places. */
  readonly #used: Uint8Array;
  readonly #freed: number[] = [];
  /** One for each level. Deeper levels are read while the ones above are still in use. */
  readonly #pages: Buffer[] = [];
  readonly #overflowHead = Buffer.alloc(PAGE_HEADER_BYTES);

  constructor(file: StoreFile, bounds: Bounds) {
    this.#file = file;
    this.#bounds = bounds;
    this.#used = new Uint8Array(bounds.lastPage + 1);
  }

  /** Throws Damage. */
  check(free: TreeFacts, main: TreeFacts): void {
    this.#tree(free, 'free', 0);
    this.#tree(main, 'main', 0);
    for (const page of this.#freed) if (this.#used[page] === 1) throw new Damage(`page ${page} is in use and free`);
  }

  /** `level`: how many pages of trees above are still being read. */
  #tree(facts: TreeFacts, kind: Kind, level: number): void {
    const found: Found = { branchPages: 0, leafPages: 0, overflowPages: 0, entries: 0 };
    if (facts.depth > MAX_DEPTH || (facts.root === null) !== (facts.depth === 0)) throw new Damage('a table has an impossible depth');
    if (facts.root !== null) this.#page(facts.root, { kind, depth: facts.depth, found }, { level, from: null, to: null });
    for (const name of ['branchPages', 'leafPages', 'overflowPages', 'entries'] as const) {
      if (found[name] !== facts[name]) throw new Damage(`a table has ${found[name]} ${name} where ${facts[name]} were written`);
    }
  }

  #page(number: number, { kind, depth, found }: Visit, at: { level: number; from: Key | null; to: Key | null }): void {
    this.#take(number);
    this.#pages[at.level] ??= Buffer.alloc(this.#bounds.pageBytes);
    const bytes = this.#pages[at.level] as Buffer;
    const page = this.#file.read(number * this.#bounds.pageBytes, bytes);
    const isLeaf = depth === 1;
    if (count(page, 0) !== number || page.getUint16(18, true) !== (isLeaf ? LEAF : BRANCH))
      throw new Damage(`page ${number} is not what it has to be`);
    found[isLeaf ? 'leafPages' : 'branchPages'] += 1;
    const nodes = readNodes(page, number, kind, isLeaf);
    let previous = at.from;
    const keys = nodes.map(({ offset, keyBytes }, index) => {
      // The first key of a branch stands for everything before the second.
      if (!isLeaf && index === 0) return at.from;
      const key = Buffer.from(bytes.subarray(offset + NODE_HEADER_BYTES, offset + NODE_HEADER_BYTES + keyBytes));
      const isInOrder =
        (previous === null || compare(kind, previous, key) < (isLeaf && index === 0 ? 1 : 0)) &&
        (at.to === null || compare(kind, key, at.to) < 0);
      if (keyBytes === 0 || !isInOrder) throw new Damage(`page ${number} has a key out of order`);
      previous = key;
      return key;
    });
    for (const [index, node] of nodes.entries()) {
      if (isLeaf) this.#leafNode(page, node, { kind, found, level: at.level + 1 });
      else {
        const child =
          page.getUint16(node.offset, true) +
          page.getUint16(node.offset + 2, true) * 65_536 +
          page.getUint16(node.offset + 4, true) * 2 ** 32;
        this.#page(
          child,
          { kind, depth: depth - 1, found },
          { level: at.level + 1, from: keys[index] ?? null, to: keys[index + 1] ?? at.to },
        );
      }
    }
  }

  #leafNode(
    page: DataView,
    { offset, keyBytes, dataBytes, flags }: Node,
    { kind, found, level }: { kind: Kind; found: Found; level: number },
  ): void {
    found.entries += 1;
    const data = offset + NODE_HEADER_BYTES + keyBytes;
    if (flags === IS_TREE) {
      if (kind !== 'main' || dataBytes !== TREE_RECORD_BYTES) throw new Damage('a record claims to be a table');
      const facts = readTreeFacts(page, data);
      if (facts.flags !== 0) throw new Damage('a table has flags that none of ours has');
      this.#tree(facts, 'table', level);
    } else if (flags === IN_OVERFLOW) {
      const first = count(page, data);
      const pages = count(page, data + 16);
      this.#overflow(first, pages, dataBytes);
      found.overflowPages += pages;
      if (kind === 'free') this.#freeList(this.#file.read(first * this.#bounds.pageBytes + PAGE_HEADER_BYTES, Buffer.alloc(dataBytes)));
    } else if (kind === 'free') this.#freeList(new DataView(page.buffer, page.byteOffset + data, dataBytes));
  }

  #overflow(first: number, pages: number, dataBytes: number): void {
    const { pageBytes } = this.#bounds;
    // One that was overwritten by a shorter one keeps its pages.
    if (pages < Math.floor((PAGE_HEADER_BYTES - 1 + dataBytes) / pageBytes) + 1) throw new Damage('a long record is longer than its pages');
    for (let index = 0; index < pages; index++) this.#take(first + index);
    const head = this.#file.read(first * pageBytes, this.#overflowHead);
    const isOne = count(head, 0) === first && head.getUint16(18, true) === OVERFLOW && head.getUint32(20, true) === pages;
    if (!isOne) throw new Damage(`page ${first} is not what it has to be`);
    if (first * pageBytes + PAGE_HEADER_BYTES + dataBytes > this.#file.byteLength)
      throw new Damage(`the file ends after ${this.#file.byteLength} bytes, within a record`);
  }

  /** How many numbers, then page numbers; below 0 stands how long the stretch is that begins with the next one, and 0 is nothing. */
  #freeList(list: DataView): void {
    const room = Math.floor(list.byteLength / 8) - 1;
    const length = room < 0 ? 0 : count(list, 0);
    if (room < 0 || length > room) throw new Damage('a list of free pages is longer than its record');
    for (let index = 1; index <= length; index++) {
      const page = list.getBigInt64(index * 8, true);
      const { lastPage } = this.#bounds;
      if (page > BigInt(lastPage) || page < -BigInt(lastPage) || page === 1n)
        throw new Damage('a list of free pages names one that is not there');
      if (page > 0n) this.#freed.push(Number(page));
    }
  }

  #take(number: number): void {
    if (number < 2 || number > this.#bounds.lastPage) throw new Damage(`page ${number} is referred to and is none`);
    if (this.#used[number] === 1) throw new Damage(`page ${number} is used twice`);
    this.#used[number] = 1;
  }
}

type Node = { readonly offset: number; readonly keyBytes: number; readonly dataBytes: number; readonly flags: number };

/** The nodes lie one beside the other at the page's end, and fill what the page says they fill. */
function readNodes(page: DataView, number: number, kind: Kind, isLeaf: boolean): Node[] {
  const damaged = (): Damage => new Damage(`page ${number} has its records out of place`);
  const lower = page.getUint16(20, true);
  const upper = page.getUint16(22, true);
  const room = page.byteLength - PAGE_HEADER_BYTES;
  if (lower > upper || upper > room || lower % 2 !== 0 || lower < (isLeaf ? 2 : 4)) throw damaged();
  const nodes: Node[] = [];
  const taken = new Set<number>();
  let filled = 0;
  for (let index = 0; index < lower / 2; index++) {
    const pointer = page.getUint16(PAGE_HEADER_BYTES + 2 * index, true);
    const offset = PAGE_HEADER_BYTES + pointer;
    if (pointer < upper || pointer + NODE_HEADER_BYTES > room || taken.has(pointer)) throw damaged();
    taken.add(pointer);
    const keyBytes = page.getUint16(offset + 6, true);
    const flags = isLeaf ? page.getUint16(offset + 4, true) : 0;
    const dataBytes = isLeaf ? page.getUint16(offset, true) + page.getUint16(offset + 2, true) * 65_536 : 0;
    if (flags !== 0 && flags !== IN_OVERFLOW && flags !== IS_TREE) throw damaged();
    const bytes = NODE_HEADER_BYTES + keyBytes + (flags === IN_OVERFLOW ? OVERFLOW_REFERENCE_BYTES : dataBytes);
    if (pointer + bytes > room || (kind === 'free' && isLeaf && keyBytes !== 8)) throw damaged();
    filled += bytes + (bytes % 2);
    nodes.push({ offset, keyBytes, dataBytes, flags });
  }
  if (filled !== room - upper) throw damaged();
  return nodes;
}

/** The list of free pages is in the order of transactions, everything else in that of bytes. */
function compare(kind: Kind, a: Key, b: Key): number {
  if (kind !== 'free') return Buffer.compare(a, b);
  if (a.byteLength !== 8 || b.byteLength !== 8) throw new Damage('a list of free pages has no number');
  return Number(a.readBigUInt64LE() - b.readBigUInt64LE());
}
