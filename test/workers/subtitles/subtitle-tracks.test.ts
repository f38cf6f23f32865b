// Subtitle tracks as segments: which cues stand in which, and who waits for a film that is being read.
import assert from 'node:assert/strict';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { scannedFile } from '#domain/media.ts';
import { type RenditionKey, renditionKey, type SubtitleRendition } from '#domain/rendition.ts';
import type { RunTool } from '#workers/programs/run-tool.ts';
import { cuesWithin, moved, writeVtt } from '#workers/subtitles/segments.ts';
import { ExtractedFiles } from '#workers/subtitles/sources/extracted-files.ts';
import { SubtitleSources } from '#workers/subtitles/sources/sources.ts';
import { SubtitleTracks, type WantedText } from '#workers/subtitles/subtitle-tracks.ts';
import { temporaryFolder } from '../../support/run-tool.ts';
import { aMap, aTitle } from '../../support/titles.ts';
import { until } from '../../support/until.ts';

const cue = (startMs: number, endMs: number) => ({ startMs, endMs, text: `${startMs}`, settings: '' });

test('subtitle segments: a cue stands in every segment that it overlaps, with its own times', () => {
  const cues = [cue(0, 2_000), cue(1_500, 4_500), cue(4_000, 4_001), cue(8_000, 9_000)];
  const starts = [0, 2_000, 4_000, 6_000, 8_000].map(fromMs =>
    cuesWithin(cues, { fromMs, toMs: fromMs + 2_000 }).map(({ startMs }) => startMs),
  );
  assert.deepEqual(starts, [[0, 1_500], [1_500], [1_500, 4_000], [], [8_000]]);
});

test('subtitle segments: one without cues is a valid file, and times have three digits behind the point', () => {
  const header = 'WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n';
  assert.equal(writeVtt([]).toString(), header);
  const text = writeVtt([{ startMs: 3_723_004, endMs: 360_000_000, text: 'a\nb', settings: 'line:0' }]).toString();
  assert.equal(text, `${header}\n01:02:03.004 --> 100:00:00.000 line:0\na\nb\n`);
});

test('subtitle segments: what is over before the film begins is left out, what lasts begins with it', () => {
  assert.deepEqual(
    moved([cue(0, 500), cue(500, 2_000), cue(3_000, 4_000)], -1_000).map(({ startMs, endMs }) => [startMs, endMs]),
    [
      [0, 1_000],
      [2_000, 3_000],
    ],
  );
});

/** Tracks whose films are read by `runTool`; closing them ends that too. */
async function tracksOf(t: TestContext, runTool: RunTool, { maxWaitMs = 15_000, graceMs = 60_000 } = {}): Promise<SubtitleTracks> {
  const files = new ExtractedFiles({ dir: join(await temporaryFolder(t), 'kept'), maxBytes: 1e9 });
  const sources = new SubtitleSources({ files, runTool, graceMs });
  const tracks = new SubtitleTracks({ sources, maxWaitMs });
  t.after(() => {
    tracks.close();
    sources.close();
  });
  return tracks;
}

async function aFilm(t: TestContext): Promise<WantedText> {
  const path = join(await temporaryFolder(t), 'film.mkv');
  await writeFile(path, 'film');
  const media = aTitle({ path, ...scannedFile(await stat(path)) });
  const rendition: SubtitleRendition = {
    ...{ kind: 'subtitle', track: 0, name: 'English', language: 'en', codec: 'subrip', streamIndex: 2, sidecar: null },
    ...{ isDefault: false, isForced: false, isHearingImpaired: false },
  };
  return { film: media, frameRate: { num: 25, den: 1 }, keyframes: aMap([0], 60), rendition, key: renditionKey('v1', 2_000, rendition) };
}

const SRT = Buffer.from('1\n00:00:01,000 --> 00:00:02,000\nHello\n');
const never = new AbortController().signal;

test('subtitle tracks: a film is read once for all who ask, also when one of them goes away', async t => {
  const wanted = await aFilm(t);
  let reads = 0;
  const read = Promise.withResolvers<void>();
  const runTool: RunTool = async () => {
    reads++;
    await read.promise;
    return { stdout: SRT, stderrTail: '', exitCode: 0 };
  };
  const tracks = await tracksOf(t, runTool);
  const gone = new AbortController();
  const first = tracks.vtt(wanted, { fromMs: 0, toMs: 2_000 }, gone.signal);
  const second = tracks.vtt(wanted, { fromMs: 2_000, toMs: 4_000 }, never);
  gone.abort();
  await assert.rejects(first, { code: 'CANCELLED' });
  read.resolve();
  assert.doesNotMatch((await second).toString(), /Hello/);
  assert.match((await tracks.vtt(wanted, null, never)).toString(), /Hello/);
  assert.equal(reads, 1);
});

