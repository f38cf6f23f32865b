// Prints a result as tables, and writes it as JSON with the facts of the machine it was measured on.
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { formatNumber } from './machine/format.ts';
import { versionOf } from './machine/programs.ts';
import { summarize } from './machine/statistics.ts';
import type { Cell, Result, Table } from './scenario.ts';

export type Machine = {
  readonly cores: number;
  readonly processor: string;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  readonly ffmpeg: string | null;
  readonly nginx: string | null;
  readonly loadAverage: readonly number[];
  readonly date: string;
};

export function machineFacts(): Machine {
  return {
    cores: availableParallelism(),
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    ffmpeg: versionOf('ffmpeg'),
    nginx: versionOf('nginx'),
    loadAverage: loadavg().map(load => Number(load.toFixed(2))),
    date: new Date().toISOString(),
  };
}

export function printResult(scenario: string, result: Result, machine: Machine): void {
  const lines = [
    '',
    `# ${scenario}`,
    `${machine.cores} cores (${machine.processor}), ${machine.memoryGiB} GiB, node ${machine.node}, ${machine.ffmpeg ?? 'no ffmpeg'}`,
    `load average at the start ${machine.loadAverage.join(' ')}, ${machine.date}`,
    ...result.tables.flatMap(table => ['', ...formatTable(table)]),
    ...(result.aims.length === 0 ? [] : ['', ...formatTable(aimTable(result))]),
    ...(result.notes.length === 0 ? [] : ['', ...result.notes.map(note => `- ${note}`)]),
  ];
  console.log(lines.join('\n'));
}

export async function writeResult(path: string, scenario: string, result: Result, machine: Machine): Promise<void> {
  const summaries = Object.fromEntries(Object.entries(result.samples).map(([name, samples]) => [name, summarize(samples)]));
  await writeFile(path, `${JSON.stringify({ scenario, version: productVersion(), machine, ...result, summaries }, null, 2)}\n`);
}

/** Markdown, so that a table can be pasted into the documentation. */
function formatTable({ title, columns, rows }: Table): string[] {
  const texts = [columns, ...rows].map(row => row.map(format));
  const widths = columns.map((_, at) => Math.max(...texts.map(row => row[at]?.length ?? 0)));
  const line = (cells: readonly string[]): string => `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = texts;
  return [title, '', line(head), line(widths.map(width => '-'.repeat(width))), ...body.map(line)];
}

const aimTable = ({ aims }: Result): Table => ({
  title: 'Aims',
  columns: ['what', 'aim', 'measured', 'met'],
  rows: aims.map(({ what, aim, measured, isMet }) => [what, aim, measured, isMet ? 'yes' : 'NO']),
});

function format(cell: Cell): string {
  if (cell === null) return '–';
  return typeof cell === 'string' ? cell : formatNumber(cell);
}

function productVersion(): string {
  const [, version = 'unknown'] = readFileSync(new URL('../package.json', import.meta.url), 'utf8').match(/"version": "([^"]+)"/) ?? [];
  return version;
}
