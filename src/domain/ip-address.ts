// How the address of a client is written, and what of it counts as one client.
import { isIPv6 } from 'node:net';

/** From 4 or 16 bytes: IPv4 in dots, also where it arrives mapped into IPv6, so that one client has one address. */
export function formatAddress(bytes: Uint8Array): string {
  const isMapped = bytes.length === 16 && bytes[10] === 0xff && bytes[11] === 0xff && bytes.subarray(0, 10).every(byte => byte === 0);
  if (bytes.length === 4) return bytes.join('.');
  if (isMapped) return bytes.subarray(12).join('.');
  const groups = Array.from({ length: bytes.length / 2 }, (_, index) =>
    (((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0)).toString(16),
  );
  return groups.join(':');
}

/** One subscriber holds a whole /64 of IPv6: it counts as one address. */
export function addressGroup(address: string): string {
  const mapped = /^(?:::|(?:0+:){5})ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped?.[1] !== undefined) return mapped[1];
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('::');
  const heads = head === '' ? [] : head.split(':');
  const tails = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - heads.length - tails.length);
  const groups = [...heads, ...Array.from({ length: zeros }, () => '0'), ...tails];
  return groups
    .slice(0, 4)
    .map(group => Number.parseInt(group, 16).toString(16))
    .join(':');
}
