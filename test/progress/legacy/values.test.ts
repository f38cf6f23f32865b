// What the cells and columns of an old table mean.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columnsOf } from '#src/progress/legacy/columns.ts';
import { readCsv } from '#src/progress/legacy/csv.ts';
import { clockSeconds, markOf, numberOf, timeMs } from '#src/progress/legacy/values.ts';

const AT = Date.UTC(2024, 4, 6, 7, 8, 9);

test('legacy: times are seconds, milliseconds, microseconds, ISO or what SQLite writes; of no zone they are UTC', () => {
  for (const value of [
    AT / 1_000,
    AT,
    AT * 1_000,
    BigInt(AT),
    String(AT / 1_000),
    '2024-05-06T07:08:09Z',
    '2024-05-06T09:08:09+02:00',
    '2024-05-06 07:08:09',
    '2024-05-06T07:08:09.000',
  ])
    assert.equal(timeMs(value), AT, String(value));
  for (const value of [null, undefined, '', '  ']) assert.equal(timeMs(value), null);
  for (const value of ['yesterday', -1, new Uint8Array(3)]) assert.ok(Number.isNaN(timeMs(value)), String(value));
});

test('legacy: marks are numbers, words or the day when it was', () => {
  for (const value of [1, 1n, '1', 'true', 'Yes', 'COMPLETED', '2024-05-06 07:08:09']) assert.equal(markOf(value), true, String(value));
  for (const value of [0, 0n, '0', 'false', 'no', 'unwatched']) assert.equal(markOf(value), false, String(value));
  for (const value of [null, '', 'perhaps']) assert.equal(markOf(value), null, String(value));
});

test('legacy: positions are numbers or clocks', () => {
  assert.equal(numberOf(' 12.5 '), 12.5);
  for (const value of ['', 'half', '0x10', null]) assert.ok(Number.isNaN(numberOf(value)), String(value));
  assert.deepEqual([clockSeconds('1:02:03'), clockSeconds('02:03.5'), clockSeconds('90'), clockSeconds(90)], [3_723, 123.5, null, null]);
});

test('legacy: columns are told by their names, however they are spelled', () => {
  assert.deepEqual(columnsOf(['id', 'media_path', 'user_id', 'position_seconds', 'duration_seconds', 'completed', 'updated_at']), {
    media: ['media_path'],
    user: ['user_id'],
    position: { name: 'position_seconds', unit: 's' },
    duration: { name: 'duration_seconds', unit: 's' },
    watched: 'completed',
    updated: 'updated_at',
  });
  const other = columnsOf(['mediaId', 'positionMs', 'Watched', 'updatedAtMs', 'durationMs']);
  assert.deepEqual(
    [other?.media, other?.position, other?.watched, other?.updated],
    [['mediaId'], { name: 'positionMs', unit: 'ms' }, 'Watched', 'updatedAtMs'],
  );
  assert.deepEqual(columnsOf(['file', 'progress_percent'])?.position, { name: 'progress_percent', unit: 'percent' });
  assert.equal(columnsOf(['path', 'updated_at']), null);
  assert.equal(columnsOf(['position', 'updated_at']), null);
});

test('legacy: text has any separator, quotes, marks of its order of bytes and empty lines', () => {
  const { columns, rows } = readCsv('\u{feff}path;position;note\r\n"/a; ""b"".mkv";12;"two\nlines"\r\n\r\n/c.mkv;;\r\n/d.mkv;7');
  assert.deepEqual(columns, ['path', 'position', 'note']);
  assert.deepEqual(rows, [
    { row: 'line 2', values: { path: '/a; "b".mkv', position: '12', note: 'two\nlines' } },
    { row: 'line 5', values: { path: '/c.mkv', position: '', note: '' } },
    { row: 'line 6', values: { path: '/d.mkv', position: '7', note: '' } },
  ]);
  assert.deepEqual(readCsv('').rows, []);
});
