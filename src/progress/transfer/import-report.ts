// What an import did, and every row that it did not take, with why: a file for whoever imports, written whole or not at all.
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ImportPlan, Refusal } from './import-plan.ts';

export type ImportReport = {
  readonly source: string;
  readonly atMs: number;
  /** Nothing was written. */
  readonly isDryRun: boolean;
  readonly imported: number;
  /** Stored already as they are. */
  readonly unchanged: number;
  readonly refused: Readonly<Partial<Record<Refusal['reason'], number>>>;
  readonly rows: readonly Refusal[];
};

export function reportOf(
  { writes, unchanged, refusals }: ImportPlan,
  facts: Pick<ImportReport, 'source' | 'atMs' | 'isDryRun'>,
): ImportReport {
  const refused = Object.fromEntries([...Map.groupBy(refusals, ({ reason }) => reason)].map(([reason, rows]) => [reason, rows.length]));
  return { ...facts, imported: writes.length, unchanged, refused, rows: refusals };
}

export async function writeReport(path: string, report: ImportReport): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.tmp`, `${JSON.stringify(report, null, 2)}\n`);
  await rename(`${path}.tmp`, path);
}

export function inWords({ imported, unchanged, refused, rows, isDryRun }: ImportReport): string {
  const reasons = Object.entries(refused).map(([reason, count]) => `${count} ${reason}`);
  const left = rows.length === 0 ? 'no row was left out' : `${rows.length} left out (${reasons.join(', ')})`;
  return `${isDryRun ? 'would import' : 'imported'} ${imported}, ${unchanged} unchanged, ${left}`;
}
