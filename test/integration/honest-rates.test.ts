// What playlists declare of a film is what its segments weigh, once its rates were measured: Apple's rules 1.26 and 1.27.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Client } from '../support/client.ts';
import { checkAddress } from '../support/conformance/stream.ts';
import { ffmpeg } from '../support/media.ts';
import { startServer, temporaryFolder } from '../support/server.ts';

const PICTURE = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '48', '-pix_fmt', 'yuv420p'];

/** Others go before it: on a full machine it takes minutes. */
const RATES_DEADLINE_MS = 600_000;

test('honest rates', async t => {
  const library = join(await temporaryFolder(t), 'films');
  await mkdir(library);
  await ffmpeg(
    ...['-f', 'lavfi', '-i', 'testsrc2=s=426x240:r=24:d=8', '-f', 'lavfi', '-i', 'anoisesrc=a=0.2:r=48000:d=8', ...PICTURE],
    ...['-c:a', 'aac', '-b:a', '128k', join(library, 'pattern.mp4')],
  );
  const server = await startServer(t, { library, env: { FERRITE_PREDICT_RATES: 'yes' } });
  await server.line(({ msg }) => msg === 'rates measured', RATES_DEADLINE_MS);
  const client = await Client.signIn(server.url);
  const [film] = await client.media();
  assert.ok(film);
  for (const delivery of ['remux', 'transcode'] as const) {
    await t.test(`a ${delivery} weighs what it declares, average and peak, at every rung with its sound`, async () => {
      const session = await client.start(film.id, { delivery });
      const findings = await checkAddress(new URL(session.streamUrl, client.url).href, { weighs: true });
      assert.deepEqual(
        findings.filter(({ level }) => level === 'error'),
        [],
      );
      await client.stop(session.sessionId);
    });
  }
});
