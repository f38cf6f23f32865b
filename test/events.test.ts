// Events between parts: typed, in the turn in which they are told.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Emitter } from '#src/events.ts';

test('events: every listener of that name hears it with its payload, in the same turn, until it unsubscribes', () => {
  const events = new Emitter<{ made: readonly [name: string, count: number]; gone: readonly [] }>();
  const heard: string[] = [];
  const unsubscribe = events.on('made', (name, count) => heard.push(`first ${name} ${count}`));
  events.on('made', name => heard.push(`second ${name}`));
  events.emit('made', 'a', 1);
  events.emit('gone');
  assert.deepEqual(heard, ['first a 1', 'second a']);
  unsubscribe();
  events.emit('made', 'b', 2);
  assert.deepEqual(heard.slice(2), ['second b']);
});
