// Rounds of the product and a limit beside each other: medians, spread, and the ratio within each round.
import type { Chart } from '../charts/chart.ts';
import { median, percentile, summarize } from '../machine/statistics.ts';
import type { Cell, Table } from '../scenario.ts';

/** Milliseconds of each viewer in one round. */
export type Round = { readonly product: readonly number[]; readonly limit: readonly number[] };

export type Comparison = {
  readonly what: string;
  readonly limitName: string;
  readonly rounds: readonly Round[];
};

export function comparisonTable(title: string, comparisons: readonly Comparison[]): Table {
  return {
    title,
    columns: [
      'what',
      'rounds',
      'product ms',
      'min – max',
      'limit',
      'limit ms',
      'min – max',
      'ratio',
      'min – max',
      'of the slowest',
      'difference ms',
    ],
    rows: comparisons.map(row),
  };
}

/** The ratio of the round's medians: both sides of it met the same machine. */
export const ratios = ({ rounds }: Comparison): number[] => rounds.map(({ product, limit }) => median(product) / median(limit));

/** The ratio of the longest waits: a fair measure both where viewers take turns and where they share the machine. */
const ratiosOfSlowest = ({ rounds }: Comparison): number[] => rounds.map(({ product, limit }) => Math.max(...product) / Math.max(...limit));

export const differences = ({ rounds }: Comparison): number[] => rounds.map(({ product, limit }) => median(product) - median(limit));

/** A bar for each limit, its median ratio, and the line where both take the same. */
export function comparisonChart(name: string, title: string, comparisons: readonly Comparison[]): Chart {
  const bars = comparisons.map(comparison => {
    const { median: value, min, max } = summarize(ratios(comparison));
    return { label: `${comparison.what} / ${comparison.limitName}`, value, min, max, isProduct: true };
  });
  return { kind: 'bars', name, title, unit: '× the limit', bars, reference: { value: 1, label: '1×' } };
}

export function comparisonSamples(comparisons: readonly Comparison[]): Record<string, readonly number[]> {
  return Object.fromEntries(
    comparisons.flatMap(comparison => [
      [`${comparison.what}: product`, comparison.rounds.flatMap(({ product }) => product)],
      [`${comparison.what}: ${comparison.limitName}`, comparison.rounds.flatMap(({ limit }) => limit)],
      [`${comparison.what}: ratio to ${comparison.limitName}`, ratios(comparison)],
    ]),
  );
}

function row(comparison: Comparison): Cell[] {
  const { what, limitName, rounds } = comparison;
  const product = summarize(rounds.flatMap(round => round.product));
  const limit = summarize(rounds.flatMap(round => round.limit));
  const ratio = summarize(ratios(comparison));
  return [
    what,
    rounds.length,
    whole(product.median),
    range(product, whole),
    limitName,
    whole(limit.median),
    range(limit, whole),
    hundredths(ratio.median),
    range(ratio, hundredths),
    hundredths(median(ratiosOfSlowest(comparison))),
    whole(median(differences(comparison))),
  ];
}

const whole = (value: number): string => (Math.abs(value) < 20 ? value.toFixed(1) : value.toFixed(0));
export const hundredths = (value: number): string => value.toFixed(2);
const range = ({ min, max }: { min: number; max: number }, format: (value: number) => string): string => `${format(min)} – ${format(max)}`;

export const p95 = (samples: readonly number[]): number => percentile(samples, 0.95);
