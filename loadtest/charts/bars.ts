// Bars that lie under each other: the product and its peers, with their spread and, where it matters, a line to compare with.

import { formatNumber } from '../machine/format.ts';
import type { Bar, BarChart } from './chart.ts';
import { axisSteps, element, LEFT, page, RIGHT, text, WIDTH } from './svg.ts';

const TOP = 62;
const ROW = 30;
const THICKNESS = 18;
const FOOT = 52;
/** A letter of this font, on average. */
const LETTER = 7.2;
/** For the value behind the longest bar. */
const VALUE_ROOM = 56;

export function drawBars(chart: BarChart): string {
  const { title, unit, bars, reference } = chart;
  const steps = axisSteps(Math.max(reference?.value ?? 0, ...bars.map(({ max }) => max)));
  const plotLeft = LEFT + 12 + LETTER * Math.max(...bars.map(({ label }) => label.length));
  const plotRight = WIDTH - RIGHT - VALUE_ROOM;
  const end = steps.at(-1) ?? 1;
  const xOf = (value: number): number => plotLeft + (value / end) * (plotRight - plotLeft);
  const bottom = TOP + ROW * bars.length;
  const parts = [
    ...steps.flatMap(step => [
      element('line', { class: 'grid', x1: xOf(step), x2: xOf(step), y1: TOP - 6, y2: bottom }),
      text(formatNumber(step), { class: 'quiet', x: xOf(step), y: bottom + 16, 'text-anchor': 'middle' }),
    ]),
    text(unit, { class: 'quiet', x: (plotLeft + plotRight) / 2, y: bottom + 36, 'text-anchor': 'middle' }),
    ...bars.flatMap((bar, at) => drawBar(bar, { top: TOP + at * ROW, plotLeft, xOf })),
    ...(reference === null
      ? []
      : [
          element('line', { class: 'reference', x1: xOf(reference.value), x2: xOf(reference.value), y1: TOP - 8, y2: bottom }),
          text(reference.label, { class: 'quiet', x: labelX(xOf(reference.value), reference.label), y: TOP - 13, 'text-anchor': 'middle' }),
        ]),
  ];
  const description = bars.map(({ label, value }) => `${label}: ${formatNumber(value)} ${unit}`).join('; ');
  return page(bottom + FOOT, { title, description }, parts);
}

/** The middle of a label at `x`, moved as far as it takes to stay on the page. */
function labelX(x: number, label: string): number {
  const half = (label.length * LETTER) / 2;
  return Math.min(WIDTH - RIGHT - half, Math.max(LEFT + half, x));
}

type Place = { readonly top: number; readonly plotLeft: number; readonly xOf: (value: number) => number };

function drawBar({ label, value, min, max, isProduct }: Bar, { top, plotLeft, xOf }: Place): string[] {
  const middle = top + ROW / 2;
  const spread = [
    element('line', { class: 'spread', x1: xOf(min), x2: xOf(max), y1: middle, y2: middle }),
    ...[min, max].map(edge => element('line', { class: 'spread', x1: xOf(edge), x2: xOf(edge), y1: middle - 4, y2: middle + 4 })),
  ];
  return [
    text(label, { x: plotLeft - 10, y: middle + 4, 'text-anchor': 'end' }),
    element('rect', {
      class: isProduct ? 'product' : 'peer',
      x: plotLeft,
      y: middle - THICKNESS / 2,
      width: xOf(value) - plotLeft,
      height: THICKNESS,
      rx: 2,
    }),
    ...(max > min ? spread : []),
    text(formatNumber(value), { class: 'value', x: xOf(Math.max(value, max)) + 8, y: middle + 4 }),
  ];
}
