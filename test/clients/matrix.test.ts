// A small part of the matrix of players: ffmpeg, without a line of ours, in a file and in a playlist of rungs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { temporaryFolder } from '../support/server.ts';
import type { CellResult } from './cell.ts';
import { CLIENTS } from './clients.ts';
import { FRAME_S } from './clock.ts';
import { FILMS, makeFilms } from './films.ts';
import { runMatrix } from './matrix.ts';
import type { Delivery, Step } from './player.ts';

const SECONDS = 8;

test('ffmpeg shows and plays what its clock says, in a file after every seek and in a playlist, with either sound; nothing is left when it closes', async t => {
  const ffmpeg = CLIENTS.find(({ name }) => name === 'ffmpeg');
  assert.ok(ffmpeg);
  const films = FILMS.filter(({ name }) => name === 'mp4');
  const library = await makeFilms(await temporaryFolder(t), films, SECONDS);
  const results: CellResult[] = [];
  const run = (delivery: Delivery, steps: readonly Step[]): Promise<void> =>
    runMatrix({
      // Its reader of fragments shows reordered pictures two frames late: docs/clients.md says why.
      clients: [{ ...ffmpeg, slackS: delivery === 'direct' ? 0 : 2 * FRAME_S }],
      library,
      films,
      deliveries: [delivery],
      steps,
      say: () => {},
      onCell: async result => {
        results.push(result);
      },
    });
  await run('direct', ['start', 'seek', 'audio', 'close']);
  // Seeks in a film this short end in what it has read already, where it is at fault itself.
  await run('transcode', ['start', 'audio', 'close']);
  for (const { delivery, pictures, sounds, steps } of results) {
    for (const [step, outcome] of Object.entries(steps)) assert.deepEqual({ step, ...outcome }, { step, is: 'ok', text: '' }, delivery);
    assert.ok(
      pictures.checked >= 24 && sounds.checked >= 2,
      `${delivery}: ${pictures.checked} pictures and ${sounds.checked} sounds were checked`,
    );
    assert.deepEqual([pictures.wrong, sounds.wrong], [0, 0], delivery);
  }
  assert.equal(results.length, 2);
});
