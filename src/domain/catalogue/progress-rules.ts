// When a film counts as watched, where a viewer goes on, and which of two positions is the later one. Pure.
import type { Progress } from '../media.ts';

export type ProgressRules = {
  /** From here on a film counts as watched. */
  readonly watchedPercent: number;
  /** Who has seen less begins at the beginning. */
  readonly resumeFromMs: number;
  /** Who has seen more begins anew. */
  readonly resumeUntilPercent: number;
};

export const USUAL_RULES: ProgressRules = { watchedPercent: 90, resumeFromMs: 30_000, resumeUntilPercent: 95 };

/** How far ahead of the server's clock a stored time may lie and still count: one from beyond was written before the clock was set right. */
export const MAX_CLOCK_SKEW_MS = 300_000;

export const isWatchedAt = ({ watchedPercent }: ProgressRules, positionMs: number, durationMs: number): boolean =>
  durationMs > 0 && positionMs * 100 >= durationMs * watchedPercent;

/**
 * Where a start without a position begins. Between the two percentages a film counts as watched, but who stopped there is still watching it;
 * one that a person has marked as watched begins anew.
 */
export function resumeMs(rules: ProgressRules, { positionMs, durationMs, watched }: Progress): number {
  const isMarked = watched && !isWatchedAt(rules, positionMs, durationMs);
  const isWithin = positionMs >= rules.resumeFromMs && positionMs * 100 <= durationMs * rules.resumeUntilPercent;
  return isWithin && !isMarked ? positionMs : 0;
}

/** Whether it is listed to be continued. */
export const isBegun = (rules: ProgressRules, progress: Progress): boolean => !progress.watched && resumeMs(rules, progress) > 0;

export type ClientTime = {
  /** When the position was reached, by the client's clock; undefined: now. */
  readonly updatedAtMs?: number | undefined;
  /** What that clock said when the client sent it: how wrong it goes. */
  readonly sentAtMs?: number | undefined;
};

/** The time by the server's clock. Never later than now: a client whose clock runs ahead would lock out every later position. */
export function timeOf({ updatedAtMs, sentAtMs }: ClientTime, nowMs: number): number {
  if (updatedAtMs === undefined) return nowMs;
  const skewMs = sentAtMs === undefined ? 0 : nowMs - sentAtMs;
  return Math.max(0, Math.min(updatedAtMs + skewMs, nowMs));
}

/** Whether what is stored stands against a new time. Of equals the one that came later counts. */
export const isLater = (storedAtMs: number, updatedAtMs: number, nowMs: number): boolean =>
  storedAtMs > updatedAtMs && storedAtMs <= nowMs + MAX_CLOCK_SKEW_MS;
