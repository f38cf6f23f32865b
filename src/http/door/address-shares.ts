// How many connections each address has, so that one address can not take them all.
import { readFileSync } from 'node:fs';
import { addressGroup, formatAddress } from '#domain/ip-address.ts';

export type AddressShareOptions = {
  /** Most connections of one address; of IPv6, of a /64. */
  readonly max: number;
  /** False for addresses that many clients share, as a proxy's. */
  readonly isCounted: (address: string) => boolean;
};

/** Where the kernel lists the TCP connections of this process's network, IPv4 and IPv6. */
const TABLES = ['/proc/self/net/tcp', '/proc/self/net/tcp6'];

/** A count costs up to 20 ms where there are tens of thousands of connections: it takes a fiftieth of the time at most. */
const MIN_INTERVAL_MS = 1_000;
const INTERVAL_PER_COST = 50;

/** So many addresses are a reason to count again as well: the ones that have gone are forgotten. */
const MAX_KNOWN = 20_000;

/**
 * The socket library tells of whom a connection is when it opens, and not when it closes: by then its descriptor is gone.
 * So openings are added up, and where that is too many for an address, the kernel's own table says how many are left.
 */
export class AddressShares {
  readonly #options: AddressShareOptions;
  readonly #portOf: () => number;
  /** At the last count, and opened since: never less than there are. */
  #known = new Map<string, number>();
  #countAgainAtMs = Number.NEGATIVE_INFINITY;
  /** There is no such table, as on macOS: nobody is refused for what can not be known. */
  #isBlind = false;

  /** `portOf`: where the server listens, which may be known later than this. */
  constructor(options: AddressShareOptions, portOf: () => number) {
    this.#options = options;
    this.#portOf = portOf;
  }

  /** Called once for each connection when it is open. False where its address has more than it may have. */
  admits(address: string): boolean {
    if (this.#isBlind || !this.#options.isCounted(address)) return true;
    const group = addressGroup(address);
    const opened = (this.#known.get(group) ?? 0) + 1;
    const isInQuestion = opened > this.#options.max || this.#known.size >= MAX_KNOWN;
    if (isInQuestion && performance.now() >= this.#countAgainAtMs) {
      this.#count();
      return (this.#known.get(group) ?? 0) <= this.#options.max;
    }
    if (opened > this.#options.max) return false;
    this.#known.set(group, opened);
    return true;
  }

  #count(): void {
    const startedMs = performance.now();
    const tables = TABLES.map(readTable);
    this.#isBlind = tables.every(table => table === null);
    this.#known = countByGroup(
      tables.filter(table => table !== null),
      this.#portOf(),
    );
    const nowMs = performance.now();
    this.#countAgainAtMs = nowMs + Math.max(MIN_INTERVAL_MS, INTERVAL_PER_COST * (nowMs - startedMs));
  }
}

function readTable(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null;
  }
}

/** Of connections at our port that are open (01), or half closed by the client (08), and have an inode: others are yet to be accepted. */
function countByGroup(tables: readonly string[], port: number): Map<string, number> {
  const localPort = port.toString(16).toUpperCase().padStart(4, '0');
  const row = new RegExp(`^ *\\d+: [\\dA-F]+:${localPort} ([\\dA-F]+):[\\dA-F]{4} 0[18] \\S+ \\S+ \\S+ +\\d+ +\\d+ +[1-9]`, 'gm');
  const byHex = new Map<string, number>();
  for (const table of tables) for (const [, hex = ''] of table.matchAll(row)) byHex.set(hex, (byHex.get(hex) ?? 0) + 1);
  const byGroup = new Map<string, number>();
  for (const [hex, count] of byHex) {
    const group = addressGroup(formatAddress(Buffer.from(hex, 'hex').swap32()));
    byGroup.set(group, (byGroup.get(group) ?? 0) + count);
  }
  return byGroup;
}
