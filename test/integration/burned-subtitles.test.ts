// Subtitles in the picture itself, for players that draw none: read back from the pictures of every segment, also at their borders and after seeks.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { base, Client, type Started } from '../support/client.ts';
import { ffmpeg } from '../support/media.ts';
import { startServer, temporaryFolder } from '../support/server.ts';
import { assBox, assOf, supOf } from '../support/subtitle-films.ts';

const SECONDS = 10;
const FPS = 25;
const SIZE = { width: 320, height: 180 };
const RED = [230, 20, 20];
const GREEN = [20, 230, 20];
const GREY = [128, 128, 128];

/** Each crosses a border of segments (2 s), begins or ends on a frame beside one. */
const SHOWN = [
  { fromS: 1.96, toS: 4.04, x: 20, y: 10, colour: RED },
  { fromS: 5.6, toS: 8, x: 240, y: 130, colour: GREEN },
];
const clock = (seconds: number): string => `0:00:${seconds.toFixed(2).padStart(5, '0')}`;
const SCRIPT = assOf(
  SHOWN.map(({ fromS, toS, x, y, colour }) =>
    assBox(`${clock(fromS)},${clock(toS)}`, { x, y, width: 60, height: 30 }, colour === RED ? '0000FF' : '00FF00'),
  ),
);
const PICTURES = (screenHeight: number): Buffer =>
  supOf(
    SHOWN.map(({ fromS, toS, x, y, colour: [red = 0, green = 0, blue = 0] }) => ({
      ...{ startMs: fromS * 1000, endMs: toS * 1000, x, y: y + (screenHeight - SIZE.height) / 2, width: 60, height: 30 },
      colour: [red > 128 ? 255 : 0, green > 128 ? 255 : 0, blue > 128 ? 255 : 0] as const,
    })),
    { width: SIZE.width, height: screenHeight },
  );

type Offered = Started & { readonly tracks: { readonly subtitles: readonly { readonly track: number; readonly codec: string }[] } };
type Frame = (x: number, y: number) => readonly number[];

