// Surround: copied for a client that takes it, in a group of its own, and mixed down so that the dialogue is heard for every other; and what else a client is told.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { base, Client, type Started } from '../support/client.ts';
import { checkAddress } from '../support/conformance/stream.ts';
import { ffmpeg } from '../support/media.ts';
import { startServer, temporaryFolder } from '../support/server.ts';

const RATE = 48_000;
/** Hertz of the tone in each place of the film's 5.1, all of one loudness. */
const TONES = { front: 400, centre: 1_000, low: 60, surround: 3_000 };
const AMPLITUDE = 0.2;

/** How loud one tone is. */
function loudness(samples: Float32Array, hertz: number): number {
  let [sine, cosine] = [0, 0];
  for (const [at, sample] of samples.entries()) {
    sine += sample * Math.sin((2 * Math.PI * hertz * at) / RATE);
    cosine += sample * Math.cos((2 * Math.PI * hertz * at) / RATE);
  }
  return (2 * Math.hypot(sine, cosine)) / samples.length;
}

test('surround and what a client is told of it', async t => {
  const scratch = await temporaryFolder(t);
  const library = join(scratch, 'films');
  await mkdir(library);
  const { front, centre, low, surround } = TONES;
  const tones = [front, front, centre, low, surround, surround].map(hertz => `${AMPLITUDE}*sin(2*PI*${hertz}*t)`).join('|');
  const chapters = join(scratch, 'chapters.txt');
  await writeFile(
    chapters,
    ';FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=4000\ntitle=One\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=4000\nEND=8000\ntitle=Two\n',
  );
  await ffmpeg(
    ...['-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=24:d=8', '-f', 'lavfi', '-i', `aevalsrc=${tones}:c=5.1:s=${RATE}:d=8`],
    ...['-i', chapters, '-map_metadata', '2', '-map', '0:v', '-map', '1:a', '-c:v', 'libx264', '-g', '48', '-pix_fmt', 'yuv420p'],
    ...['-c:a', 'ac3', '-b:a', '448k', join(library, 'surround.mkv')],
  );
  // Sound from second 3 on, with a beep in the middle of each second.
  const beeps = Array(6).fill(`if(lt(mod(t+0.5\\,1)\\,0.1)\\,0.6*sin(2*PI*1000*t)\\,0)`).join('|');
  await ffmpeg(
    ...[
      '-f',
      'lavfi',
      '-i',
      'testsrc2=s=320x180:r=24:d=8',
      '-itsoffset',
      '3',
      '-f',
      'lavfi',
      '-i',
      `aevalsrc=${beeps}:c=5.1:s=${RATE}:d=5`,
    ],
    ...['-c:v', 'libx264', '-g', '48', '-pix_fmt', 'yuv420p', '-c:a', 'flac', join(library, 'late.mkv')],
  );
  const server = await startServer(t, { library });
  const client = await Client.signIn(server.url);
  const film = (await client.media()).find(({ title }) => title === 'surround' || title === 'Surround');
  assert.ok(film);

  /** One channel of a rendition's second segment, decoded; without what the codec makes of its beginning. */
  async function heard(session: Started, path: string, channels: number): Promise<Float32Array> {
    const file = join(scratch, `${path.replaceAll('/', '-')}.mp4`);
    await writeFile(file, Buffer.concat([await client.init(session, path), await client.segment(session, path, 1)]));
    const { stdout } = await execa('ffmpeg', ['-v', 'error', '-i', file, '-f', 'f32le', 'pipe:1'], { encoding: 'buffer' });
    const all = new Float32Array(stdout.buffer.slice(stdout.byteOffset, stdout.byteOffset + (stdout.byteLength & ~3)));
    return all.filter((_, at) => at % channels === 0).slice(4_800, 4_800 + RATE);
  }

  await t.test('the dialogue is as loud in stereo as left and right, the surrounds half as loud, and nothing clips', async () => {
    const session = await client.start(film.id);
    assert.deepEqual(
      (await client.renditions(session)).map(({ path }) => path).filter(path => path.startsWith('audio/')),
      ['audio/0'],
    );
    const samples = await heard(session, 'audio/0', 2);
    const [inFront, ofDialogue, around, below] = [front, centre, surround, low].map(hertz => loudness(samples, hertz));
    const about = JSON.stringify({ inFront, ofDialogue, around, below });
    assert.ok(inFront && ofDialogue && around && below !== undefined, about);
    assert.ok(Math.abs(ofDialogue / inFront - 1) < 0.05, about);
    assert.ok(Math.abs(around / inFront - 0.5) < 0.05, about);
    assert.ok(below < inFront / 20, about);
    assert.ok(Math.abs(inFront / AMPLITUDE - 1 / 2.5) < 0.03, `its share of what must not clip: ${about}`);
    await client.stop(session.sessionId);
  });

  await t.test('a client that takes AC-3 has it as it is, in a group that a player without it leaves out', async () => {
    const session = await client.start(film.id, { client: { profile: 'safari-ios' }, startPositionMs: 5_000 });
    const findings = await checkAddress(new URL(session.streamUrl, client.url).href);
    assert.deepEqual(
      findings.filter(({ level }) => level === 'error'),
      [],
    );
    const main = (await client.bytes(session.streamUrl)).toString();
    assert.match(main, /AUDIO="audio-full"/);
    assert.match(main, /AUDIO="audio"/);
    assert.match(main, /#EXT-X-START:TIME-OFFSET=\d+(\.\d+)?,PRECISE=YES/);
    const paths = (await client.renditions(session)).map(({ path }) => path);
    assert.ok(paths.includes('audio/0-full') && paths.includes('audio/0'), paths.join());
    const left = await heard(session, 'audio/0-full', 6);
    assert.ok(Math.abs(loudness(left, front) / AMPLITUDE - 1) < 0.05);
    assert.ok(loudness(left, centre) < 0.01, 'nothing was mixed');
    assert.ok(loudness(await heard(session, 'audio/0', 2), centre) > 0.05, 'stereo is still there');

    const typeOf = async (path: string) => (await client.fetch(base(session) + path)).headers.get('content-type');
    assert.deepEqual(
      [await typeOf('video/original/init.mp4'), await typeOf('video/original/0.m4s'), await typeOf('audio/0-full/1.m4s')],
      ['video/mp4', 'video/iso.segment', 'video/iso.segment'],
    );
    const listed = JSON.parse((await client.bytes(`${base(session)}chapters.json`)).toString());
    assert.deepEqual(
      listed.map((chapter: Record<string, unknown>) => [chapter.chapter, chapter['start-time'], chapter.duration]),
      [
        [1, 0, 4],
        [2, 4, 4],
      ],
    );
    await client.stop(session.sessionId);
  });

  await t.test('the same bytes go out under the name that each client knows', async () => {
    const session = await client.start(film.id);
    const response = await client.fetch(`${base(session)}audio/0/1.m4s`);
    assert.equal(response.headers.get('content-type'), 'audio/mp4');
    assert.equal((await client.fetch(`${base(session)}video/original/0.m4s`)).headers.get('content-type'), 'video/mp4');
    assert.equal(/EXT-X-START/.test((await client.bytes(session.streamUrl)).toString()), false, 'the page seeks by itself');
    await client.stop(session.sessionId);
  });

  await t.test('surround is encoded as surround for loudspeakers without a decoder', async () => {
    const capabilities = { maxAudioChannels: 8, audioCodecs: ['aac'] };
    const session = await client.start(film.id, { client: { profile: 'web-chrome', capabilities } });
    const left = await heard(session, 'audio/0-full', 6);
    assert.ok(Math.abs(loudness(left, front) / AMPLITUDE - 1) < 0.05);
    assert.ok(loudness(left, centre) < 0.01);
    await client.stop(session.sessionId);
  });

  for (const [codec, codecs] of [
    ['eac3', 'ec-3'],
    ['ac3', 'ac-3'],
  ] as const) {
    await t.test(
      `surround that a receiver decodes no more than as ${codecs} is encoded as that, to the sample where it belongs`,
      async () => {
        const late = (await client.media()).find(({ title }) => title === 'Late');
        assert.ok(late);
        const capabilities = { maxAudioChannels: 6, audioCodecs: ['aac', codec] };
        const session = await client.start(late.id, { client: { profile: 'web-chrome', capabilities } });
        assert.ok((await client.bytes(session.streamUrl)).toString().includes(codecs));
        // Two runs, of which the second ends where the first began.
        const pieces: Record<number, Buffer> = {};
        for (const index of [2, 3, 0, 1]) pieces[index] = await client.segment(session, 'audio/0-full', index);
        const file = join(scratch, `late-${codec}.mp4`);
        await writeFile(
          file,
          Buffer.concat([await client.init(session, 'audio/0-full'), ...[0, 1, 2, 3].map(at => pieces[at] ?? Buffer.alloc(0))]),
        );
        const decoded = await execa('ffmpeg', ['-v', 'error', '-xerror', '-i', file, '-f', 'f32le', 'pipe:1'], { encoding: 'buffer' });
        assert.equal(decoded.stderr.byteLength, 0, 'joined without a word from the decoder');
        const { stdout } = decoded;
        const centres = new Float32Array(stdout.buffer.slice(stdout.byteOffset, stdout.byteOffset + (stdout.byteLength & ~3))).filter(
          (_, at) => at % 6 === 2,
        );
        assert.ok(centres.length >= 8 * RATE, String(centres.length));
        assert.ok(
          centres.subarray(0, 3.4 * RATE).every(sample => Math.abs(sample) < 0.01),
          'silent until it begins',
        );
        for (const second of [3.5, 4.5, 5.5, 6.5, 7.5]) {
          const from = second * RATE - 2_000;
          const onset = from + centres.subarray(from).findIndex(sample => Math.abs(sample) > AMPLITUDE);
          assert.ok(Math.abs(onset - second * RATE) < 60, `the beep of second ${second} begins ${onset - second * RATE} samples off`);
        }
        await client.stop(session.sessionId);
      },
    );
  }

  await t.test('the decision tells what a start would deliver, by track, and where it knows the client from', async () => {
    type Answer = {
      delivery: string;
      client: { profile: string; sources: Record<string, string> };
      tracks: { kind: string; action: string; reasons: string[]; renditions: { path: string }[] }[];
    };
    const ask = (query: string) => client.call<Answer>('GET', `/api/v1/media/${film.id}/decision?${query}`);
    const plain = await ask('profile=web-chrome');
    assert.deepEqual([plain.delivery, plain.client.profile, plain.client.sources.videoCodecs], ['remux', 'web-chrome', 'profile']);
    assert.deepEqual(
      plain.tracks.map(({ kind, action, reasons }) => [kind, action, reasons]),
      [
        ['video', 'copy', []],
        ['audio', 'encode', ['audio-codec-unsupported']],
      ],
    );
    const said = await ask('profile=web-chrome&audioCodecs=aac&audioCodecs=ac3&maxAudioChannels=8');
    assert.deepEqual([said.client.sources.audioCodecs, said.tracks[1]?.action], ['said', 'copy']);
    assert.deepEqual(
      said.tracks[1]?.renditions.map(({ path }) => path),
      ['audio/0-full', 'audio/0'],
    );
    assert.equal((await client.problem('GET', `/api/v1/media/${film.id}/decision?profile=nobody`)).code, 'INVALID_REQUEST');
    assert.equal((await client.problem('GET', '/api/v1/media/film-1/decision')).code, 'MEDIA_NOT_FOUND');
  });
});
