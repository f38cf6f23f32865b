import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BARE } from '../../../../loadtest/scenarios/serving/hot-world.ts';
import { type Measured, reportSlowClients, type Stage } from '../../../../loadtest/scenarios/serving/slow-clients-report.ts';
import { NGINX } from '../../../../loadtest/scenarios/serving/slow-clients-world.ts';

const PRODUCT = 'product';
const REQUESTS = 100;
const crowd = { bytesRead: 0, dropped: 0, failures: 0, closedByServer: 0 };

function measured(server: string, waitMs: number, more: Partial<Measured> = {}): Measured {
  const waits = Array.from({ length: REQUESTS }, () => waitMs);
  const held = { failures: 0, serverCores: 0.1, bytes: 1, descriptors: 1, bytesPerReader: 1_000, isGivenBack: true, crowd };
  return { server, waitsMs: { playlist: waits, segment: waits }, ...held, ...more };
}

const stage = (what: string, productMs: number, bareMs: number, more: Partial<Measured> = {}): Stage => {
  return { what, measured: [measured(PRODUCT, productMs, more), measured(BARE, bareMs), measured(NGINX, bareMs)] };
};

const report = (stages: readonly Stage[]) =>
  reportSlowClients({ stages, slowReaders: 1, pressures: 0, requestsPerSecond: REQUESTS, slowBytesPerSecond: 50_000 });
const aimOf = (stages: readonly Stage[], what: string) => report(stages).aims.find(aim => aim.what.startsWith(what));

test('slow clients: a wait that grows as much as the bare server’s is the crowd’s, one that grows more is the product’s', () => {
  const alike = [stage('alone', 10, 10), stage('crowd', 40, 40), stage('all gone', 10, 10)];
  assert.equal(aimOf(alike, 'p99 of a hot playlist against')?.isMet, true);
  const worse = [stage('alone', 10, 10), stage('crowd', 40, 20), stage('all gone', 10, 10)];
  const missed = aimOf(worse, 'p99 of a hot playlist against');
  assert.equal(missed?.isMet, false);
  assert.equal(missed.measured, '1.00×, 2.00× (too much), 1.00×');
});

test('slow clients: below a timer’s precision no ratio is held against the product', () => {
  const stages = [stage('alone', 0.2, 0.1), stage('crowd', 0.2, 0.1), stage('all gone', 0.2, 0.1)];
  assert.equal(aimOf(stages, 'p50 of a hot segment against')?.isMet, true);
});

test('slow clients: descriptors that one stage kept are told, and every stage is drawn', () => {
  const stages = [stage('alone', 1, 1), stage('crowd', 1, 1, { isGivenBack: false }), stage('all gone', 1, 1)];
  assert.equal(aimOf(stages, 'stages after which descriptors were kept')?.isMet, false);
  const [chart] = report(stages).charts ?? [];
  assert.equal(chart?.kind === 'bars' && chart.bars.length, stages.length * 2);
});
