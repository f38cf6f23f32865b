// The checked-in ratios and counts, how much worse each may be, and the values of a run beside them. No value is a time.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { formatNumber } from '../machine/format.ts';

const PATH = fileURLToPath(new URL('./baseline.json', import.meta.url));

/** The limit of a check: up to `value × factor + slack`. */
export type Tolerance = { readonly factor: number; readonly slack: number; readonly why: string };

/** A count with no slack. */
export const EXACT: Tolerance = { factor: 1, slack: 0, why: 'a count' };

export type Entry = Tolerance & { readonly value: number };
export type Baseline = Readonly<Record<string, Entry>>;

/** A run's value, with the tolerance that an updated baseline gives it. */
export type Finding = { readonly name: string; readonly value: number; readonly tolerance: Tolerance };

export const limitOf = ({ value, factor, slack }: Entry): number => value * factor + slack;

/** One line for each value that got worse, and for each that stands on one side only. */
export function regressions(baseline: Baseline, findings: readonly Finding[]): string[] {
  const worse = findings.flatMap(({ name, value }) => {
    const entry = baseline[name];
    if (entry === undefined) return [`${name}: measured, but not in the baseline; run the gate with --update`];
    if (value <= limitOf(entry)) return [];
    return [`${name}: ${formatNumber(value)}, at most ${formatNumber(limitOf(entry))} (baseline ${formatNumber(entry.value)})`];
  });
  const names = new Set(findings.map(({ name }) => name));
  const missing = Object.keys(baseline).filter(name => !names.has(name));
  return [...worse, ...missing.map(name => `${name}: in the baseline, but not measured`)];
}

const isExact = ({ factor, slack }: Tolerance): boolean => factor === EXACT.factor && slack === EXACT.slack;

/** Something that a busy machine can make look worse is beyond its limit. */
export const mayBeDisturbed = (baseline: Baseline, findings: readonly Finding[]): boolean =>
  findings.some(({ name, value, tolerance }) => {
    const entry = baseline[name];
    return entry !== undefined && !isExact(tolerance) && !(value <= limitOf(entry));
  });

/** The better of two runs' ratios, which a busy machine disturbs; the worse of their counts, which nothing may. */
export const ofTwo = (first: readonly Finding[], second: readonly Finding[]): Finding[] =>
  first.map(finding => {
    const other = second.find(({ name }) => name === finding.name)?.value ?? Number.NaN;
    const pick = isExact(finding.tolerance) ? Math.max : Math.min;
    return { ...finding, value: pick(finding.value, other) };
  });

export const baselineOf = (findings: readonly Finding[]): Baseline =>
  Object.fromEntries(findings.map(({ name, value, tolerance }) => [name, { value: Number(value.toPrecision(4)), ...tolerance }]));

export async function readBaseline(): Promise<Baseline> {
  return parseBaseline(await readFile(PATH, 'utf8'));
}

export async function writeBaseline(baseline: Baseline): Promise<void> {
  await writeFile(PATH, `${JSON.stringify(baseline, null, 2)}\n`);
}

/** @throws when an entry is incomplete: a broken baseline must not let every run pass. */
export function parseBaseline(text: string): Baseline {
  const baseline = JSON.parse(text) as Baseline;
  for (const [name, { value, factor, slack }] of Object.entries(baseline)) {
    if (![value, factor, slack].every(Number.isFinite)) throw new Error(`the baseline's "${name}" is not whole`);
  }
  return baseline;
}