test('subtitle tracks: who waits too long is told to come back, and the reading goes on', async t => {
  const wanted = await aFilm(t);
  const read = Promise.withResolvers<void>();
  const runTool: RunTool = async () => {
    await read.promise;
    return { stdout: SRT, stderrTail: '', exitCode: 0 };
  };
  const tracks = await tracksOf(t, runTool, { maxWaitMs: 5 });
  await assert.rejects(tracks.vtt(wanted, null, never), { code: 'SUBTITLES_PENDING' });
  read.resolve();
  const text = await tracks.vtt(wanted, null, never).catch(() => tracks.vtt(wanted, null, never));
  assert.match(text.toString(), /Hello/);
});

test('subtitle tracks: what could not be read is not read again for every segment', async t => {
  const wanted = await aFilm(t);
  let reads = 0;
  const tracks = await tracksOf(t, async () => {
    reads++;
    return { stdout: Buffer.alloc(0), stderrTail: 'broken', exitCode: 1 };
  });
  for (let segment = 0; segment < 5; segment++) await assert.rejects(tracks.vtt(wanted, null, never), { code: 'MEDIA_UNREADABLE' });
  assert.equal(reads, 1);
  const other = { ...wanted, film: { ...wanted.film, version: 'other' }, key: 'other' as RenditionKey };
  await assert.rejects(tracks.vtt(other, null, never), { code: 'MEDIA_UNREADABLE' });
  assert.equal(reads, 2);
});

test('subtitle tracks: two films are read at once, a bounded number waits, and the next is told to come back', async t => {
  const wanted = await aFilm(t);
  let reading = 0;
  let most = 0;
  const read = Promise.withResolvers<void>();
  const tracks = await tracksOf(t, async () => {
    most = Math.max(most, ++reading);
    await read.promise;
    reading--;
    return { stdout: SRT, stderrTail: '', exitCode: 0 };
  });
  const ask = (film: number): Promise<Buffer> => {
    const name = `film ${film}`;
    return tracks.vtt({ ...wanted, film: { ...wanted.film, version: name }, key: name as RenditionKey }, null, never);
  };
  const taken = Array.from({ length: 34 }, (_, film) => ask(film));
  await until(() => reading === 2, 'two are read');
  await assert.rejects(ask(34), { code: 'SUBTITLES_PENDING' });
  read.resolve();
  for (const text of await Promise.all(taken)) assert.match(text.toString(), /Hello/);
  assert.equal(most, 2);
  assert.match((await ask(34)).toString(), /Hello/);
});

test('subtitle tracks: a film is read no further when nobody has waited for a while, and anew for the next', async t => {
  const wanted = await aFilm(t);
  const begun: (AbortSignal | undefined)[] = [];
  const runTool: RunTool = (_, __, { signal }) => {
    begun.push(signal);
    return new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(new Error('ended'))));
  };
  const tracks = await tracksOf(t, runTool, { maxWaitMs: 5, graceMs: 1 });
  await assert.rejects(tracks.vtt(wanted, null, never), { code: 'SUBTITLES_PENDING' });
  await until(() => begun[0]?.aborted === true, 'the reading has ended');
  await assert.rejects(tracks.vtt(wanted, null, never), { code: 'SUBTITLES_PENDING' });
  assert.equal(begun.length, 2);
});

test('subtitle tracks: what was read once is found again by another thread, and by the server after a restart', async t => {
  const wanted = await aFilm(t);
  const dir = join(await temporaryFolder(t), 'kept');
  let reads = 0;
  const runTool: RunTool = async () => {
    reads++;
    return { stdout: SRT, stderrTail: '', exitCode: 0 };
  };
  for (let start = 0; start < 3; start++) {
    const sources = new SubtitleSources({ files: new ExtractedFiles({ dir, maxBytes: 1e9 }), runTool });
    assert.match((await new SubtitleTracks({ sources }).vtt(wanted, null, never)).toString(), /Hello/);
  }
  assert.equal(reads, 1);
});
