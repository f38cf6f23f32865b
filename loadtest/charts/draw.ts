// A chart as SVG. No dependency; light and dark by the reader's own setting.
import { drawBars } from './bars.ts';
import type { Chart } from './chart.ts';
import { drawLines } from './lines.ts';

export const drawChart = (chart: Chart): string => (chart.kind === 'bars' ? drawBars(chart) : drawLines(chart));
