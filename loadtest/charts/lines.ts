// Lines over time or load: memory of a soak, waits by viewers.

import { formatNumber } from '../machine/format.ts';
import type { LineChart } from './chart.ts';
import { axisSteps, element, LEFT, page, RIGHT, text, WIDTH } from './svg.ts';

const HEIGHT = 360;
const PLOT = { left: LEFT + 62, right: WIDTH - RIGHT - 8, top: 78, bottom: HEIGHT - 58 };
const LEGEND_Y = 56;
/** A letter of this font, on average. */
const LETTER = 7.2;

export function drawLines(chart: LineChart): string {
  const { title, xLabel, yLabel, lines, reference } = chart;
  const points = lines.flatMap(line => line.points);
  const xs = axisSteps(Math.max(...points.map(({ x }) => x)));
  const ys = axisSteps(Math.max(reference?.value ?? 0, ...points.map(({ y }) => y)));
  const xOf = (x: number): number => PLOT.left + (x / (xs.at(-1) ?? 1)) * (PLOT.right - PLOT.left);
  const yOf = (y: number): number => PLOT.bottom - (y / (ys.at(-1) ?? 1)) * (PLOT.bottom - PLOT.top);
  const middleY = (PLOT.top + PLOT.bottom) / 2;
  const parts = [
    ...xs.map(x => text(formatNumber(x), { class: 'quiet', x: xOf(x), y: PLOT.bottom + 18, 'text-anchor': 'middle' })),
    ...ys.flatMap(y => [
      element('line', { class: 'grid', x1: PLOT.left, x2: PLOT.right, y1: yOf(y), y2: yOf(y) }),
      text(formatNumber(y), { class: 'quiet', x: PLOT.left - 8, y: yOf(y) + 4, 'text-anchor': 'end' }),
    ]),
    text(xLabel, { class: 'quiet', x: (PLOT.left + PLOT.right) / 2, y: PLOT.bottom + 40, 'text-anchor': 'middle' }),
    text(yLabel, { class: 'quiet', x: LEFT + 8, y: middleY, 'text-anchor': 'middle', transform: `rotate(-90 ${LEFT + 8} ${middleY})` }),
    ...lines.map(({ points }, at) =>
      element('polyline', {
        class: `line line${at}`,
        points: points.map(({ x, y }) => `${xOf(x).toFixed(1)},${yOf(y).toFixed(1)}`).join(' '),
      }),
    ),
    ...(reference === null
      ? []
      : [
          element('line', { class: 'reference', x1: PLOT.left, x2: PLOT.right, y1: yOf(reference.value), y2: yOf(reference.value) }),
          text(reference.label, { class: 'quiet', x: PLOT.right, y: yOf(reference.value) - 6, 'text-anchor': 'end' }),
        ]),
    ...legend(lines.map(({ label }) => label)),
  ];
  const description = lines.map(({ label, points }) => `${label}: ${formatNumber(points.at(-1)?.y ?? Number.NaN)} at the end`).join('; ');
  return page(HEIGHT, { title, description: `${yLabel} over ${xLabel}; ${description}` }, parts);
}

function legend(labels: readonly string[]): string[] {
  let x = PLOT.left;
  return labels.flatMap((label, at) => {
    const start = x;
    x += 40 + label.length * LETTER;
    return [
      element('line', { class: `line line${at}`, x1: start, x2: start + 18, y1: LEGEND_Y - 4, y2: LEGEND_Y - 4 }),
      text(label, { class: 'quiet', x: start + 24, y: LEGEND_Y }),
    ];
  });
}
