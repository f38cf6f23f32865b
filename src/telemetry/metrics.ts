// Measurements. Labels name kinds of work, never a user, a title or a session.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { EncoderTrial } from '#domain/encoders.ts';
import type { Measurement } from '#domain/protocol.ts';

const MS_BUCKETS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000];
const AUTH_MS_BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5];

export type Metrics = ReturnType<typeof createMetrics>;

export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const histogram = <const L extends string>(name: string, help: string, labelNames: readonly L[], buckets: number[] = MS_BUCKETS) =>
    new Histogram({ name, help, labelNames, buckets, registers });
  const counter = <const L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter({ name, help, labelNames, registers });
  const gauge = <const L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge({ name, help, labelNames, registers });
  return {
    registry,
    ttff: histogram('playback_ttff_ms', 'Press of Play until the first frame, as the player measured it', ['delivery', 'profile', 'rung']),
    seekLatency: histogram('seek_latency_ms', 'Seek until the picture moves on, as the player measured it', [
      'delivery',
      'profile',
      'rung',
    ]),
    rebuffers: counter('rebuffer_count', 'Times a player ran out of buffer', ['delivery', 'profile']),
    rebufferMs: counter('rebuffer_ms', 'Time players stood still for lack of data', ['delivery', 'profile']),
    authHotPath: histogram('auth_hotpath_ms', 'Deciding on a stream token that was seen before', [], AUTH_MS_BUCKETS),
    queueWait: histogram('transcode_queue_wait_ms', 'Waiting for a grant to transcode', ['priority']),
    queueDepth: gauge('transcode_queue_depth', 'Sessions that wait for a grant to transcode'),
    transcodeCapacity: gauge('transcode_capacity', 'What may be encoded at once: pixels a second, or encodes where their number is set'),
    transcodeGranted: gauge('transcode_granted', 'What is granted of the capacity'),
    overloads: counter('transcode_overloads_total', 'Refused because no grant to transcode became free', ['reason']),
    segmentWait: histogram('hls_segment_wait_ms', 'A segment request until its bytes were there', ['delivery', 'rung']),
    remuxSegment: histogram('remux_segment_ms', 'Building a copied segment', ['rung']),
    encodes: counter('encodes_total', 'Encodes by what became of them', ['rung', 'outcome']),
    encoderWorks: gauge('encoder_works', 'Whether the trial at start got its pictures back: 1, else 0', ['does', 'name', 'device']),
    hardwareFailures: counter(
      'hardware_failures_total',
      'Hardware encoders that broke off, hung or brought nothing, so that software went on',
      ['encoder'],
    ),
    ffprobes: counter('ffprobe_total', 'ffprobe processes started', []),
    sessions: gauge('playback_sessions', 'Open playback sessions'),
    sessionStarts: counter('playback_session_starts_total', 'Sessions started', ['delivery', 'profile']),
    cacheBytes: gauge('segment_cache_bytes', 'Bytes of finished segments kept', ['tier']),
    workersLost: counter('workers_lost_total', 'Session host threads and process starters that were replaced', ['kind']),
    searches: histogram('search_ms', 'Searches, by the index or by a walk through the catalogue', ['by']),
    searchReady: gauge('search_index_ready', 'Whether the search index has every title: 1, else 0'),
    searchRebuilds: counter('search_index_rebuilds_total', 'Times the search index was made anew, or its thread was started again', [
      'reason',
    ]),
    requests: histogram('http_request_ms', 'API requests', ['route', 'method', 'status']),
  };
}

export function recordTrials({ encoderWorks }: Metrics, trials: readonly EncoderTrial[]): void {
  for (const { does, name, device, isProven } of trials) encoderWorks.set({ does, name, device: device ?? '' }, isProven ? 1 : 0);
}

export function recordMeasurement(metrics: Metrics, measurement: Measurement): void {
  switch (measurement.name) {
    case 'remux_segment_ms':
      metrics.remuxSegment.observe({ rung: measurement.rung }, measurement.value);
      return;
    case 'encode_started':
    case 'encode_superseded':
    case 'encode_failed':
    case 'encode_finished':
      metrics.encodes.inc({ rung: measurement.rung, outcome: measurement.name.slice('encode_'.length) });
      return;
    case 'hardware_failed':
      metrics.hardwareFailures.inc({ encoder: measurement.encoder });
      return;
    case 'hardware_worked':
      return;
    case 'ffprobe_started':
      metrics.ffprobes.inc();
  }
}
