// Encodes of a small film, outside of any server: the job, what ffmpeg writes for it, and what is cut from that.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { EncodeJob } from '#actors/effects.ts';
import { buildLadder, stereoAac } from '#domain/delivery/ladder.ts';
import type { VideoStream } from '#domain/media.ts';
import { buildPlan, gridOf, type Plan, segmentCount } from '#domain/plan.ts';
import type { Inspection } from '#domain/protocol.ts';
import { type AudioCopy, type MediaRendition, renditionKey, type VideoCopy } from '#domain/rendition.ts';
import { ffmpegArguments } from '#workers/encode/file-arguments.ts';
import { SegmentReadiness } from '#workers/encode/segment-readiness.ts';
import { inspectMedia } from '#workers/inspect/inspect.ts';
import { openRemuxSource } from '#workers/remux/remuxer.ts';
import { makeFilm, runTool, temporaryFolder } from '../support/run-tool.ts';

export type Kind = MediaRendition['kind'];

export class Film {
  readonly path: string;
  readonly facts: Inspection;
  readonly plan: Plan;

  /** Ten frames a second, a keyframe every second, cut every two. */
  static async make(
    t: { after(clean: () => Promise<void>): unknown },
    { name = 'film.mp4', seconds = 8, output = [] as readonly string[] } = {},
  ): Promise<Film> {
    const path = join(await temporaryFolder(t), name);
    await makeFilm(path, { seconds, output });
    return new Film(path, await inspectMedia(path, { runTool, openRemuxSource, signal: new AbortController().signal }));
  }

  constructor(path: string, facts: Inspection) {
    this.path = path;
    this.facts = facts;
    this.plan = buildPlan(facts.keyframes, this.video.frameRate, 2_000);
  }

  get video(): VideoStream {
    const [video] = this.facts.streams.video;
    if (!video) throw new Error('the film has no video');
    return video;
  }

  job(kind: Kind, firstIndex = 0, lastIndex?: number): EncodeJob {
    const rendition = this.#rendition(kind);
    const grid = gridOf(this.plan, rendition);
    return {
      key: renditionKey(this.facts.version, this.plan.targetMs, rendition),
      rendition,
      media: { path: this.path, byteLength: this.facts.byteLength, mtimeMs: this.facts.mtimeMs },
      keyframes: this.facts.keyframes,
      grid,
      firstIndex,
      lastIndex: lastIndex ?? segmentCount(grid) - 1,
    };
  }

  #rendition(kind: Kind): MediaRendition {
    const [audio] = this.facts.streams.audio;
    const [rung] = buildLadder(this.video, this.plan.targetMs);
    if (!audio || !rung) throw new Error('the film has no audio or no rung');
    const { width, height, index } = this.video;
    switch (kind) {
      case 'video-encode':
        return rung;
      case 'audio-encode':
        return stereoAac(0, audio);
      case 'video-copy':
        return { kind, rungId: 'original', streamIndex: index, width, height, bandwidthBps: 1, codecs: 'avc1.42c00a' } satisfies VideoCopy;
      case 'audio-copy':
        return { kind, track: 0, streamIndex: audio.index, channels: 2, bandwidthBps: 1, codecs: 'mp4a.40.2' } satisfies AudioCopy;
    }
  }
}

/** All that ffmpeg writes for a job. */
/** Of one encoder: how a run begins is the process's matter. */
export async function record(job: EncodeJob): Promise<Buffer> {
  const { stdout } = await promisify(execFile)('ffmpeg', ffmpegArguments({ ...job, isFollowOn: true }), {
    encoding: 'buffer',
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout;
}

export type Cut = {
  readonly init: Buffer | null;
  readonly segments: ReadonlyMap<number, Buffer>;
  readonly firstChunks: ReadonlyMap<number, Buffer>;
  readonly readiness: SegmentReadiness;
};

/** What is published when that output arrives in pieces of `chunkBytes`. */
export function cut(job: EncodeJob, output: Buffer, { chunkBytes = 65_536, isWhole = true } = {}): Cut {
  let init: Buffer | null = null;
  const segments = new Map<number, Buffer>();
  const firstChunks = new Map<number, Buffer>();
  const readiness = new SegmentReadiness(job, {
    onInit: bytes => {
      init = bytes;
    },
    onFrame: () => undefined,
    onFirstChunk: (index, bytes) => firstChunks.set(index, bytes),
    onSegment: (index, bytes) => segments.set(index, bytes),
  });
  for (let at = 0; at < output.byteLength; at += chunkBytes) readiness.push(output.subarray(at, at + chunkBytes));
  if (isWhole) readiness.end();
  return { init, segments, firstChunks, readiness };
}
