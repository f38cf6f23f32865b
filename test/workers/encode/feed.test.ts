import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { EncodeJob, FfmpegEvent } from '#actors/effects.ts';
import type { SegmentName } from '#domain/rendition.ts';
import { SpawnerProcess } from '#src/threads/spawner-process.ts';
import { Feed } from '#workers/encode/feed.ts';
import { ffmpegEffect } from '#workers/encode/ffmpeg-process.ts';
import { WarmEncoders } from '#workers/encode/warm-encoders.ts';
import { HardwareUse } from '#workers/encoders/hardware-use.ts';
import { SpawnerClient } from '#workers/programs/spawner-client.ts';
import { RemuxCache } from '#workers/remux/remux-cache.ts';
import { Film } from '../support.ts';

const DEADLINE = { timeout: 300_000 };

/** Runs jobs to their end, one after the other, over one spawner. */
async function encoder(t: TestContext) {
  const spawner = await SpawnerProcess.start(() => undefined);
  const client = new SpawnerClient(spawner.socketPath);
  const hardware = new HardwareUse(() => undefined);
  const encoders = new WarmEncoders({ spawner: client, ffmpegPath: 'ffmpeg', limit: 4, hardware });
  const remux = new RemuxCache();
  t.after(async () => {
    encoders.close();
    remux.close();
    await client.close();
    await spawner.close();
  });
  return async (job: EncodeJob): Promise<{ segments: Map<SegmentName, Buffer>; last: FfmpegEvent }> => {
    const segments = new Map<SegmentName, Buffer>();
    const publish = ({ name, bytes }: { name: SegmentName; bytes: Buffer }) => segments.set(name, bytes);
    const effect = ffmpegEffect({
      spawner: client,
      encoders,
      hardware,
      remux,
      ffmpegPath: 'ffmpeg',
      publish,
      publishChunk: () => undefined,
      log: () => undefined,
    });
    const last = await new Promise<FfmpegEvent>(resolve => {
      const sendBack = (event: FfmpegEvent): void => {
        if (event.type === 'ffmpeg.exited' || event.type === 'ffmpeg.failed') resolve(event);
      };
      effect({ input: job, sendBack, receive: () => undefined } as never);
    });
    return { segments, last };
  };
}

const unfed = (job: EncodeJob): EncodeJob => ({ ...job, keyframes: { ...job.keyframes, copyMethod: 'ffmpeg' } });

const isFed = (job: EncodeJob): boolean => Feed.of(job, new RemuxCache()) !== null;

const X264 = ['-c:v', 'libx264', '-preset', 'veryfast', '-x264-params', 'keyint=30:bframes=3:b-pyramid=none'];
const FILMS: readonly { name: string; seconds: number; output: readonly string[] }[] = [
  { name: 'plain.mp4', seconds: 8, output: X264 },
  { name: 'matroska.mkv', seconds: 8, output: X264 },
  { name: 'film-rate.mkv', seconds: 8, output: ['-r', '24000/1001', ...X264] },
  { name: 'ten-bit.mp4', seconds: 6, output: [...X264, '-pix_fmt', 'yuv420p10le'] },
  { name: 'late.mkv', seconds: 6, output: [...X264, '-output_ts_offset', '5.5'] },
  { name: 'turned.mp4', seconds: 6, output: [...X264, '-metadata:s:v:0', 'rotate=90'] },
];

for (const { name, seconds, output } of FILMS) {
  test(`feed: ${name} gives the very bytes that ffmpeg makes of the file, in the middle too`, DEADLINE, async t => {
    const run = await encoder(t);
    const film = await Film.make(t, { name, seconds, output });
    for (const first of [0, 1, 2]) {
      const job = film.job('video-encode', first, first);
      assert.ok(isFed(job));
      const [fed, plain] = [await run(job), await run(unfed(job))];
      assert.equal(fed.last.type, 'ffmpeg.exited');
      assert.deepEqual([...fed.segments.keys()], ['init', first]);
      for (const [segment, bytes] of plain.segments) assert.ok(fed.segments.get(segment)?.equals(bytes), `${segment} of ${name}`);
    }
  });
}

test('feed: a run is cut at every boundary of the plan, picture and sound', DEADLINE, async t => {
  const run = await encoder(t);
  const film = await Film.make(t, { output: X264 });
  for (const kind of ['video-encode', 'audio-encode'] as const) {
    const { segments, last } = await run(film.job(kind));
    assert.equal(last.type, 'ffmpeg.exited');
    assert.equal(segments.size, film.job(kind).grid.boundaries.length);
  }
});

test('feed: pictures that nobody needs are left out before the first wanted one, none after', DEADLINE, async t => {
  const film = await Film.make(t, { seconds: 6, output: X264 });
  const bytesOf = async (first: number): Promise<number> => {
    const remux = new RemuxCache();
    const feed = Feed.of(film.job('video-encode', first, 2), remux);
    const header = await feed?.header();
    if (!feed || !header) throw new Error('not fed');
    let byteLength = 0;
    for await (const fragment of feed.fragments(header)) byteLength += fragment.byteLength;
    remux.close();
    return byteLength;
  };
  // Keyframes stand at 0 and 3 s, boundaries at 0, 1.5 and 3: the run from 1.5 s decodes from 0.
  assert.ok((await bytesOf(1)) < (await bytesOf(0)) * 0.98);
});

test('feed: a file that was replaced ends the run as MEDIA_CHANGED', DEADLINE, async t => {
  const run = await encoder(t);
  const job = (await Film.make(t, { seconds: 4 })).job('video-encode');
  const { last } = await run({ ...job, media: { ...job.media, byteLength: job.media.byteLength + 1 } });
  assert.deepEqual(last.type === 'ffmpeg.failed' && last.error.code, 'MEDIA_CHANGED');
});

test('feed: a container that we do not index is read by ffmpeg itself', async t => {
  const film = await Film.make(t, { name: 'film.ts', seconds: 4 });
  assert.ok(!isFed(film.job('video-encode')));
});
