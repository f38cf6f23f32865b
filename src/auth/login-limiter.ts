// Slows down guessing without locking anybody out: what fails for a name from an address makes that name wait at that address, longer each time.
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { FerriteError } from '#domain/errors.ts';
import { addressGroup } from '#domain/ip-address.ts';

/** A name at an address: so many wrong passwords are mistyped, then the wait doubles with each. */
const FREE_FAILURES = 5;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 15 * 60_000;
/** Failures are forgotten when none has come for so long. */
const FORGET_MS = 60 * 60_000;

/** An address over all names. A household or an office shares one. */
const WINDOW_MS = 5 * 60_000;
const MAX_PER_ADDRESS = 30;
const MAX_AT_ONCE = 8;

/** Failures of one name over all addresses: beyond this it is being guessed from many, and addresses that never signed in take turns. */
const MAX_PER_NAME = 50;
const TURN_MS = 1_000;

/** Of each kind: the ones not heard of for longest are forgotten first. */
const MAX_REMEMBERED = 20_000;
const MAX_KEY_LENGTH = 64;

type Failures = { count: number; lastMs: number };

export class LoginLimiter {
  readonly #pairs = new LRUCache<string, Failures>({ max: MAX_REMEMBERED });
  readonly #addresses = new LRUCache<string, number[]>({ max: MAX_REMEMBERED });
  readonly #names = new LRUCache<string, number[]>({ max: MAX_REMEMBERED });
  readonly #signedIn = new LRUCache<string, true>({ max: MAX_REMEMBERED });
  readonly #underWay = new Map<string, number>();

  /** Counts an attempt as failed before it is checked, so that many at once count as many. Returns what tells how it ended. */
  begin(foldedName: string, remoteAddress: string, nowMs: number): (outcome: 'right' | 'wrong') => void {
    const name = foldedName.length > MAX_KEY_LENGTH ? createHash('sha256').update(foldedName).digest('base64url') : foldedName;
    const address = addressGroup(remoteAddress);
    const pair = `${address} ${name}`;
    const ofAddress = recent(this.#addresses, address, MAX_PER_ADDRESS, nowMs);
    const ofName = recent(this.#names, name, MAX_PER_NAME, nowMs);
    const known = this.#signedIn.get(pair) === true;
    const waitMs = Math.max(
      this.#pairWait(pair, nowMs),
      known ? 0 : untilFree(ofAddress, MAX_PER_ADDRESS, nowMs),
      known || ofName.length < MAX_PER_NAME ? 0 : (ofName.at(-1) ?? 0) + TURN_MS - nowMs,
    );
    if (waitMs > 0) throw tooMany(waitMs);
    const atOnce = this.#underWay.get(address) ?? 0;
    if (atOnce >= MAX_AT_ONCE) throw tooMany(TURN_MS);
    this.#underWay.set(address, atOnce + 1);
    ofAddress.push(nowMs);
    ofName.push(nowMs);
    const giveBack = this.#fail(pair, nowMs);
    return outcome => {
      this.#leave(address);
      if (outcome === 'wrong') return;
      remove(ofAddress, nowMs);
      remove(ofName, nowMs);
      giveBack();
      this.#pairs.delete(pair);
      this.#signedIn.set(pair, true);
    };
  }

  /** As `begin`, for a user who has shown a token: failures are counted for that user alone, not for the name or the address. */
  beginProven(userId: string, nowMs: number): (outcome: 'right' | 'wrong') => void {
    const key = `user ${userId}`;
    const waitMs = this.#pairWait(key, nowMs);
    if (waitMs > 0) throw tooMany(waitMs);
    this.#fail(key, nowMs);
    return outcome => {
      if (outcome === 'right') this.#pairs.delete(key);
    };
  }

  #pairWait(pair: string, nowMs: number): number {
    const failures = this.#pairs.get(pair);
    if (failures === undefined || failures.count < FREE_FAILURES) return 0;
    const delayMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures.count - FREE_FAILURES));
    return failures.lastMs + delayMs - nowMs;
  }

  #fail(pair: string, nowMs: number): () => void {
    const before = this.#pairs.get(pair);
    const count = before === undefined || nowMs - before.lastMs > FORGET_MS ? 0 : before.count;
    const failures = { count: count + 1, lastMs: nowMs };
    this.#pairs.set(pair, failures);
    return () => {
      failures.count -= 1;
    };
  }

  #leave(address: string): void {
    const left = (this.#underWay.get(address) ?? 1) - 1;
    if (left > 0) this.#underWay.set(address, left);
    else this.#underWay.delete(address);
  }
}

const tooMany = (retryAfterMs: number): FerriteError =>
  new FerriteError('TOO_MANY_REQUESTS', 'too many attempts to sign in', { retryAfterMs });

/** The attempts of the window, oldest first; never more than the limit. */
function recent(attempts: LRUCache<string, number[]>, key: string, limit: number, nowMs: number): number[] {
  const known = attempts.get(key);
  if (known === undefined) {
    const none: number[] = [];
    attempts.set(key, none);
    return none;
  }
  while (known.length > limit || (known[0] ?? nowMs) <= nowMs - WINDOW_MS) known.shift();
  return known;
}

function untilFree(times: readonly number[], limit: number, nowMs: number): number {
  const [oldest] = times;
  return oldest === undefined || times.length < limit ? 0 : oldest + WINDOW_MS - nowMs;
}

function remove(times: number[], time: number): void {
  const position = times.indexOf(time);
  if (position >= 0) times.splice(position, 1);
}
