// Metrics of the segment cache, which counts for itself: read at a scrape.
import { Counter, Gauge } from 'prom-client';
import type { Metrics } from '#src/telemetry/metrics.ts';
import type { SegmentCache, SegmentCacheFacts } from '#storage/segments/cache.ts';
import type { Segments } from './segments.ts';

type Values = readonly (readonly [label: string, value: number])[];

export function exportCache({ registry }: Metrics, cache: SegmentCache, segments: Segments): void {
  const registers = [registry];
  const gauge = (name: string, help: string, label: string, read: (facts: SegmentCacheFacts) => Values): Gauge =>
    new Gauge({
      name,
      help,
      labelNames: [label],
      registers,
      collect() {
        for (const [of, value] of read(cache.facts)) this.set({ [label]: of }, value);
      },
    });
  const counter = (name: string, help: string, label: string, read: (facts: SegmentCacheFacts) => Values): Counter =>
    new Counter({
      name,
      help,
      labelNames: [label],
      registers,
      collect() {
        this.reset();
        for (const [of, value] of read(cache.facts)) this.inc({ [label]: of }, value);
      },
    });
  gauge('segment_cache_pinned_bytes', 'Bytes held for what open sessions are about to need', 'tier', ({ memory, disk }) => [
    ['memory', memory.pinnedBytes],
    ['disk', disk.pinnedBytes],
  ]);
  gauge('segment_cache_disk_state', '1 for what the disk is: writing, or paused because it refuses', 'state', ({ diskState }) => [
    ['writing', diskState === 'writing' ? 1 : 0],
    ['paused', diskState === 'paused' ? 1 : 0],
  ]);
  counter('segment_cache_requests_total', 'Segments asked of the cache by where they were', 'found', ({ memory, disk, misses }) => [
    ['memory', memory.hits],
    ['disk', disk.hits],
    ['nowhere', misses],
  ]);
  counter('segment_cache_evictions_total', 'Segments that had to go', 'tier', ({ memory, disk }) => [
    ['memory', memory.evictions],
    ['disk', disk.evictions],
  ]);
  counter('segments_encoded_total', 'Encoded segments: new ones, and copies of what was kept already', 'kind', () => [
    ['new', segments.encoded.made - segments.encoded.again],
    ['copy', segments.encoded.again],
  ]);
}
