// What playlists declare of a film is what its segments weigh, once its rates were measured: Apple's rules 1.26 and 1.27.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Client } from '../support/client.ts';
import { type Playlist, readPlaylist, unquoted } from '../support/conformance/playlist.ts';
import { ratesOf, type Weighed, type WeighedSegment } from '../support/conformance/rate-checks.ts';
import { checkAddress } from '../support/conformance/stream.ts';
import { ffmpeg } from '../support/media.ts';
import { startServer, temporaryFolder } from '../support/server.ts';

const PICTURE = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '48', '-pix_fmt', 'yuv420p'];

/** Of the containers whose index tells no sizes; transport streams of a camera, with sound that has a header in each frame. */
const UNINDEXED: Readonly<Record<string, readonly string[]>> = { 'brook.mkv': [], 'river.ts': [], 'ocean.avi': ['-bf', '0'] };

/** Others go before it: on a full machine it takes minutes. */
const RATES_DEADLINE_MS = 600_000;

test('honest rates', async t => {
  const library = join(await temporaryFolder(t), 'films');
  await mkdir(library);
  await ffmpeg(
    ...['-f', 'lavfi', '-i', 'testsrc2=s=426x240:r=24:d=8', '-f', 'lavfi', '-i', 'anoisesrc=a=0.2:r=48000:d=8', ...PICTURE],
    ...['-c:a', 'aac', '-b:a', '128k', join(library, 'pattern.mp4')],
  );
  // Busy for its first half, still for its second: an average over all of the file is far from its peak.
  const uneven = ['-f', 'lavfi', '-i', 'testsrc2=s=426x240:r=24:d=4,tpad=stop_duration=4:stop_mode=clone'];
  for (const [name, encoder] of Object.entries(UNINDEXED)) {
    await ffmpeg(
      ...[...uneven, '-f', 'lavfi', '-i', 'anoisesrc=a=0.2:r=48000:d=8', ...PICTURE, ...encoder],
      ...['-c:a', 'aac', '-b:a', '96k', join(library, name)],
    );
  }
  const server = await startServer(t, { library, env: { FERRITE_PREDICT_RATES: 'yes' } });
  const client = await Client.signIn(server.url);
  await server.scanned();
  const films = await client.media();
  const measured = new Set<unknown>();
  while (measured.size < films.length)
    measured.add((await server.line(line => line.msg === 'rates measured' && !measured.has(line.mediaId), RATES_DEADLINE_MS)).mediaId);
  const weighs = async (title: string, delivery: 'remux' | 'transcode'): Promise<void> => {
    const film = films.find(one => one.title.toLowerCase() === title);
    assert.ok(film, title);
    const session = await client.start(film.id, { delivery });
    const findings = await checkAddress(new URL(session.streamUrl, client.url).href, { weighs: true });
    assert.deepEqual(
      findings.filter(({ level }) => level === 'error'),
      [],
    );
    await client.stop(session.sessionId);
  };
  for (const delivery of ['remux', 'transcode'] as const) {
    await t.test(`a ${delivery} weighs what it declares, average and peak, at every rung with its sound`, () =>
      weighs('pattern', delivery),
    );
  }
  for (const [title = '', container] of Object.keys(UNINDEXED).map(name => name.split('.'))) {
    await t.test(`a copy of ${container} weighs what it declares, average and peak`, async () => {
      const film = films.find(one => one.title.toLowerCase() === title);
      assert.ok(film, title);
      const session = await client.start(film.id, { delivery: 'remux' });
      const [rates] = ratesOf(await copyOf(client, session.streamUrl));
      assert.ok(rates);
      for (const { declaredBps, measuredBps } of [rates.average, rates.peak])
        assert.ok(Math.abs(measuredBps / declaredBps - 1) < 0.03, `${measuredBps} taken, ${declaredBps} declared`);
      await client.stop(session.sessionId);
    });
  }
});

/** The variant that copies the picture, with its sound: their playlists, and what each segment weighs. */
async function copyOf(client: Client, streamUrl: string): Promise<Weighed> {
  const folder = streamUrl.replace(/[^/]+$/, '');
  const main = readPlaylist((await client.bytes(streamUrl)).toString());
  const variants = main.variants.filter(({ uri }) => uri.includes('original'));
  const uris = [...variants.map(({ uri }) => uri), ...main.renditions.map(({ URI }) => unquoted(URI)).filter(uri => uri !== '')];
  const media = new Map<string, { playlist: Playlist; segments: WeighedSegment[] }>();
  for (const uri of uris) {
    const playlist = readPlaylist((await client.bytes(folder + uri)).toString());
    const segments: WeighedSegment[] = [];
    for (const { uri: name, duration } of playlist.segments) {
      const bytes = await client.bytes((folder + uri).replace(/[^/]+$/, '') + name);
      segments.push({ bits: 8 * bytes.byteLength, seconds: Number(duration) });
    }
    media.set(uri, { playlist, segments });
  }
  return { main: { ...main, variants }, media };
}
