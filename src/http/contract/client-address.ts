// The address that a request comes from, also through proxies: those on the list are believed, and nobody else.
import { BlockList, isIP } from 'node:net';

type Header = (name: string) => string;
type Family = 'ipv4' | 'ipv6';

export class ClientAddresses {
  readonly #trusted = new BlockList();
  readonly #trustsAny: boolean;

  /** Addresses, or networks as `192.0.2.0/24`, that were checked by `proxyMistake`. */
  constructor(trusted: readonly string[]) {
    this.#trustsAny = trusted.length > 0;
    for (const entry of trusted) {
      const [address = '', prefix] = entry.split('/');
      if (prefix === undefined) this.#trusted.addAddress(address, familyOf(address));
      else this.#trusted.addSubnet(address, Number(prefix), familyOf(address));
    }
  }

  /**
   * The nearest hop that is no proxy of ours, read from the right: what stands left of it was written by somebody we do not know.
   * A proxy sets one of the two headers and may hand on the other as the client wrote it: where they differ, neither is believed.
   */
  of(remoteAddress: string, header: Header): string {
    if (!this.#trustsAny || !this.isProxy(remoteAddress)) return remoteAddress;
    const chains = [forwardedFor(header('forwarded')), header('x-forwarded-for').split(',').map(bare)].filter(chain =>
      chain.some(hop => hop !== ''),
    );
    const found = new Set(chains.map(chain => this.#client(remoteAddress, chain)));
    const [client] = found;
    return client !== undefined && found.size === 1 ? client : remoteAddress;
  }

  #client(remoteAddress: string, chain: readonly string[]): string {
    let nearest = remoteAddress;
    for (const hop of [...chain].reverse()) {
      if (isIP(hop) === 0) return nearest;
      nearest = hop;
      if (!this.isProxy(hop)) return hop;
    }
    return nearest;
  }

  isProxy(address: string): boolean {
    return isIP(address) !== 0 && this.#trusted.check(address, familyOf(address));
  }
}

/** What is wrong with an entry of the list; null when nothing is. */
export function proxyMistake(entry: string): string | null {
  const [address = '', prefix, ...rest] = entry.split('/');
  const bits = isIP(address) === 4 ? 32 : 128;
  const isPrefix = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits);
  return isIP(address) !== 0 && isPrefix && rest.length === 0
    ? null
    : `"${entry}" is neither an address nor a network such as 192.0.2.0/24`;
}

const familyOf = (address: string): Family => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

/** RFC 7239: `for=192.0.2.1;proto=https, for="[2001:db8::1]:4711"`. */
const forwardedFor = (value: string): string[] =>
  value.split(',').map(element => bare(/(?:^|;)\s*for\s*=\s*("[^"]*"|[^;]*)/i.exec(element)?.[1] ?? ''));

/** Without quotes, brackets and port. */
function bare(text: string): string {
  const plain = text.trim().replace(/^"|"$/g, '');
  const [, bracketed] = /^\[([^\]]*)\](?::\d+)?$/.exec(plain) ?? [];
  return bracketed ?? (/^[\d.]+:\d+$/.test(plain) ? plain.slice(0, plain.indexOf(':')) : plain);
}
