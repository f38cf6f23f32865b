import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { BarChart, LineChart } from '../../../loadtest/charts/chart.ts';
import { drawChart } from '../../../loadtest/charts/draw.ts';
import { writeCharts } from '../../../loadtest/charts/files.ts';
import { axisSteps } from '../../../loadtest/charts/svg.ts';
import { parseXml, type XmlElement } from './xml.ts';

const BARS: BarChart = {
  kind: 'bars',
  name: 'hot',
  title: 'Playlist & segment <hot>',
  unit: 'µs of CPU per request',
  bars: [
    { label: 'product', value: 10, min: 8, max: 12, isProduct: true },
    { label: 'nginx "signed"', value: 20, min: 20, max: 20, isProduct: false },
  ],
  reference: { value: 20, label: '1× nginx' },
};

const LINES: LineChart = {
  kind: 'lines',
  name: 'memory',
  title: 'Memory',
  xLabel: 'minutes',
  yLabel: 'MiB',
  lines: [{ label: 'server', points: [0, 1, 2].map(x => ({ x, y: 100 + 50 * x })) }],
  reference: null,
};

const withClass = (elements: readonly XmlElement[], name: string, className: string): XmlElement[] =>
  elements.filter(element => element.name === name && (element.attributes.class ?? '').split(' ').includes(className));
const numberOf = (element: XmlElement | undefined, attribute: string): number => Number(element?.attributes[attribute]);

test('charts: are well-formed XML whatever their texts hold, and say in words what they show', () => {
  for (const chart of [BARS, LINES]) {
    const elements = parseXml(drawChart(chart));
    assert.equal(elements[0]?.name, 'svg');
    assert.equal(elements.find(({ name }) => name === 'title')?.text, chart.title);
  }
  const description = parseXml(drawChart(BARS)).find(({ name }) => name === 'desc')?.text;
  assert.equal(description, 'product: 10 µs of CPU per request; nginx "signed": 20 µs of CPU per request');
});

test('charts: a bar is as long as its value, its spread reaches from the least to the most, the reference line stands at its own', () => {
  const elements = parseXml(drawChart(BARS));
  const [product] = withClass(elements, 'rect', 'product');
  const [peer] = withClass(elements, 'rect', 'peer');
  const [spread] = withClass(elements, 'line', 'spread');
  const [reference] = withClass(elements, 'line', 'reference');
  const origin = numberOf(product, 'x');
  const perUnit = numberOf(peer, 'width') / 20;
  assert.ok(perUnit > 0);
  const near = (actual: number, expected: number): void => assert.ok(Math.abs(actual - expected) < 0.2, `${actual} is not ${expected}`);
  near(numberOf(product, 'width'), 10 * perUnit);
  near(numberOf(spread, 'x1'), origin + 8 * perUnit);
  near(numberOf(spread, 'x2'), origin + 12 * perUnit);
  near(numberOf(reference, 'x1'), origin + 20 * perUnit);
  const texts = elements.filter(({ name }) => name === 'text').map(({ text }) => text);
  for (const shown of ['product', 'nginx "signed"', '10', '20', 'µs of CPU per request', '1× nginx'])
    assert.ok(texts.includes(shown), shown);
});

test('charts: nothing is drawn outside of the page', () => {
  for (const chart of [BARS, LINES]) {
    const elements = parseXml(drawChart(chart));
    const [, , width = 0, height = 0] = (elements[0]?.attributes.viewBox ?? '').split(' ').map(Number);
    for (const element of elements) {
      for (const name of ['x', 'x1', 'x2'])
        if (name in element.attributes) assert.ok(numberOf(element, name) >= 0 && numberOf(element, name) <= width);
      for (const name of ['y', 'y1', 'y2'])
        if (name in element.attributes) assert.ok(numberOf(element, name) >= 0 && numberOf(element, name) <= height);
    }
  }
});

test('charts: a line goes through its points, to scale, upwards where values grow', () => {
  const [line] = withClass(parseXml(drawChart(LINES)), 'polyline', 'line0');
  const points = (line?.attributes.points ?? '').split(' ').map(point => point.split(',').map(Number));
  assert.equal(points.length, 3);
  const [[x0 = 0, y0 = 0] = [], [x1 = 0, y1 = 0] = [], [x2 = 0, y2 = 0] = []] = points;
  assert.ok(Math.abs(x1 - x0 - (x2 - x1)) < 0.2 && x1 > x0, 'as far apart as their times');
  assert.ok(Math.abs(y0 - y1 - (y1 - y2)) < 0.2 && y1 < y0, 'as far apart as their values');
});

test('charts: axes end on a round number at or above the largest value', () => {
  assert.deepEqual(axisSteps(1), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(axisSteps(11.9), [0, 2.5, 5, 7.5, 10, 12.5]);
  assert.deepEqual(axisSteps(0), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  for (const max of [0.003, 7, 43, 1234]) assert.ok((axisSteps(max).at(-1) ?? 0) >= max);
});

test('charts: are written from the JSON of a scenario under their own names; a file without any is told', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'ferrite-charts-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const result = join(folder, 'result.json');
  await writeFile(result, JSON.stringify({ scenario: 'playlist', charts: [BARS, LINES] }));
  const written = await writeCharts([result], join(folder, 'images'));
  assert.deepEqual(written, [join(folder, 'images', 'hot.svg'), join(folder, 'images', 'memory.svg')]);
  assert.equal(await readFile(join(folder, 'images', 'hot.svg'), 'utf8'), drawChart(BARS));
  await writeFile(result, JSON.stringify({ scenario: 'soak' }));
  await assert.rejects(writeCharts([result], folder), /has nothing to draw/);
  await writeFile(result, JSON.stringify({ charts: [{ ...BARS, name: '../../escape' }] }));
  await assert.rejects(writeCharts([result], folder), /no file name/);
});
