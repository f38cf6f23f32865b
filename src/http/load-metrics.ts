// Metrics of the front door, which counts in plain integers: they are read at a scrape, not updated on every request.
import { Counter, Gauge } from 'prom-client';
import type { StreamTokens } from '#src/auth/stream-tokens.ts';
import type { Metrics } from '#src/telemetry/metrics.ts';
import type { ConnectionLoad } from './door/server.ts';
import type { ColdFiles } from './sources/cold-files.ts';
import type { StreamCounts } from './stream/stream-counts.ts';

export type Counted = {
  readonly load: () => ConnectionLoad;
  readonly streams: StreamCounts;
  readonly coldFiles: ColdFiles;
  readonly streamTokens: StreamTokens;
};

export function exportLoad({ registry }: Metrics, { load, streams, coldFiles, streamTokens }: Counted): void {
  const own = gauges(registry);
  const counted = counters(registry);
  own('http_connections', 'Open connections, WebSockets included', () => load().connections);
  own('http_websockets', 'Open WebSockets', () => load().webSockets);
  own('http_replies_in_flight', 'Requests and replies under way', () => load().repliesInFlight);
  own('http_waiting_bytes', 'What slow readers have yet to take of bodies being sent', () => load().waitingBytes);
  own('http_websocket_waiting_bytes', 'Messages that wait for WebSocket clients to read', () => load().webSocketWaitingBytes);
  own('segment_files_open', 'Segments being sent from disk', () => coldFiles.openCount);
  counted('http_connections_refused_total', 'Connections answered 503 because there were too many', () => load().refusedConnections);
  counted('http_stalled_closed_total', 'Connections closed because nothing was read for too long', () => load().stalledClosed);
  counted('segment_slow_reads_total', 'Reads from disk that held the front door up', () => coldFiles.slowReads);
  counted('stream_token_verifications_total', 'Stream token signatures checked', () => streamTokens.verifications);
  exportStreams(registry, streams);
}

type Registry = Metrics['registry'];

function gauges(registry: Registry) {
  return (name: string, help: string, read: () => number): Gauge =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
}

function counters(registry: Registry) {
  return (name: string, help: string, read: () => number): Counter =>
    new Counter({
      name,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
}

function exportStreams(registry: Registry, streams: StreamCounts): Counter {
  return new Counter({
    name: 'stream_replies_total',
    help: 'Stream requests by where their bytes came from',
    labelNames: ['source'],
    registers: [registry],
    collect() {
      this.reset();
      const { playlist, memory, disk, located, made, direct } = streams;
      for (const [source, count] of Object.entries({ playlist, memory, disk, located, made, direct })) this.inc({ source }, count);
    },
  });
}
