// Many players in this process, and their figures together.

import { LeanConnection } from '../client/lean-connection.ts';
import { percentile } from '../machine/statistics.ts';
import type { Account, StartRequest } from './account.ts';
import { Player, type PlayerFacts, type PlayerOptions, type SegmentFacts } from './player.ts';
import { PlaylistBook } from './playlist-book.ts';
import type { Started } from './viewer.ts';

export type Seat = {
  readonly account: Account;
  readonly session: Started;
  readonly player: Player;
  /** Resolves when the player has stopped; never rejects. */
  readonly played: Promise<void>;
};

export type SeatRequest = StartRequest & Pick<PlayerOptions, 'bufferTargetS' | 'rung' | 'reportsCmcd'>;

export type Totals = { readonly playedMs: number; readonly stalledMs: number; readonly stalls: number };

export type Waits = { readonly count: number; readonly p50: number; readonly p95: number; readonly p99: number; readonly bytes: number };

export class Audience {
  readonly #segments: SegmentFacts[] = [];
  readonly #book = new PlaylistBook();
  readonly #seats = new Set<Seat>();
  /** The figures of the players that have left. */
  readonly #past: PlayerFacts[] = [];

  get seats(): readonly Seat[] {
    return [...this.#seats];
  }

  /** Starts a session and plays it, on a connection of its own. @throws Refused */
  async seat(account: Account, request: SeatRequest): Promise<Seat> {
    const connection = new LeanConnection(account.url);
    const session = await account.start(connection, request).catch(error => {
      connection.close();
      throw error;
    });
    const onSegment = (segment: SegmentFacts): void => void this.#segments.push(segment);
    const { bufferTargetS, rung, reportsCmcd, delivery, positionMs } = request;
    const options = { account, session, delivery, positionMs, book: this.#book, bufferTargetS, rung, reportsCmcd, onSegment };
    const player = new Player(options, connection);
    const seat: Seat = { account, session, player, played: player.play() };
    this.#seats.add(seat);
    return seat;
  }

  /** Its session is ended too. */
  async leave(seat: Seat): Promise<void> {
    if (!this.#seats.delete(seat)) return;
    seat.player.stop();
    await seat.played;
    this.#past.push(seat.player.facts);
    const connection = new LeanConnection(seat.account.url);
    try {
      await seat.account.stop(connection, seat.session);
    } finally {
      connection.close();
    }
  }

  async leaveAll(): Promise<void> {
    const seats = this.seats;
    const atOnce = 16;
    let next = 0;
    const leaveSome = async (): Promise<void> => {
      for (let seat = seats[next++]; seat; seat = seats[next++]) await this.leave(seat);
    };
    await Promise.all(Array.from({ length: atOnce }, leaveSome));
  }

  /** The figures of every player that was ever seated. */
  facts(): readonly PlayerFacts[] {
    return [...this.#past, ...this.seats.map(({ player }) => player.facts)];
  }

  totals(): Totals {
    const facts = this.facts();
    const sum = (value: (one: PlayerFacts) => number): number => facts.reduce((total, one) => total + value(one), 0);
    return { playedMs: sum(one => one.playedMs), stalledMs: sum(one => one.stalledMs), stalls: sum(one => one.stalls) };
  }

  failures(): readonly string[] {
    return this.facts().flatMap(({ failure }) => (failure === null ? [] : [failure]));
  }

  /** Of the segments that were complete at that time or later. */
  waits(sinceMs: number): Waits {
    const segments = this.#segments.filter(({ atMs }) => atMs >= sinceMs);
    const waits = segments.map(({ waitMs }) => waitMs);
    const bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0);
    return { count: waits.length, p50: percentile(waits, 0.5), p95: percentile(waits, 0.95), p99: percentile(waits, 0.99), bytes };
  }
}

export const totalsSince = (before: Totals, after: Totals): Totals => ({
  playedMs: after.playedMs - before.playedMs,
  stalledMs: after.stalledMs - before.stalledMs,
  stalls: after.stalls - before.stalls,
});

/** Of all the time that pictures should have moved. */
export const rebufferRatio = ({ playedMs, stalledMs }: Totals): number => (stalledMs === 0 ? 0 : stalledMs / (playedMs + stalledMs));
