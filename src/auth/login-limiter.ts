// Slows down guessing: failed sign-ins per address and per name within a sliding window. Successful ones are given back.
import { isIPv6 } from 'node:net';
import { LRUCache } from 'lru-cache';
import { FerriteError } from '#domain/errors.ts';

const WINDOW_MS = 5 * 60_000;
const MAX_PER_NAME = 10;
/** A household or an office shares an address. */
const MAX_PER_ADDRESS = 30;
/** Names and addresses remembered: the ones not heard of for longest are forgotten first. */
const MAX_REMEMBERED = 20_000;

export class LoginLimiter {
  readonly #names = new LRUCache<string, number[]>({ max: MAX_REMEMBERED });
  readonly #addresses = new LRUCache<string, number[]>({ max: MAX_REMEMBERED });

  /** Counts an attempt before it is checked, so that many at once count as many. Returns what gives it back. */
  begin(foldedName: string, remoteAddress: string, nowMs: number): () => void {
    const ofName = recent(this.#names, foldedName, nowMs);
    const ofAddress = recent(this.#addresses, addressGroup(remoteAddress), nowMs);
    const waitMs = Math.max(untilFree(ofName, MAX_PER_NAME, nowMs), untilFree(ofAddress, MAX_PER_ADDRESS, nowMs));
    if (waitMs > 0) throw new FerriteError('TOO_MANY_REQUESTS', 'too many attempts to sign in', { retryAfterMs: waitMs });
    ofName.push(nowMs);
    ofAddress.push(nowMs);
    return () => {
      giveBack(ofName, nowMs);
      giveBack(ofAddress, nowMs);
    };
  }
}

/** The attempts of the window, oldest first; never more than the limit. */
function recent(attempts: LRUCache<string, number[]>, key: string, nowMs: number): number[] {
  const known = attempts.get(key);
  if (known === undefined) {
    const none: number[] = [];
    attempts.set(key, none);
    return none;
  }
  while ((known[0] ?? nowMs) <= nowMs - WINDOW_MS) known.shift();
  return known;
}

function untilFree(times: readonly number[], limit: number, nowMs: number): number {
  const [oldest] = times;
  return oldest === undefined || times.length < limit ? 0 : oldest + WINDOW_MS - nowMs;
}

function giveBack(times: number[], time: number): void {
  const position = times.indexOf(time);
  if (position >= 0) times.splice(position, 1);
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
