import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reachFrom } from '#domain/encode-position.ts';
import { PATIENCE_MS } from '#workers/sessions/patience.ts';
import { type Course, nextTurn, type Turn } from '#workers/sessions/turns.ts';

/** In the order in which they came, one every millisecond. */
const turns = (...names: (number | `hint ${number}` | `init ${number}`)[]): Turn[] =>
  names.map((name, sinceMs) => {
    const [kind, index] = typeof name === 'number' ? ['', name] : [name.slice(0, 4), Number(name.slice(5))];
    return { firstIndex: index, isInit: kind === 'init', isHint: kind === 'hint', sinceMs };
  });
const running = (nextIndex: number, bringsInit = false): Course => ({ ...reachFrom(nextIndex), isRunning: true, bringsInit });
const pending = (firstIndex: number): Course => ({ ...reachFrom(firstIndex), isRunning: false, bringsInit: true });
const next = (requests: readonly Turn[], course: Course | null, nowMs = 100): number | undefined =>
  nextTurn(requests, course, nowMs)?.firstIndex;

test('turns: nobody requests for anything, or all for what comes', () => {
  assert.equal(next([], null), undefined);
  assert.equal(next([], running(3)), undefined);
  assert.equal(next(turns(3, 4, 5, 'hint 5'), running(3)), undefined);
  assert.equal(next(turns('init 50'), running(3, true)), undefined);
  assert.equal(next(turns('init 50'), pending(3)), undefined);
});

test('turns: an encode that nobody waits for goes where the last request is', () => {
  assert.equal(next(turns(50), running(3)), 50);
  assert.equal(next(turns('init 50'), running(3)), 50);
  assert.equal(next(turns(50, 90), running(3)), 90);
  assert.equal(next(turns(50, 90), null), 90);
});

test('turns: one that somebody waits for is not taken away by who comes later', () => {
  assert.equal(next(turns(4, 50, 90, 'hint 70'), running(3), PATIENCE_MS * 10), undefined);
  assert.equal(next(turns('init 0', 50), running(3, true)), undefined);
});

test('turns: who came before those whom it serves waits no longer than so long', () => {
  const requests = turns(50, 4);
  assert.equal(next(requests, running(3), PATIENCE_MS - 1), undefined);
  assert.equal(next(requests, running(3), PATIENCE_MS), 50);
});

test('turns: what has not been started gives way to the last request, until another has waited too long', () => {
  assert.equal(next(turns(50, 90), pending(50)), 90);
  assert.equal(next(turns(50, 90), pending(90)), undefined);
  assert.equal(next(turns(50, 90), pending(90), PATIENCE_MS), 50);
});

test('turns: of hints the last counts, and only where nobody waits', () => {
  assert.equal(next(turns('hint 50', 'hint 90'), running(3)), 90);
  assert.equal(next(turns('hint 50', 70, 'hint 90'), running(3)), 70);
  assert.equal(next(turns('hint 50', 'hint 90'), pending(90)), undefined);
});
