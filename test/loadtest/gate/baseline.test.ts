import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Baseline,
  baselineOf,
  EXACT,
  type Finding,
  mayBeDisturbed,
  ofTwo,
  parseBaseline,
  readBaseline,
  regressions,
} from '../../../loadtest/gate/baseline.ts';

const NOISY = { factor: 1.3, slack: 0, why: 'noise' };
const BASELINE: Baseline = { 'CPU ratio': { value: 1, ...NOISY }, 'ffprobe processes': { value: 0, ...EXACT } };

function findings(cpu: number, ffprobes: number): Finding[] {
  return [
    { name: 'CPU ratio', value: cpu, tolerance: NOISY },
    { name: 'ffprobe processes', value: ffprobes, tolerance: EXACT },
  ];
}

test('gate: what is within its tolerance, or better, passes', () => {
  assert.deepEqual(regressions(BASELINE, findings(1.29, 0)), []);
  assert.deepEqual(regressions(BASELINE, findings(0.5, 0)), []);
});

test('gate: a count that is one higher fails, and so does a ratio beyond its tolerance, each with a line of its own', () => {
  assert.deepEqual(regressions(BASELINE, findings(1.31, 1)), [
    'CPU ratio: 1.31, at most 1.3 (baseline 1)',
    'ffprobe processes: 1, at most 0 (baseline 0)',
  ]);
});

test('gate: a value that could not be measured fails', () => {
  assert.equal(regressions(BASELINE, findings(Number.NaN, 0)).length, 1);
});

test('gate: a check that the baseline does not know, or that no longer runs, fails instead of passing unseen', () => {
  const [cpu, ffprobes] = findings(1, 0);
  assert.ok(cpu && ffprobes);
  assert.match(regressions(BASELINE, [cpu]).join('\n'), /^ffprobe processes: in the baseline, but not measured$/);
  assert.match(regressions({}, [cpu]).join('\n'), /^CPU ratio: measured, but not in the baseline/);
});

test('gate: an updated baseline lets the run pass that it was made from', () => {
  assert.deepEqual(regressions(baselineOf(findings(1.234_567, 3)), findings(1.234_567, 3)), []);
});

test('gate: a baseline with a hole in it is refused', () => {
  assert.throws(() => parseBaseline(JSON.stringify({ 'CPU ratio': { value: 1, factor: 1.3 } })), /"CPU ratio" is not whole/);
});

test('gate: the checked-in baseline is whole, and every tolerance says why', async () => {
  const baseline = await readBaseline();
  assert.ok(Object.keys(baseline).length > 0);
  for (const { why } of Object.values(baseline)) assert.ok(why.length > 0);
});

test('gate: only what a busy machine can make worse is measured again, and then the better run counts; of counts the worse', () => {
  assert.equal(mayBeDisturbed(BASELINE, findings(1.31, 0)), true);
  assert.equal(mayBeDisturbed(BASELINE, findings(Number.NaN, 0)), true);
  assert.equal(mayBeDisturbed(BASELINE, findings(1.29, 1)), false);
  assert.deepEqual(ofTwo(findings(1.7, 0), findings(1.2, 1)), findings(1.2, 1));
  assert.deepEqual(regressions(BASELINE, ofTwo(findings(1.7, 0), findings(1.4, 0))).length, 1, 'worse twice is worse');
});
