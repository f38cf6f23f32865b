// Subtitles from real films and files beside them, as a player fetches them: every cue at the time that its source says.
import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import HLS from 'hls-parser';
import { base, Client, type Started } from '../support/client.ts';
import { checkAddress } from '../support/conformance/stream.ts';
import { ffmpeg, makeClockFilm } from '../support/media.ts';
import { startServer, temporaryFolder } from '../support/server.ts';
import { hasTeletext, writeTeletextFilm } from '../support/teletext-film.ts';
import { until } from '../support/until.ts';

const SECONDS = 20;

type Offered = { track: number; codec: string; language: string | null; name: string; isForced: boolean; isHearingImpaired: boolean } & {
  sourceUrl: string;
  sourceOffsetMs: number;
  fontsUrl: string | null;
};
type StartedWithText = Started & { readonly tracks: { readonly subtitles: readonly Offered[] } };
type Shown = { readonly startMs: number; readonly endMs: number; readonly text: string };

/** The first crosses a boundary of the grid, the last ends with the film. */
const SOURCE: readonly Shown[] = [
  { startMs: 1_500, endMs: 2_750, text: 'one' },
  { startMs: 5_123, endMs: 6_007, text: 'two & three' },
  { startMs: 12_040, endMs: 17_990, text: 'long' },
];

const clock = (ms: number, comma: string): string =>
  `00:00:${String(Math.floor(ms / 1000)).padStart(2, '0')}${comma}${String(ms % 1000).padStart(3, '0')}`;
const shifted = ({ startMs, endMs }: Omit<Shown, 'text'>, byMs: number) => ({
  startMs: Math.round(startMs + byMs),
  endMs: Math.round(endMs + byMs),
});
const srt = (cues: readonly Shown[]): string =>
  cues.map(({ startMs, endMs, text }, at) => `${at + 1}\n${clock(startMs, ',')} --> ${clock(endMs, ',')}\n${text}\n`).join('\n');

/** Every cue of the track's segments, each told once; a cue must stand in every segment that it overlaps, and in no other. */
async function servedCues(client: Client, session: Started, track: number): Promise<Shown[]> {
  const directory = `${base(session)}subtitles/${track}/`;
  const playlist = HLS.parse((await client.bytes(`${directory}index.m3u8`)).toString());
  assert.ok(!playlist.isMasterPlaylist && playlist.endlist);
  const found = new Map<string, Shown>();
  let startS = 0;
  for (const { uri, duration } of playlist.segments) {
    const response = await client.fetch(directory + uri);
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type') ?? '', /^text\/vtt/);
    const cues = parse(await response.text());
    for (const cue of cues) {
      assert.ok(cue.startMs < (startS + duration) * 1000 + 1 && cue.endMs > startS * 1000 - 1, `${cue.text} in ${uri}`);
      found.set(JSON.stringify(cue), cue);
    }
    startS += duration;
  }
  const all = parse((await client.bytes(`${directory}all.vtt`)).toString());
  assert.deepEqual([...found.values()], all);
  return all;
}

function parse(vtt: string): Shown[] {
  assert.ok(vtt.startsWith('WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n'), vtt);
  const ms = (text: string): number => text.split(':').reduce((sum, part) => sum * 60 + Number(part), 0) * 1000;
  return [...vtt.matchAll(/^([\d:.]+) --> ([\d:.]+).*\n((?:.+\n)+)/gm)].map(([, start = '', end = '', text = '']) => ({
    startMs: Math.round(ms(start)),
    endMs: Math.round(ms(end)),
    text: text.trim(),
  }));
}

const served = (cues: readonly Shown[], byMs = 0): Shown[] =>
  cues.map(({ startMs, endMs, text }) => ({
    startMs: startMs + byMs,
    endMs: endMs + byMs,
    text: text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'),
  }));

