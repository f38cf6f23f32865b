// Subtitle tracks as they were authored and the fonts of films, taken out of real files and kept.
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import { type Media, type Sidecar, scannedFile } from '#domain/media.ts';
import { sourceOffsetMs } from '#domain/subtitles/clock.ts';
import { offerSubtitles } from '#domain/subtitles/offer.ts';
import { walkVideos } from '#library/scan/disk/walk.ts';
import { inspectMedia } from '#workers/inspect/inspect.ts';
import type { RunTool } from '#workers/programs/run-tool.ts';
import { openRemuxSource } from '#workers/remux/remuxer.ts';
import { canvasOf } from '#workers/subtitles/pictures/pgs.ts';
import { ExtractedFiles } from '#workers/subtitles/sources/extracted-files.ts';
import { packetsByCue } from '#workers/subtitles/sources/matroska-packets.ts';
import { type SourceTrack, SubtitleSources } from '#workers/subtitles/sources/sources.ts';
import { ffmpeg } from '../../support/media.ts';
import { runTool, temporaryFolder } from '../../support/run-tool.ts';
import { assOf, someFont, supOf } from '../../support/subtitle-films.ts';
import { aTitle } from '../../support/titles.ts';

const never = new AbortController().signal;
const CANVAS = { width: 320, height: 180 };
const BOXES = [
  { startMs: 1_000, endMs: 2_000, x: 100, y: 150, width: 101, height: 21, colour: [255, 0, 0] },
  { startMs: 3_000, endMs: 4_000, x: 10, y: 15, width: 60, height: 20, colour: [0, 255, 0] },
] as const;
const SRT = '1\n00:00:01,500 --> 00:00:02,000\n<i>one</i>\nmore\n\n2\n00:00:03,000 --> 00:00:04,250\ntwo & three\n';
// Two at the same time, as signs and speech are.
const ASS = assOf([
  'Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,{\\k50}ka{\\k50}ra',
  'Dialogue: 1,0:00:01.00,0:00:03.00,Default,,0,0,0,,{\\pos(10,20)}sign, with a comma',
]);

