// Where pictures stand in containers that tell when they are decoded, and not when they are shown: where ffmpeg shows them.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { PACKET_ARGUMENTS, parsePackets, videoTimeline } from '#workers/inspect/packet-timelines.ts';
import { ffmpeg } from '../../support/media.ts';
import { temporaryFolder } from '../../support/run-tool.ts';

const PICTURE = ['-f', 'lavfi', '-i', 'testsrc2=s=160x90:r=25:d=2', '-g', '25', '-pix_fmt', 'yuv420p'];
const RATE = { num: 25, den: 1 };

for (const [name, args] of [
  ['reordered.wmv', ['-c:v', 'libx264', '-preset', 'veryfast', '-bf', '2']],
  ['reordered.avi', ['-c:v', 'libx264', '-preset', 'veryfast', '-bf', '3']],
  ['half-told.avi', ['-c:v', 'mpeg4', '-bf', '2']],
  ['in-order.avi', ['-c:v', 'mpeg4']],
  ['told.ts', ['-c:v', 'libx264', '-preset', 'veryfast', '-bf', '2']],
] as const) {
  test(`packets: ${name}: the first picture and the end stand where ffmpeg shows them`, async t => {
    const path = join(await temporaryFolder(t), name);
    await ffmpeg(...PICTURE, ...args, path);
    const packets = await execa('ffprobe', [...PACKET_ARGUMENTS, path], { encoding: 'buffer' });
    const facts = await execa('ffprobe', ['-v', 'error', '-show_entries', 'stream=has_b_frames,time_base', '-of', 'default=nw=1', path]);
    const [, den] = /time_base=1\/(\d+)/.exec(facts.stdout) ?? [];
    const [, reorder] = /has_b_frames=(\d+)/.exec(facts.stdout) ?? [];
    const timeBase = { num: 1, den: Number(den) };
    const video = { index: 0, frameRate: RATE, reorderFrames: Number(reorder) };
    const timeline = videoTimeline(parsePackets(Buffer.from(packets.stdout)).packets, video, timeBase) ?? assert.fail('no keyframe');
    const shown = await execa('ffmpeg', ['-copyts', '-i', path, '-vf', 'showinfo', '-fps_mode', 'passthrough', '-f', 'null', '-']);
    const times = [...shown.stderr.matchAll(/ pts_time:([\d.]+)/g)].map(([, time]) => Number(time));
    const near = (ticks: number, seconds: number): void =>
      assert.ok(Math.abs(ticks / timeline.timescale - seconds) < 0.01, `${ticks / timeline.timescale} is not ${seconds}`);
    near(timeline.firstShownPts, times[0] ?? Number.NaN);
    near(timeline.endPts, (times.at(-1) ?? Number.NaN) + 0.04);
  });
}
