import assert from 'node:assert/strict';
import { appendFile, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { FerriteError } from '#domain/errors.ts';
import { openMatroska } from '#workers/remux/matroska/matroska.ts';
import { copyTrack } from '../../../support/copied-packets.ts';
import { AAC, FILM, folder, make, open, picture, SECONDS, SOURCE, tone, X264 } from '../../../support/matroska-films.ts';
import { rewriteMatroska } from '../../../support/matroska-writer.ts';

test('matroska: stream indexes count as ffmpeg does, over subtitles and before attachments', async () => {
  const subtitles = join(folder, 'a.srt');
  await writeFile(subtitles, '1\n00:00:01,000 --> 00:00:02,000\nHello\n');
  const attachment = ['-attach', subtitles, '-metadata:s:t', 'mimetype=text/plain'];
  const maps = ['-map', '0:v', '-map', '2:s', '-map', '1:a'];
  const path = await make('tracks.mkv', [...SOURCE, '-i', subtitles, ...maps, ...X264, ...AAC, '-c:s', 'srt', ...attachment]);
  const source = await open(path);
  assert.deepEqual(
    source.audio.map(({ index }) => index),
    [2],
  );
  assert.equal(source.codecString(2), 'mp4a.40.2');
  assert.throws(() => source.initSegment(1, 1), { code: 'SEGMENT_NOT_FOUND' });
  await source.close();
});

for (const [codec, args] of Object.entries({
  Vorbis: ['libvorbis'],
  PCM: ['pcm_s16le'],
  DTS: ['dca', '-strict', '-2'],
  TrueHD: ['truehd', '-strict', '-2'],
})) {
  test(`matroska: ${codec} has a timeline and is not copied`, async () => {
    const source = await open(await make('uncopied.mkv', [...SOURCE, ...X264, '-ac', '2', '-c:a', ...args]));
    const [track] = source.audio;
    assert.equal(track?.frameDuration, null);
    assert.ok(Math.abs((track?.endPts ?? 0) / 48_000 - SECONDS) < 0.1);
    assert.equal(source.codecString(1), null);
    assert.throws(() => source.initSegment(1, 1), { code: 'MEDIA_UNSUPPORTED' });
    await assert.rejects(source.segment(1, { index: 0, fromPts: 0, toPts: 48_000, originPts: 0, factor: 1, anchor: 'decode' as const }), {
      code: 'MEDIA_UNSUPPORTED',
    });
    await source.close();
  });
}

test('matroska: VP8 is not copied', async () => {
  const source = await open(
    await make('vp8.webm', [...picture('25'), '-c:v', 'libvpx', '-t', '1', '-deadline', 'realtime', '-cpu-used', '8']),
  );
  assert.throws(() => source.initSegment(0, 1), { code: 'MEDIA_UNSUPPORTED' });
  await source.close();
});

const LEFT_TO_FFMPEG: Record<string, readonly string[]> = {
  'no cues': [...FILM, '-live', '1'],
  'no picture': [...tone(48_000), ...AAC],
};
for (const [name, args] of Object.entries(LEFT_TO_FFMPEG)) {
  test(`matroska: a file with ${name} is left to ffmpeg`, async () => {
    assert.equal(await openMatroska(await make('left.mkv', args)), null);
  });
}

test('matroska: a file whose cues do not point to keyframes is left to ffmpeg', async () => {
  const path = join(folder, 'misled.mkv');
  await writeFile(path, await rewriteMatroska(await make('original.mkv', FILM), { cueErrorTicks: 13 }));
  assert.equal(await openMatroska(path), null);
});

const DAMAGED: Record<string, (film: Buffer) => Buffer> = {
  empty: () => Buffer.alloc(0),
  'cut to a few bytes': film => film.subarray(0, 20),
  'cut inside the tracks': film => film.subarray(0, 400),
  'cut in the middle': film => film.subarray(0, film.byteLength / 2),
  'short of one byte': film => film.subarray(0, -1),
  text: () => Buffer.from('Not a film, but a text about one.\n'.repeat(100)),
  'zeros after the header': film => Buffer.concat([film.subarray(0, 64), Buffer.alloc(film.byteLength - 64)]),
};
for (const [name, damage] of Object.entries(DAMAGED)) {
  test(`matroska: a damaged file is refused with a reason: ${name}`, async () => {
    const path = join(folder, 'damaged.mkv');
    await writeFile(path, damage(await readFile(await make('original.mkv', FILM))));
    await assert.rejects(openMatroska(path), error => {
      assert.ok(error instanceof FerriteError);
      assert.equal(error.code, 'MEDIA_UNREADABLE');
      assert.ok(!error.message.includes(folder));
      return true;
    });
  });
}

test('matroska: random damage never does worse than a clear refusal', async () => {
  const film = await readFile(await make('original.mkv', FILM));
  const path = join(folder, 'random.mkv');
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed % below;
  };
  for (let round = 0; round < 200; round++) {
    const bytes = Buffer.from(film);
    const isHead = round % 2 === 0;
    for (let hit = 0; hit < 4; hit++) bytes[random(isHead ? 1500 : bytes.byteLength)] = random(256);
    await writeFile(path, bytes);
    await playAll(path).catch((error: unknown) => assert.ok(error instanceof FerriteError, `round ${round}: ${error}`));
  }
});

async function playAll(path: string): Promise<void> {
  const source = await openMatroska(path);
  if (!source) return;
  try {
    for (const index of [0, ...source.audio.filter(({ frameDuration }) => frameDuration !== null).map(track => track.index)])
      await copyTrack(source, index);
  } finally {
    await source.close();
  }
}

for (const [name, change] of Object.entries({
  cut: (path: string) => truncate(path, 1000),
  'written to': (path: string) => appendFile(path, 'more'),
})) {
  test(`matroska: a file that is ${name} while it is open is noticed`, async () => {
    const path = await make(`changed-${name}.mkv`, FILM);
    const source = await open(path);
    await change(path);
    const { keyframes } = source.video;
    const span = {
      index: 0,
      fromPts: keyframes[0] ?? 0,
      toPts: keyframes[2] ?? 0,
      originPts: -10_000,
      factor: 1,
      anchor: 'decode' as const,
    };
    await assert.rejects(source.segment(0, span), { code: 'MEDIA_CHANGED' });
    await source.close();
  });
}

test('matroska: a segment that does not lie between keyframes, or outside the sound, is not found', async () => {
  const source = await open(await make('original.mkv', FILM));
  const [from = 0, to = 0] = source.video.keyframes;
  await assert.rejects(source.segment(0, { index: 0, fromPts: from + 1, toPts: to, originPts: 0, factor: 1, anchor: 'decode' as const }), {
    code: 'SEGMENT_NOT_FOUND',
  });
  await assert.rejects(source.segment(0, { index: 0, fromPts: from, toPts: to + 1, originPts: 0, factor: 1, anchor: 'decode' as const }), {
    code: 'SEGMENT_NOT_FOUND',
  });
  await assert.rejects(source.segment(1, { index: 0, fromPts: 1e7, toPts: 2e7, originPts: 0, factor: 1, anchor: 'decode' as const }), {
    code: 'SEGMENT_NOT_FOUND',
  });
  await source.close();
});
