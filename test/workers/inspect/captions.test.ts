// Closed captions within pictures: found in whatever container and codec they lie, and not where there are none.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import { inspectMedia } from '#workers/inspect/inspect.ts';
import { makeCaptionFilm } from '../../support/caption-film.ts';
import { ffmpeg } from '../../support/media.ts';
import { runTool, temporaryFolder } from '../../support/run-tool.ts';

let folder = '';
before(async t => {
  folder = await temporaryFolder(t as TestContext);
  await makeCaptionFilm(join(folder, 'film.mp4'), 4);
});

const told = async (path: string): Promise<boolean | undefined> =>
  (await inspectMedia(path, { runTool, openRemuxSource: async () => null })).streams.video[0]?.hasCaptions;

const ROWS: readonly (readonly [name: string, options: readonly string[], has: boolean])[] = [
  ['copied.mkv', ['-c', 'copy'], true],
  ['copied.ts', ['-c', 'copy'], true],
  ['mpeg2.ts', ['-c:v', 'mpeg2video'], true],
  ['none.mp4', ['-c:v', 'libx264', '-preset', 'ultrafast', '-a53cc', '0'], false],
];

test('captions: MP4 whose pictures carry some', async () => assert.equal(await told(join(folder, 'film.mp4')), true));

for (const [name, options, has] of ROWS) {
  test(`captions: ${name} ${has ? 'carries' : 'has no'} captions`, async () => {
    const path = join(folder, name);
    await ffmpeg('-i', join(folder, 'film.mp4'), ...options, path);
    assert.equal(await told(path), has);
  });
}
