// What copies weigh, told before any of them is built, beside the segments themselves.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { buildPlan, segmentCount } from '#domain/plan.ts';
import type { AudioCopy, VideoCopy } from '#domain/rendition.ts';
import { inspectMedia } from '#workers/inspect/inspect.ts';
import { measureCopies } from '#workers/inspect/rates/copied-rates.ts';
import { openRemuxSource } from '#workers/remux/remuxer.ts';
import { spanOf } from '#workers/remux/segment-span.ts';
import { ffmpeg } from '../../../support/media.ts';
import { runTool } from '../../../support/run-tool.ts';
import { temporaryFolder } from '../../../support/server.ts';

const FACTS = { bandwidthBps: 0, codecs: '' };
const INPUT = ['-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=24:d=7', '-f', 'lavfi', '-i', 'anoisesrc=a=0.2:r=48000:d=7'];
// Leading pictures, which lie behind the keyframe of the segment that they belong to.
const OPEN = ['-c:v', 'libx264', '-preset', 'ultrafast', '-x264-params', 'open-gop=1:bframes=3:b-adapt=0:keyint=24:min-keyint=24'];

test('copied rates: each segment of a Matroska film weighs what it will have when it is built, picture and sound', async t => {
  const path = join(await temporaryFolder(t), 'film.mkv');
  await ffmpeg(...INPUT, ...OPEN, '-pix_fmt', 'yuv420p', '-c:a', 'aac', path);
  const { streams, keyframes } = await inspectMedia(path, { runTool, openRemuxSource });
  assert.equal(keyframes.copyMethod, 'matroska');
  const [video] = streams.video;
  const [audio] = streams.audio;
  assert.ok(video && audio);
  const targetMs = 2000;
  const plan = buildPlan(keyframes, video.frameRate, targetMs);
  const copies = await measureCopies({ path, streams, keyframes, targetMs, colour: null }, plan, { runTool, openRemuxSource });
  const source = await openRemuxSource(path);
  assert.ok(source);
  t.after(() => source.close());
  const picture: VideoCopy = { ...FACTS, kind: 'video-copy', rungId: '', streamIndex: video.index, width: 0, height: 0 };
  const sound: AudioCopy = { ...FACTS, kind: 'audio-copy', track: 0, streamIndex: audio.index, channels: 1 };
  for (const [rendition, grid, told] of [
    [picture, plan.videoCopy, copies.video],
    [sound, plan.audioCopy[0], copies.audio[0]],
  ] as const) {
    assert.ok(grid && told);
    assert.equal(told.length, segmentCount(grid));
    for (const [index, { bits }] of told.entries()) {
      const { byteLength } = await source.segment(rendition.streamIndex, spanOf(keyframes, grid, rendition, index));
      // A frame of sound may stand on the other side of a boundary, where the container rounds its time.
      const slack = rendition.kind === 'audio-copy' ? 500 : 0;
      assert.ok(Math.abs(bits / 8 - byteLength) <= slack, `${rendition.kind} ${index}: ${bits / 8} told, ${byteLength} built`);
    }
  }
});