/** The pictures of one segment, decoded. */
async function framesOf(client: Client, session: Started, rung: string, index: number): Promise<Frame[]> {
  const directory = `${base(session)}video/${rung}/`;
  const segment = Buffer.concat([await client.bytes(`${directory}init.mp4`), await client.bytes(`${directory}${index}.m4s`)]);
  const args = ['-v', 'error', '-i', 'pipe:0', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-vsync', '0', 'pipe:1'];
  const { stdout } = await execa('ffmpeg', args, { input: segment, encoding: 'buffer' });
  const bytes = SIZE.width * SIZE.height * 3;
  return Array.from({ length: stdout.byteLength / bytes }, (_, frame) => (x: number, y: number) => {
    const at = frame * bytes + (y * SIZE.width + x) * 3;
    return [...stdout.subarray(at, at + 3)];
  });
}

const isNear = (pixel: readonly number[], colour: readonly number[]): boolean =>
  pixel.every((value, at) => Math.abs(value - (colour[at] ?? 0)) < 60);

async function checkPictures(client: Client, session: Started, what: string): Promise<void> {
  const [rung] = session.ladder;
  assert.ok(rung);
  // As a viewer seeks: the last first, then back, then on.
  for (const index of [3, 1, 0, 2, 4]) {
    const frames = await framesOf(client, session, rung.rung, index);
    assert.equal(frames.length, 2 * FPS, `${what}: segment ${index}`);
    frames.forEach((pixel, frame) => {
      const seconds = index * 2 + frame / FPS;
      for (const { fromS, toS, x, y, colour } of SHOWN) {
        const isShown = seconds >= fromS - 0.001 && seconds < toS - 0.001;
        const seen = pixel(x + 30, y + 15);
        assert.ok(isNear(seen, isShown ? colour : GREY), `${what} at ${seconds}: ${seen} where ${isShown ? colour : 'nothing'} is shown`);
        assert.ok(isNear(pixel(x + 30, (y + 15 + 60) % 180), GREY), `${what} at ${seconds}: beside it`);
      }
    });
  }
}

test('burned subtitles', async t => {
  const scratch = await temporaryFolder(t);
  const library = join(scratch, 'films');
  await mkdir(library);
  const at = (name: string): string => join(scratch, name);
  await writeFile(at('a.ass'), SCRIPT);
  await writeFile(at('a.sup'), PICTURES(SIZE.height));
  await writeFile(at('tall.sup'), PICTURES(240));
  const picture = ['-f', 'lavfi', '-i', `color=0x808080:s=320x180:d=${SECONDS}:r=${FPS}`];
  const encoded = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '50'];
  await ffmpeg(
    ...[
      '-copyts',
      ...picture,
      '-i',
      at('a.ass'),
      '-i',
      at('a.sup'),
      '-i',
      at('tall.sup'),
      '-map',
      '0',
      '-map',
      '1',
      '-map',
      '2',
      '-map',
      '3',
    ],
    ...[...encoded, '-c:s:0', 'ass', '-c:s:1', 'copy', '-c:s:2', 'copy', join(library, 'Inside.mkv')],
  );
  // A container that is read by ffmpeg alone, and begins late.
  await ffmpeg(...picture, ...encoded, '-output_ts_offset', '5', join(library, 'Beside.ts'));
  await writeFile(join(library, 'Beside.ass'), SCRIPT);
  await writeFile(join(library, 'Beside.en.srt'), '1\n00:00:00,000 --> 00:00:09,000\n{\\an5}████████\n');
  await writeFile(join(library, 'Beside.de.idx'), 'this is no index\n');
  // What filters and graphs take for words of their own.
  const cacheDir = join(scratch, String.raw`it's [a] cache; with: 100%, \and "more"`);
  const server = await startServer(t, { library, env: { FERRITE_CACHE_DIR: cacheDir } });
  const client = await Client.signIn(server.url);
  const films = await client.media();
  const idOf = (title: string): string => films.find(film => film.title === title)?.id ?? assert.fail(title);
  const burn = (title: string, subtitleTrack: number): Promise<Started> =>
    client.start(idOf(title), { subtitleTrack, burnSubtitles: true });

  await t.test('of a style and of pictures are in every frame that they belong to, and in no other', async () => {
    for (const track of [0, 1, 2]) {
      const session = await burn('Inside', track);
      assert.deepEqual([session.delivery, session.reasons], ['transcode', ['subtitles-burned-in']]);
      assert.ok(!(await client.bytes(session.streamUrl)).toString().includes('DEFAULT=YES,AUTOSELECT=YES,FORCED'));
      await checkPictures(client, session, `track ${track}`);
      await client.stop(session.sessionId);
    }
  });

  await t.test('beside a film that ffmpeg reads by itself count from its beginning', async () => {
    const tracks = ((await client.start(idOf('Beside'))) as Offered).tracks.subtitles;
    const session = await burn('Beside', tracks.find(({ codec }) => codec === 'ass')?.track ?? -1);
    await checkPictures(client, session, 'beside');
    const plain = await burn('Beside', tracks.find(({ codec }) => codec === 'srt')?.track ?? -1);
    const [frame] = await framesOf(client, plain, plain.ladder[0]?.rung ?? '', 1);
    assert.ok(frame && [80, 90, 100].some(y => !isNear(frame(160, y), GREY)), 'plain text is drawn too');
  });

  await t.test('are other renditions than the film without them, and than those with others', async () => {
    const [plain, styled] = [await client.start(idOf('Inside'), { delivery: 'transcode' }), await burn('Inside', 0)];
    const [frame] = await framesOf(client, plain, plain.ladder[0]?.rung ?? '', 1);
    const [drawn] = await framesOf(client, styled, styled.ladder[0]?.rung ?? '', 1);
    assert.ok(frame && drawn && isNear(frame(50, 25), GREY) && isNear(drawn(50, 25), RED));
  });

  await t.test('that are not chosen, can not be read, or would need no encode are refused before anything plays', async () => {
    const refused = async (title: string, options: Record<string, unknown>): Promise<readonly [number, string]> => {
      const response = await client.request('POST', '/api/v1/sessions', { mediaId: idOf(title), burnSubtitles: true, ...options });
      return [response.status, ((await response.json()) as { code: string }).code];
    };
    assert.deepEqual(await refused('Inside', {}), [400, 'INVALID_REQUEST']);
    assert.deepEqual(await refused('Inside', { subtitleTrack: 9 }), [400, 'INVALID_REQUEST']);
    for (const delivery of ['direct', 'remux'])
      assert.deepEqual(await refused('Inside', { subtitleTrack: 0, delivery }), [422, 'MEDIA_UNSUPPORTED']);
    const broken = ((await client.start(idOf('Beside'))) as Offered).tracks.subtitles;
    const { track } = broken.find(({ codec }) => codec === 'idx') ?? { track: -1 };
    assert.equal((await refused('Beside', { subtitleTrack: track }))[0] >= 400, true);
    // Without them it plays.
    const plain = await client.start(idOf('Beside'), { delivery: 'transcode' });
    await client.segment(plain, `video/${plain.ladder[0]?.rung}`, 0);
  });
});
