import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeviceHealth } from '#domain/delivery/device-health.ts';

const MINUTE = 60_000;

function world() {
  let nowMs = 0;
  return { health: new DeviceHealth(() => nowMs), pass: (ms: number) => (nowMs += ms) };
}

test('device health: a device that failed rests for a minute, then twice as long each time, at most half an hour', () => {
  const { health, pass } = world();
  for (const restMs of [1, 2, 4, 8, 16, 30, 30].map(minutes => minutes * MINUTE)) {
    assert.equal(health.isUsable('h264_nvenc'), true);
    assert.equal(health.failed('h264_nvenc'), true);
    pass(restMs - 1);
    assert.equal(health.isUsable('h264_nvenc'), false);
    pass(1);
  }
});

test('device health: runs that fail together are one failure, and only that device rests', () => {
  const { health, pass } = world();
  assert.deepEqual([health.failed('a'), health.failed('a'), health.isUsable('b')], [true, false, true]);
  pass(MINUTE);
  assert.equal(health.isUsable('a'), true);
});

test('device health: a device that works again begins anew; what it made before it failed proves nothing', () => {
  const { health, pass } = world();
  assert.equal(health.worked('a'), false);
  health.failed('a');
  assert.equal(health.worked('a'), false);
  pass(MINUTE);
  assert.equal(health.worked('a'), true);
  health.failed('a');
  pass(MINUTE);
  assert.equal(health.isUsable('a'), true);
});
