// Draws the charts of JSON results into SVG files for the documentation.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Chart } from './chart.ts';
import { drawChart } from './draw.ts';

const DOCUMENTATION = fileURLToPath(new URL('../../docs/images/performance/', import.meta.url));

/** A file that holds no chart that could be drawn. */
export class NothingToDrawError extends Error {}

/** The paths that were written. @param folder null for the documentation's own */
export async function writeCharts(files: readonly string[], folder: string | null): Promise<string[]> {
  const to = folder ?? DOCUMENTATION;
  await mkdir(to, { recursive: true });
  const written: string[] = [];
  for (const file of files) {
    for (const chart of parseCharts(file, await readFile(file, 'utf8'))) {
      const path = join(to, `${chart.name}.svg`);
      await writeFile(path, drawChart(chart));
      written.push(path);
    }
  }
  return written;
}

function parseCharts(file: string, text: string): readonly Chart[] {
  const { charts = [] } = JSON.parse(text) as { charts?: readonly Chart[] };
  if (charts.length === 0) throw new NothingToDrawError(`${file} has nothing to draw`);
  for (const { name } of charts)
    if (!/^[a-z0-9-]+$/.test(name)) throw new NothingToDrawError(`${file} names a chart that is no file name: ${name}`);
  return charts;
}
