// A part of `npm run matrix`: each codec and each container once, by every delivery.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { test } from 'node:test';
import type { Combination } from '../matrix/films.ts';
import { type Cell, foldersIn, runMatrix } from '../matrix/run.ts';
import { failuresOf } from '../matrix/table.ts';
import { temporaryFolder } from '../support/server.ts';

const CELLS: readonly Combination[] = [
  { container: 'mp4', picture: 'h264', sound: 'aac' },
  { container: 'mp4', picture: 'av1', sound: 'flac' },
  { container: 'mkv', picture: 'hevc', sound: 'dts' },
  { container: 'mkv', picture: 'h264', sound: 'truehd' },
  { container: 'webm', picture: 'vp9', sound: 'opus' },
  { container: 'avi', picture: 'mpeg4', sound: 'mp3' },
  { container: 'ts', picture: 'h264', sound: 'eac3' },
  { container: 'mov', picture: 'prores', sound: 'pcm' },
  { container: 'mov', picture: 'h264', sound: 'alac' },
  { container: 'wmv', picture: 'wmv2', sound: 'mp3' },
  { container: 'flv', picture: 'h264', sound: 'aac' },
  { container: 'vob', picture: 'mpeg2video', sound: 'ac3' },
  { container: 'ogv', picture: 'vp8', sound: 'vorbis' },
];

test('each codec and each container plays by each delivery, or is refused before there is a session', async t => {
  const folders = foldersIn(await temporaryFolder(t));
  for (const folder of Object.values(folders)) await mkdir(folder);
  const cells = await runMatrix(CELLS, folders);
  assert.deepEqual(
    cells.flatMap(cell => ('reason' in cell ? [cell] : [])),
    [],
  );
  assert.deepEqual(failuresOf(cells), []);
  const remuxed = cells.filter(cell => remuxOf(cell) === 'played').map(({ combination }) => combination.container);
  assert.deepEqual(remuxed, ['mp4', 'mp4', 'mkv', 'mkv', 'webm', 'ts', 'mov', 'flv']);
});

const remuxOf = (cell: Cell): string => ('outcomes' in cell ? cell.outcomes.remux.kind : 'not made');