test('subtitles', async t => {
  const scratch = await temporaryFolder(t);
  const library = join(scratch, 'films');
  await mkdir(library);
  const plain = join(scratch, 'plain.mp4');
  const text = join(scratch, 'text.srt');
  await writeFile(text, srt(SOURCE));
  await makeClockFilm(plain, { seconds: SECONDS });
  const withText = (name: string, ...args: string[]): Promise<unknown> =>
    ffmpeg('-i', plain, '-i', text, '-map', '0', '-map', '1', '-c', 'copy', ...args, join(library, name));
  await withText(
    'Inside.mkv',
    '-map',
    '1',
    '-c:s:0',
    'srt',
    '-c:s:1',
    'ass',
    '-metadata:s:s:0',
    'language=ger',
    '-disposition:s:1',
    'forced',
  );
  await withText('Inside too.mp4', '-c:s', 'mov_text', '-metadata:s:s:0', 'language=fre');
  await withText('Late.mkv', '-c:s', 'srt', '-output_ts_offset', '5.5');
  await ffmpeg('-i', plain, '-c', 'copy', '-output_ts_offset', '40', join(library, 'Beside.ts'));
  await writeFile(join(library, 'Beside.en.sdh.srt'), srt(SOURCE));
  const russian = new Uint8Array([...Buffer.from(srt([{ startMs: 4_000, endMs: 6_000, text: 'X' }]).trim(), 'latin1')]);
  // "Привет, как дела? Я не знаю, что сказать." in windows-1251.
  const words = Buffer.from('cff0e8e2e5f22c20eae0ea20e4e5ebe03f20df20ede520e7ede0fe2c20f7f2ee20f1eae0e7e0f2fc2e', 'hex');
  await writeFile(
    join(library, 'Beside.ru.forced.srt'),
    Buffer.concat([russian.subarray(0, russian.length - 1), words, Buffer.from('\n')]),
  );
  const pages = SOURCE.flatMap(({ startMs, endMs, text: line }) => [
    { atMs: startMs, lines: line.split('\n') },
    { atMs: endMs, lines: [] },
  ]);
  await writeTeletextFilm(join(library, 'Broadcast.ts'), SECONDS, { language: 'ger', pages });
  const server = await startServer(t, { library });
  const client = await Client.signIn(server.url);
  const open = async (title: string, options: Record<string, unknown> = {}): Promise<StartedWithText> => {
    const film = (await client.media()).find(one => one.title === title);
    assert.ok(film, `no ${title}`);
    return (await client.start(film.id, { delivery: 'remux', ...options })) as StartedWithText;
  };

  await t.test('of Matroska and MP4 are served at the times of the file', async () => {
    const inMatroska = await open('Inside');
    assert.deepEqual(
      inMatroska.tracks.subtitles.map(({ language, codec, isForced }) => ({ language, codec, isForced })),
      [
        { language: 'de', codec: 'subrip', isForced: false },
        { language: null, codec: 'ass', isForced: true },
      ],
    );
    assert.deepEqual(await servedCues(client, inMatroska, 0), served(SOURCE));
    // ASS counts in hundredths, but Matroska keeps its times beside it.
    const styled = await servedCues(client, inMatroska, 1);
    assert.deepEqual(
      styled.map(cue => cue.text),
      served(SOURCE).map(cue => cue.text),
    );
    styled.forEach((cue, at) => {
      assert.ok(Math.abs(cue.startMs - (SOURCE[at]?.startMs ?? 0)) <= 10 && Math.abs(cue.endMs - (SOURCE[at]?.endMs ?? 0)) <= 10);
    });
    const inMp4 = await open('Inside too');
    assert.deepEqual(await servedCues(client, inMp4, 0), served(SOURCE));
  });

  await t.test('are given as they were authored too, to whoever may fetch the session', async () => {
    const session = await open('Inside');
    const [plain, styled] = session.tracks.subtitles;
    assert.deepEqual([plain?.sourceUrl, styled?.sourceUrl, plain?.fontsUrl], ['subtitles/0/source.srt', 'subtitles/1/source.ass', null]);
    const script = await client.fetch(base(session) + styled?.sourceUrl, { headers: { Range: 'bytes=0-12' } });
    assert.deepEqual([script.status, await script.text()], [206, '[Script Info]']);
    const authored = SOURCE.map(({ text, ...cue }) => ({ ...shifted(cue, -(plain?.sourceOffsetMs ?? 0)), text }));
    assert.equal((await client.bytes(base(session) + plain?.sourceUrl)).toString(), srt(authored));
    assert.deepEqual(JSON.parse((await client.bytes(base(session) + styled?.fontsUrl)).toString()), { fonts: [] });
    for (const path of ['subtitles/0/source.ass', 'subtitles/9/source.srt', 'fonts/0'])
      assert.equal((await client.fetch(base(session) + path)).status, 404, path);
    assert.equal((await client.fetch(`${base(session).replace(/[^/]{8}\/$/, 'xxxxxxxx/')}${plain?.sourceUrl}`)).status, 401);
    const late = (await open('Late')).tracks.subtitles[0];
    assert.ok(late && Math.abs(late.sourceOffsetMs + 5_500) < 100, JSON.stringify(late));
  });

  await t.test('move with the film: what its container begins with is media time 0', async () => {
    const session = await open('Late');
    assert.deepEqual(await servedCues(client, session, 0), served(SOURCE));
  });

  await t.test('of teletext are there where ffmpeg reads it, at the times of their pages', async () => {
    const { subtitles } = (await open('Broadcast')).tracks;
    if (!hasTeletext()) return assert.deepEqual(subtitles, []);
    assert.deepEqual(
      subtitles.map(({ codec, language }) => [codec, language]),
      [['dvb_teletext', 'de']],
    );
    assert.deepEqual(await servedCues(client, await open('Broadcast'), 0), served(SOURCE));
  });

  await t.test('beside the film count from its beginning, are named after their file, and come in any character set', async () => {
    const session = await open('Beside');
    assert.deepEqual(
      session.tracks.subtitles.map(({ name, language, isForced, isHearingImpaired }) => ({ name, language, isForced, isHearingImpaired })),
      [
        { name: 'English (SDH)', language: 'en', isForced: false, isHearingImpaired: true },
        { name: 'Russian (forced)', language: 'ru', isForced: true, isHearingImpaired: false },
      ],
    );
    const [english] = await servedCues(client, session, 0);
    // Sound may begin a little before the picture.
    assert.ok(english && Math.abs(english.startMs - 1_500) < 100, JSON.stringify(english));
    assert.equal((await servedCues(client, session, 1))[0]?.text, 'Привет, как дела? Я не знаю, что сказать.');
  });

  await t.test('the multivariant playlist names them, and the chosen one is the default', async () => {
    const session = await open('Beside', { subtitleTrack: 1 });
    const main = HLS.parse((await client.bytes(session.streamUrl)).toString());
    assert.ok(main.isMasterPlaylist);
    for (const variant of main.variants.filter(({ isIFrameOnly }) => !isIFrameOnly)) {
      assert.deepEqual(
        variant.subtitles.map(({ uri, language, isDefault, autoselect, forced }) => ({ uri, language, isDefault, autoselect, forced })),
        [
          { uri: 'subtitles/0/index.m3u8', language: 'en', isDefault: false, autoselect: true, forced: false },
          { uri: 'subtitles/1/index.m3u8', language: 'ru', isDefault: true, autoselect: true, forced: true },
        ],
      );
    }
    const film = (await client.media()).find(one => one.title === 'Beside');
    const refused = await client.problem('POST', '/api/v1/sessions', { mediaId: film?.id, subtitleTrack: 2 });
    assert.deepEqual(
      refused.errors?.map(({ path }) => path),
      ['/subtitleTrack'],
    );
    const text = (await client.bytes(session.streamUrl)).toString();
    assert.ok(!/TYPE=AUDIO[^\n]*FORCED/.test(text));
    const findings = await checkAddress(new URL(session.streamUrl, client.url).href);
    assert.deepEqual(
      findings.filter(({ level }) => level === 'error'),
      [],
    );
  });

  await t.test('that appear or go are found by the next scan without another inspection', async () => {
    const { items } = await client.call<{ items: { id: string }[] }>('GET', '/api/v1/libraries');
    await writeFile(join(library, 'Beside.pt-BR.vtt'), 'WEBVTT\n\n00:01.000 --> 00:02.000 line:0\n<i>Oi</i> <script>\n');
    await writeFile(join(library, 'Beside.it.srt'), srt(SOURCE));
    await rm(join(library, 'Beside.ru.forced.srt'));
    await client.call('POST', `/api/v1/libraries/${items[0]?.id}/scan`);
    const scan = (): Promise<{ state: string; probed: number }> => client.call('GET', `/api/v1/libraries/${items[0]?.id}/scan`);
    await until(async () => (await scan()).state === 'done', 'the scan is done');
    assert.equal((await scan()).probed, 0);
    const session = await open('Beside');
    assert.deepEqual(
      session.tracks.subtitles.map(({ language }) => language),
      ['en', 'it', 'pt-BR'],
    );
    assert.equal((await servedCues(client, session, 2))[0]?.text, '<i>Oi</i> &lt;script&gt;');
  });

  await t.test('that can not be read are refused by themselves: the film plays on', async () => {
    const session = await open('Beside');
    await rm(join(library, 'Beside.it.srt'));
    assert.equal((await client.fetch(`${base(session)}subtitles/1/3.vtt`)).status, 410);
    await client.segment(session, 'audio/0', 0);
  });
});
