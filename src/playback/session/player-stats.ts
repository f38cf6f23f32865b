// Players' measurements as metrics: counts that grow within a session become increments.
import type { Metrics } from '#src/telemetry/metrics.ts';
import type { LiveSession } from './live-session.ts';

type Seen = { ttffMs: number | null; seekLatencyMs: number | null; rebufferCount: number; rebufferMs: number };

export class PlayerStats {
  readonly #metrics: Metrics;
  readonly #seen = new WeakMap<LiveSession, Seen>();

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  record(session: LiveSession, stats: Record<string, unknown>): void {
    const { delivery } = session.record.offer;
    const profile = session.profile;
    const before = this.#seen.get(session) ?? { ttffMs: null, seekLatencyMs: null, rebufferCount: 0, rebufferMs: 0 };
    const now: Seen = {
      ttffMs: numberOr(stats.ttffMs, before.ttffMs),
      seekLatencyMs: numberOr(stats.seekLatencyMs, before.seekLatencyMs),
      rebufferCount: Math.max(before.rebufferCount, numberOr(stats.rebufferCount, 0) ?? 0),
      rebufferMs: Math.max(before.rebufferMs, numberOr(stats.rebufferMs, 0) ?? 0),
    };
    this.#seen.set(session, now);
    const labels = { delivery, profile, rung: session.video?.rung ?? 'none' };
    if (now.ttffMs !== null && before.ttffMs === null) this.#metrics.ttff.observe(labels, now.ttffMs);
    if (now.seekLatencyMs !== null && now.seekLatencyMs !== before.seekLatencyMs)
      this.#metrics.seekLatency.observe(labels, now.seekLatencyMs);
    this.#metrics.rebuffers.inc({ delivery, profile }, now.rebufferCount - before.rebufferCount);
    this.#metrics.rebufferMs.inc({ delivery, profile }, now.rebufferMs - before.rebufferMs);
  }
}

const numberOr = <T>(value: unknown, fallback: T): number | T => (typeof value === 'number' && Number.isFinite(value) ? value : fallback);
