// Waits as bars: the 95th percentile, with a spread from the median to the 99th.
import type { BarChart, Reference } from './chart.ts';

export type LabelledWaits = { readonly label: string; readonly p50: number; readonly p95: number; readonly p99: number };

export function percentileChart(
  { name, title, reference }: { readonly name: string; readonly title: string; readonly reference: Reference | null },
  waits: readonly LabelledWaits[],
): BarChart {
  const bars = waits.map(({ label, p50, p95, p99 }) => ({ label, value: p95, min: p50, max: p99, isProduct: true }));
  return { kind: 'bars', name, title, unit: 'ms: p95, and from p50 to p99', bars, reference };
}
