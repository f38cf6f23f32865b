// WebVTT and TTML as tracks of MP4: found by the inspection, and written as files of WebVTT.
import assert from 'node:assert/strict';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { scannedFile } from '#domain/media.ts';
import { subtitleTracks } from '#domain/subtitles/tracks.ts';
import { inspectMedia } from '#workers/inspect/inspect.ts';
import { parseSubtitles } from '#workers/subtitles/formats.ts';
import { extractMp4Text } from '#workers/subtitles/sources/mp4-text.ts';
import { ffmpeg } from '../../support/media.ts';
import { webVttBoxes, writeMp4TextFilm } from '../../support/mp4-text.ts';
import { runTool, temporaryFolder } from '../../support/run-tool.ts';

const VTT = `WEBVTT

00:00:01.000 --> 00:00:02.000
Hello you

00:00:01.500 --> 00:00:04.500
Top & more
second
`;

/** What an inspection says of the film's subtitles, and the cues of the first. */
async function textOf(t: TestContext, path: string) {
  const { streams } = await inspectMedia(path, { runTool, openRemuxSource: async () => null, signal: t.signal });
  const tracks = subtitleTracks({ streams, sidecars: [] });
  const [stream] = streams.subtitles;
  assert.ok(stream);
  const film = { path, ...scannedFile(await stat(path)) };
  const source = await extractMp4Text(film, { streamIndex: stream.index, codec: stream.codec }, { runTool, signal: t.signal });
  const cues = parseSubtitles(source, { num: 25, den: 1 });
  return { told: tracks.map(({ codec, language, form }) => [codec, language, form]), cues };
}

test('text of MP4: TTML is one document, as ffmpeg writes it', async t => {
  const path = join(await temporaryFolder(t), 'film.mp4');
  await writeFile(`${path}.vtt`, VTT);
  const inputs = ['-f', 'lavfi', '-i', 'testsrc2=s=320x180:d=6:r=25', '-i', `${path}.vtt`, '-map', '0', '-map', '1'];
  await ffmpeg(...inputs, '-c:v', 'libx264', '-preset', 'ultrafast', '-c:s', 'ttml', '-metadata:s:s:0', 'language=ger', path);
  const { told, cues } = await textOf(t, path);
  assert.deepEqual(told, [['stpp', 'de', 'text']]);
  assert.deepEqual(cues, [
    { startMs: 1_000, endMs: 2_000, text: 'Hello you', settings: '' },
    { startMs: 1_500, endMs: 4_500, text: 'Top &amp; more\nsecond', settings: '' },
  ]);
});

const ttml = (...paragraphs: readonly string[]): Buffer =>
  Buffer.from(`<?xml version="1.0"?>\n<tt xmlns="http://www.w3.org/ns/ttml"><body><div>${paragraphs.join('')}</div></body></tt>\n`);

test('text of MP4: a document of TTML holds as long as its sample, and a damaged one hides no other', async t => {
  const path = join(await temporaryFolder(t), 'film.mp4');
  const both = '<p begin="00:00:01.500" end="00:00:03.000">both</p>';
  await writeMp4TextFilm(path, 'stpp', [
    { from: '00:00:00,000', to: '00:00:02,000', bytes: ttml('<p begin="0.5s" end="1s">one</p>', both) },
    { from: '00:00:02,000', to: '00:00:04,000', bytes: ttml(both, '<p begin="3s" end="9s">cut</p>') },
    { from: '00:00:04,000', to: '00:00:05,000', bytes: Buffer.from('<tt><body><div><p begin="4s" end="5s"') },
    { from: '00:00:05,000', to: '00:00:06,000', bytes: ttml('<p begin="5s" end="6s"><span>last</span></p>') },
  ]);
  const { told, cues } = await textOf(t, path);
  assert.deepEqual(told, [['stpp', 'de', 'text']]);
  assert.deepEqual(
    cues.map(({ startMs, endMs, text }) => [startMs, endMs, text]),
    [
      [500, 1_000, 'one'],
      [1_500, 3_000, 'both'],
      [3_000, 4_000, 'cut'],
      [5_000, 6_000, 'last'],
    ],
  );
});

test('text of MP4: a sample of WebVTT holds its cues, and one that goes on in the next sample is one cue', async t => {
  const path = join(await temporaryFolder(t), 'film.mp4');
  await writeMp4TextFilm(path, 'wvtt', [
    { from: '00:00:01,000', to: '00:00:02,000', bytes: webVttBoxes(['<i>one</i>']) },
    { from: '00:00:02,000', to: '00:00:03,000', bytes: webVttBoxes(['<i>one</i>'], ['two &amp; --> three\n\nfour', 'line:0']) },
    { from: '00:00:04,000', to: '00:00:05,000', bytes: webVttBoxes(['<v Ann>five</v>']) },
  ]);
  const { told, cues } = await textOf(t, path);
  assert.deepEqual(told, [['wvtt', 'de', 'text']]);
  assert.deepEqual(cues, [
    { startMs: 1_000, endMs: 3_000, text: '<i>one</i>', settings: '' },
    { startMs: 2_000, endMs: 3_000, text: 'two &amp; --&gt; three\nfour', settings: 'line:0' },
    { startMs: 4_000, endMs: 5_000, text: 'five', settings: '' },
  ]);
});
