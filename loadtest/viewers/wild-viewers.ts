// Viewers as they are: each starts somewhere, seeks, switches, pauses, stops, and starts anew, in an order that is the same in every run.
import { setTimeout as delay } from 'node:timers/promises';
import { nowMs } from '../client/http-client.ts';
import { Refused } from './account.ts';
import type { Seat, SeatRequest } from './audience.ts';
import type { Delivery } from './viewer.ts';

/** Starts the session of one viewer. */
export type Sit = (request: Omit<SeatRequest, 'mediaId'>) => Promise<Seat>;

const DELIVERIES: readonly Delivery[] = ['direct', 'remux', 'transcode'];
const BUFFER_S = 15;
const ACT_EVERY_MS = 4_000;
const PAUSE_MS = 3_000;
/** A server that is away is tried again. */
const START_AGAIN_MS = 1_000;
const FILM_MS = 540_000;
/** The greatest height that is encoded for them: two cores can encode so much for six viewers who jump about. */
const MAX_HEIGHT = 360;
const ORIGINAL = 'original';

export type WildFacts = { sessions: number; refusals: number; actions: Record<string, number> };

export class WildViewers {
  readonly facts: WildFacts = { sessions: 0, refusals: 0, actions: {} };
  /** Starts that failed for another reason than a full queue or a server that is down. */
  readonly failures: string[] = [];
  readonly #sit: Sit;
  readonly #leave: (seat: Seat) => Promise<void>;
  #untilMs = 0;

  constructor(sit: Sit, leave: (seat: Seat) => Promise<void>) {
    this.#sit = sit;
    this.#leave = leave;
  }

  /** Resolves when the time is up and all have left. */
  async watch(count: number, forMs: number): Promise<void> {
    this.#untilMs = nowMs() + forMs;
    await Promise.all(Array.from({ length: count }, (_, number) => this.#live(number)));
  }

  async #live(number: number): Promise<void> {
    const random = randomFrom(number + 1);
    await this.#rest(random() * ACT_EVERY_MS);
    while (nowMs() < this.#untilMs) {
      const seat = await this.#start(number + this.facts.sessions, random);
      if (!seat) {
        await this.#rest(START_AGAIN_MS);
        continue;
      }
      const actions = 2 + Math.floor(random() * 6);
      for (let action = 0; action < actions && nowMs() < this.#untilMs; action++) {
        await this.#rest(ACT_EVERY_MS * (0.5 + random()));
        await this.#act(seat, random);
      }
      // A session that can not be stopped now expires by itself: its heartbeats have ended.
      await this.#leave(seat).catch(() => undefined);
    }
  }

  async #start(number: number, random: () => number): Promise<Seat | null> {
    const delivery = DELIVERIES[number % DELIVERIES.length] ?? 'remux';
    const request = { delivery, positionMs: Math.floor(random() * FILM_MS), maxHeight: delivery === 'transcode' ? MAX_HEIGHT : 0 };
    try {
      const seat = await this.#sit({ ...request, bufferTargetS: BUFFER_S, rung: 'auto', reportsCmcd: true });
      this.facts.sessions++;
      return seat;
    } catch (error) {
      if (error instanceof Refused && error.status === 503) this.facts.refusals++;
      else if (error instanceof Refused) this.failures.push(error.message);
      return null;
    }
  }

  async #act({ player }: Seat, random: () => number): Promise<void> {
    const choice = random();
    if (choice < 0.25) {
      this.#count('seek ahead');
      player.seek(player.positionMs + 5_000);
    } else if (choice < 0.55) {
      this.#count('seek anywhere');
      player.seek(Math.floor(random() * FILM_MS));
    } else if (choice < 0.7) {
      this.#count('pause');
      player.pause();
      await this.#rest(PAUSE_MS);
      player.resume();
    } else if (choice < 0.85 && player.rungs.length > 1) {
      this.#count('switch');
      // A copy costs the same at any height.
      const rungs = player.rungs.filter(({ height, name }) => height <= MAX_HEIGHT || name === ORIGINAL);
      await player.switchTo(rungs[Math.floor(random() * rungs.length)]?.name ?? '');
    } else {
      this.#count('watch on');
    }
  }

  #count(action: string): void {
    this.facts.actions[action] = (this.facts.actions[action] ?? 0) + 1;
  }

  async #rest(ms: number): Promise<void> {
    await delay(Math.max(0, Math.min(ms, this.#untilMs - nowMs())));
  }
}

/** The same numbers from 0 to 1 in every run (a linear congruence). */
function randomFrom(seed: number): () => number {
  let state = (seed * 2_654_435_761) >>> 0;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