const film = { folder: '', path: '' };
before(async t => {
  film.folder = await temporaryFolder(t as TestContext);
  const at = (name: string): string => join(film.folder, name);
  await writeFile(at('a.srt'), SRT);
  await writeFile(at('a.ass'), ASS);
  await writeFile(at('a.sup'), supOf(BOXES, CANVAS));
  film.path = at('film.mkv');
  const font = someFont();
  await ffmpeg(
    ...['-copyts', '-f', 'lavfi', '-i', 'testsrc2=s=320x180:d=6:r=25', '-i', at('a.srt'), '-i', at('a.ass'), '-i', at('a.sup')],
    ...['-map', '0', '-map', '1', '-map', '2', '-map', '3', '-map', '3', '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '50'],
    ...['-c:s:0', 'srt', '-c:s:1', 'ass', '-c:s:2', 'copy', '-c:s:3', 'dvdsub'],
    ...(font === null ? [] : ['-attach', font, '-metadata:s:t', 'mimetype=application/x-truetype-font']),
    film.path,
  );
  await ffmpeg('-i', film.path, '-map', '0:v', '-map', '0:s:0', '-c:v', 'copy', '-c:s', 'mov_text', at('film.mp4'));
});

const mediaAt = async (path: string, container: Media['container'] = 'matroska'): Promise<Media> =>
  aTitle({ path, container, version: path, ...scannedFile(await stat(path)) });

/** With a tool that counts what was started. */
async function sourcesOf(t: TestContext, maxBytes = 1e9) {
  const started: string[] = [];
  const counting: RunTool = (tool, ...rest) => {
    started.push(tool);
    return runTool(tool, ...rest);
  };
  const dir = join(await temporaryFolder(t), 'kept');
  const sources = new SubtitleSources({ files: new ExtractedFiles({ dir, maxBytes }), runTool: counting });
  t.after(() => sources.close());
  return { sources, started, dir };
}

const stream = (codec: string, streamIndex: number): SourceTrack => ({ codec, streamIndex, sidecar: null });

test('subtitle sources: in Matroska every packet is found by its cue, without a program that reads the film', async t => {
  const { sources, started } = await sourcesOf(t);
  const media = await mediaAt(film.path);
  const read = async (track: SourceTrack): Promise<string> => readFile(await sources.source(media, track, never), 'utf8');
  assert.equal(await read(stream('subrip', 1)), SRT);
  const lines = (text: string): string[] => text.split(/\r?\n/).filter(line => line.startsWith('Dialogue'));
  assert.deepEqual(lines(await read(stream('ass', 2))), lines(ASS));
  assert.match(await read(stream('ass', 2)), /PlayResX: 320/);
  assert.deepEqual(started, []);
});

test('subtitle sources: pictures of Blu-ray are given as a file, those of DVD are written as such: the same places, times and colours', async t => {
  const { sources } = await sourcesOf(t);
  const media = await mediaAt(film.path);
  for (const track of [stream('hdmv_pgs_subtitle', 3), stream('dvd_subtitle', 4)]) {
    const path = await sources.source(media, track, never);
    assert.match(path, /source\.sup$/);
    assert.deepEqual(canvasOf(await readFile(path)), CANVAS);
    for (const { startMs, x, y, width, height, colour } of BOXES) {
      const shown = await pictureOf(path, (startMs + 500) / 1000);
      assert.deepEqual(shown(x + width / 2, y + height / 2).map(near), colour.map(near), `${track.codec} at ${startMs}`);
      assert.deepEqual(shown(x + width / 2, (y + 90) % 180).map(near), [2, 2, 2]);
      assert.deepEqual(shown((x + width + 8) % 320, y + height / 2).map(near), [2, 2, 2]);
    }
  }
});

/** 0 to 4: colours of subtitles go through a palette of video levels. */
const near = (value: number): number => Math.round(value / 64);

/** As ffmpeg's own decoder draws it on grey. */
async function pictureOf(sup: string, atS: number): Promise<(x: number, y: number) => number[]> {
  const raw = join(film.folder, 'picture.rgb');
  await ffmpeg(
    ...['-copyts', '-f', 'lavfi', '-i', 'color=0x808080:s=320x180:d=5:r=25', '-canvas_size', '320x180', '-i', sup],
    ...['-filter_complex', `[0:v][1:s]overlay,trim=start=${atS}`, '-frames:v', '1', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-y', raw],
  );
  const bytes = await readFile(raw);
  return (x, y) => [...bytes.subarray((Math.floor(y) * 320 + Math.floor(x)) * 3).subarray(0, 3)];
}

test('subtitle sources: what has no cues is read by ffmpeg once, for all who ask, and never again', async t => {
  const { sources, started } = await sourcesOf(t);
  const media = await mediaAt(join(film.folder, 'film.mp4'), 'mp4');
  const track = stream('mov_text', 1);
  const [one, other] = await Promise.all([sources.source(media, track, never), sources.source(media, track, never)]);
  assert.equal(one, other);
  assert.match(await readFile(one, 'utf8'), /two & three/);
  await sources.source(media, track, never);
  assert.deepEqual(started, ['ffmpeg']);
});

test('subtitle sources: where the cues may not name every packet, the track is read as a whole', async t => {
  const { sources, started } = await sourcesOf(t);
  const original = await readFile(film.path);
  const damaged = async (name: string, change: (bytes: Buffer) => void): Promise<Media> => {
    const bytes = Buffer.from(original);
    change(bytes);
    const path = join(film.folder, name);
    await writeFile(path, bytes);
    return mediaAt(path);
  };
  const unknown = await damaged('unknown.mkv', bytes => bytes.write('Else', bytes.indexOf('Lavf'), 'latin1'));
  const whole = await readFile(await sources.source(unknown, stream('subrip', 1), never), 'utf8');
  assert.equal(whole.replaceAll('\r', '').trim(), SRT.trim());
  assert.deepEqual(started, ['ffmpeg']);
  // CueTrack is F7 81 03 for the styled one, whose second packet lies right behind its first.
  const uncued = await damaged('uncued.mkv', bytes => {
    bytes[bytes.lastIndexOf(Buffer.from([0xf7, 0x81, 0x03])) + 2] = 0x7e;
  });
  assert.match(await readFile(await sources.source(uncued, stream('ass', 2), never), 'utf8'), /ka.*sign/s);
  assert.deepEqual(started, ['ffmpeg', 'ffmpeg']);
});

test('subtitle sources: the fonts of a film are those that are attached to it', {
  skip: someFont() === null && 'this machine has no font',
}, async t => {
  const { sources, started } = await sourcesOf(t);
  const fonts = await sources.fonts(await mediaAt(film.path), never);
  const original = await readFile(someFont() ?? '');
  assert.deepEqual(await Promise.all(fonts.map(({ path }) => readFile(path))), [original]);
  await sources.fonts(await mediaAt(film.path), never);
  assert.deepEqual(started, ['ffprobe', 'ffmpeg']);
  assert.deepEqual(await sources.fonts(await mediaAt(join(film.folder, 'film.mp4'), 'mp4'), never), []);
});

test('subtitle sources: a pair of VobSub files beside a film is one track of pictures', async t => {
  const { sources } = await sourcesOf(t);
  const folder = await temporaryFolder(t);
  await writeVobSub(folder, await vobSubPackets(t));
  const path = join(folder, 'Film.idx');
  const sidecar = { path, ...scannedFile(await stat(path)) };
  const sup = await sources.source(await mediaAt(film.path), { codec: 'idx', streamIndex: null, sidecar }, never);
  const shown = await pictureOf(sup, 1.5);
  assert.deepEqual(shown(150, 160).map(near), [4, 0, 0]);
});

test('subtitle sources: each language of a VobSub index is a track with pictures of its own', async t => {
  const { sources } = await sourcesOf(t);
  const folder = await temporaryFolder(t);
  const { idx, packets } = await vobSubPackets(t);
  await writeVobSub(folder, { idx, packets, languages: ['en', 'zz', 'fr'] });
  await writeFile(join(folder, 'Film.mkv'), 'a film');
  const found: Sidecar[] = [];
  await walkVideos([folder], { found: ({ sidecars }) => void found.push(...sidecars), unreadable: () => undefined }, never);
  assert.deepEqual(
    found.map(({ language, part }) => [language, part]),
    [
      ['en', 0],
      ['fr', 2],
    ],
  );
  const offered = offerSubtitles({ ...(await mediaAt(film.path)), sidecars: found }, null).drawnSubtitles ?? [];
  const times: number[][] = [];
  for (const track of offered) {
    const sup = await readFile(await sources.source(await mediaAt(film.path), track, never));
    times.push(displayTimes(sup));
  }
  assert.deepEqual(times, [[1], [3]]);
});

/** Seconds at which a file of presentation graphics shows a picture. */
function displayTimes(sup: Buffer): number[] {
  const times: number[] = [];
  for (let at = 0; at + 13 <= sup.byteLength; at += 13 + sup.readUInt16BE(at + 11))
    if (sup[at + 10] === 0x15) times.push(Math.round(sup.readUInt32BE(at + 2) / 90_000));
  return times;
}

type VobSub = { readonly idx: string; readonly packets: readonly { readonly ms: number; readonly bytes: Buffer }[] };

/** Those that ffmpeg encodes. */
async function vobSubPackets(t: TestContext): Promise<VobSub> {
  const found = await packetsByCue({ path: film.path }, 4, t.signal);
  assert.ok(found);
  return {
    idx: found.codecPrivate.toString('latin1'),
    packets: found.packets.map(({ startMs, bytes }) => ({ ms: startMs, bytes })),
  };
}

/**
 * A pack and a packet of a private stream for each 30 bytes, so that pictures lie in several. The first picture is of the first
 * language, the others are of the last; those between have none.
 */
async function writeVobSub(
  folder: string,
  { idx, packets, languages = ['en'] }: VobSub & { readonly languages?: readonly string[] },
): Promise<void> {
  const sub: Buffer[] = [];
  let position = 0;
  const parts = languages.map((language, index) => `id: ${language}, index: ${index}\n`);
  for (const [number, { ms, bytes }] of packets.entries()) {
    const index = number === 0 ? 0 : parts.length - 1;
    parts[index] += `timestamp: 00:00:0${Math.floor(ms / 1000)}:000, filepos: ${position.toString(16).padStart(9, '0')}\n`;
    for (let at = 0; at < bytes.byteLength; at += 30) {
      const part = bytes.subarray(at, at + 30);
      const pack = Buffer.concat([Buffer.from([0, 0, 1, 0xba]), Buffer.alloc(9), Buffer.from([0xf8])]);
      const length = 3 + 1 + part.byteLength;
      sub.push(pack, Buffer.from([0, 0, 1, 0xbd, length >> 8, length & 0xff, 0x81, 0, 0, 0x20 + index]), part);
      position += pack.byteLength + 10 + part.byteLength;
    }
  }
  await writeFile(join(folder, 'Film.idx'), `# VobSub index file, v7\n${idx}\n${parts.join('\n')}`);
  await writeFile(join(folder, 'Film.sub'), Buffer.concat(sub));
}

test('subtitle sources: a file beside the film is read only at the place where the scan saw it', async t => {
  const { sources } = await sourcesOf(t);
  const folder = await temporaryFolder(t);
  const secret = join(await temporaryFolder(t), 'secret');
  await mkdir(secret);
  await writeFile(join(secret, 'Film.srt'), SRT);
  await mkdir(join(folder, 'Subs'));
  const path = join(folder, 'Subs', 'Film.srt');
  await writeFile(path, SRT);
  const scanned = await stat(path);
  const sidecar = { path, ...scannedFile(scanned) };
  const ask = async () => sources.source(await mediaAt(film.path), { codec: 'srt', streamIndex: null, sidecar }, never);
  assert.equal(await readFile(await ask(), 'utf8'), SRT);
  // The folder is swapped for a link to one outside, whose file is the same in size and time.
  await utimes(join(secret, 'Film.srt'), scanned.atime, scanned.mtime);
  await rename(join(folder, 'Subs'), join(folder, 'Subs.old'));
  await symlink(secret, join(folder, 'Subs'));
  await assert.rejects(ask(), { code: 'MEDIA_CHANGED' });
  await rm(join(folder, 'Subs'));
  await assert.rejects(ask(), { code: 'MEDIA_CHANGED' });
});

test('subtitle sources: what is kept has a bound: what was used longest ago goes, and what is unfinished has no name', async t => {
  const dir = join(await temporaryFolder(t), 'kept');
  const files = new ExtractedFiles({ dir, maxBytes: 2_500 });
  const fill = (folder: string): Promise<void> => writeFile(join(folder, 'file'), Buffer.alloc(1_000));
  await files.add('a', fill);
  await files.add('b', fill);
  await utimes(join(dir, 'b'), 1, 1);
  assert.equal(await files.find('a'), join(dir, 'a'));
  await files.add('c', fill);
  assert.deepEqual((await readdir(dir)).toSorted(), ['a', 'c']);
  await assert.rejects(
    files.add('d', async folder => {
      await fill(folder);
      throw new Error('the disk is full');
    }),
  );
  assert.deepEqual((await readdir(dir)).toSorted(), ['a', 'c']);
  assert.equal(await files.find('d'), null);
});

test('subtitle sources: threads that keep the same at once have one of it, and what one has found lately stays though another makes room', async t => {
  const dir = join(await temporaryFolder(t), 'kept');
  const threads = [new ExtractedFiles({ dir, maxBytes: 1_500 }), new ExtractedFiles({ dir, maxBytes: 1_500 })] as const;
  const fill = (folder: string): Promise<void> => writeFile(join(folder, 'file'), Buffer.alloc(1_000));
  assert.deepEqual(await Promise.all(threads.map(thread => thread.add('a', fill))), [join(dir, 'a'), join(dir, 'a')]);
  assert.deepEqual(await readdir(dir), ['a']);
  await utimes(join(dir, 'a'), 1, 1);
  assert.equal(await threads[0].find('a'), join(dir, 'a'));
  await threads[1].add('b', fill);
  assert.deepEqual((await readdir(dir)).toSorted(), ['a', 'b']);
  await utimes(join(dir, 'a'), 1, 1);
  await threads[1].add('c', fill);
  assert.deepEqual((await readdir(dir)).toSorted(), ['b', 'c'], 'it goes once it was not used for a while');
});

test('subtitles: those of a film whose clock jumps stand where its mended clock has them', async t => {
  const folder = await temporaryFolder(t);
  const [part, path] = [join(folder, 'part.vob'), join(folder, 'joined.vob')];
  const [box] = BOXES;
  await writeFile(join(folder, 'a.sup'), supOf([box], { width: 720, height: 576 }));
  await ffmpeg(
    ...['-copyts', '-f', 'lavfi', '-i', 'testsrc2=s=720x576:d=4:r=25', '-i', join(folder, 'a.sup'), '-map', '0', '-map', '1'],
    ...['-c:v', 'mpeg2video', '-g', '12', '-c:s', 'dvdsub', '-f', 'vob', part],
  );
  const bytes = await readFile(part);
  await writeFile(path, Buffer.concat([bytes, bytes]));
  const { keyframes, streams, container } = await inspectMedia(path, { runTool, openRemuxSource });
  const [track] = streams.subtitles;
  assert.ok(track && keyframes.mended);
  const { sources } = await sourcesOf(t);
  const source = { codec: track.codec, streamIndex: track.index, sidecar: null };
  const sup = await readFile(await sources.source({ ...(await mediaAt(path, container)), mended: keyframes.mended }, source, never));
  const shownMs = [...sup.toString('latin1').matchAll(/PG/g)]
    .filter(({ index }) => sup[index + 10] === 0x16)
    .map(({ index }) => Math.round(sup.readUInt32BE(index + 2) / 90 + sourceOffsetMs(keyframes, { isExternal: false })));
  assert.ok(Math.abs((shownMs[0] ?? 0) - 1_000) < 50 && Math.abs((shownMs[1] ?? 0) - 5_000) < 50, shownMs.join());
});
