// The ffmpeg effect: one process, fed or reading the film by itself, its output cut into segments, its end told exactly once.
import type { Socket } from 'node:net';
import { LRUCache } from 'lru-cache';
import type { EncodeJob, FfmpegEffect } from '#actors/effects.ts';
import { isHardware } from '#domain/encoders.ts';
import { type ErrorRecord, FerriteError, toErrorRecord } from '#domain/errors.ts';
import type { RenditionKey, SegmentName } from '#domain/rendition.ts';
import type { Burning } from '#workers/encoders/burning.ts';
import type { HardwareUse } from '#workers/encoders/hardware-use.ts';
import type { ChildProcess, SpawnerClient } from '#workers/programs/spawner-client.ts';
import type { RemuxCache } from '#workers/remux/remux-cache.ts';
import { requireUnchangedMedia } from '#workers/remux/unchanged-media.ts';
import { quickFramesOf } from './encoder-arguments.ts';
import { fedArguments, fedStart } from './fed-arguments.ts';
import { Feed } from './feed.ts';
import { ffmpegArguments } from './file-arguments.ts';
import { mendedInput } from './mended-input.ts';
import { pour } from './pour.ts';
import { SegmentReadiness, type SegmentSink } from './segment-readiness.ts';
import { startEncoder, type WarmEncoders } from './warm-encoders.ts';

/** `isBegun`: the segment's first chunk went ahead. */
export type Publish = (segment: { key: RenditionKey; name: SegmentName; isBegun: boolean; bytes: Buffer }) => void;
export type PublishChunk = (chunk: { key: RenditionKey; index: number; bytes: Buffer }) => void;

export type FfmpegLog = (message: string, detail: Record<string, unknown>) => void;

/**
 * The next encoder is started so many segments after this one's first. Sound is done long before
 * the picture beside it, which the start of another process would hold up.
 */
const REFILL_AFTER = { picture: 0, sound: 2 };

/** Frames are told of no more often: often enough as a sign of life. */
const SIGN_INTERVAL_MS = 1_000;

// SIGKILL on purpose: a terminated ffmpeg would first finish and flush its work.
const STOP_SIGNAL = 'SIGKILL';

export type FfmpegEffectOptions = {
  readonly spawner: SpawnerClient;
  readonly encoders: WarmEncoders;
  readonly remux: RemuxCache;
  readonly hardware: HardwareUse;
  /** Has the subtitles ready that a picture is encoded with. Absent: none are burned in. */
  readonly prepareBurning?: (job: EncodeJob, signal: AbortSignal) => Promise<Burning | null>;
  readonly ffmpegPath: string;
  readonly publish: Publish;
  readonly publishChunk: PublishChunk;
  readonly log: FfmpegLog;
};

/** Films that have a damaged place. */
const MAX_UNFED = 1_000;

export function ffmpegEffect(options: FfmpegEffectOptions): FfmpegEffect {
  /** Versions of films that could not be fed to their end: ffmpeg passes over what our reader can not read. */
  const unfed = new LRUCache<string, true>({ max: MAX_UNFED });
  return ({ input: job, sendBack, receive }) => {
    // What ffmpeg is told: the rendition's own encoder, or software in its place. Its segments are those of the rendition, whoever makes them.
    const made = { ...job, rendition: options.hardware.madeNow(job.rendition, job) };
    const use = { isFallback: job.isFallback ?? false, isByHardware: isForHardware(job) && made.rendition === job.rendition };
    let child: ChildProcess | null = null;
    let isStopped = false;
    let isHeld = false;
    let failure: ErrorRecord | null = null;

    const stopping = new AbortController();
    const stop = (): void => {
      isStopped = true;
      stopping.abort();
      child?.kill(STOP_SIGNAL);
      child?.socket.destroy();
      child?.second?.destroy();
    };
    let begunIndex: number | null = null;
    let signAtMs = Number.NEGATIVE_INFINITY;
    const sink = {
      onFrame: () => {
        if (performance.now() - signAtMs < SIGN_INTERVAL_MS) return;
        signAtMs = performance.now();
        sendBack({ type: 'frames.arrived' });
      },
      onInit: (bytes: Buffer) => options.publish({ key: job.key, name: 'init', isBegun: false, bytes }),
      onFirstChunk: (index: number, bytes: Buffer) => {
        begunIndex = index;
        options.publishChunk({ key: job.key, index, bytes });
      },
      onSegment: (index: number, bytes: Buffer) => {
        options.publish({ key: job.key, name: index, isBegun: index === begunIndex, bytes });
        if (index === job.firstIndex) options.hardware.made(job.rendition, use);
        sendBack({ type: 'segment.written', index });
        if (index === job.firstIndex + REFILL_AFTER[job.rendition.kind === 'audio-encode' ? 'sound' : 'picture']) refill();
        // Only an encode that reads the film by itself has a frame count to end by.
        if (index === job.lastIndex) stop();
      },
    } satisfies SegmentSink;
    const fail = (message: string, error: unknown): void => {
      failure = toErrorRecord(error);
      options.log(message, { err: error });
      stop();
    };
    const read = (step: () => void): void => {
      // Output of an ended run is never published.
      if (isStopped) return;
      try {
        step();
      } catch (error) {
        fail('the output of an encode could not be cut', error);
      }
    };
    const feedTo = (process: ChildProcess, bytes: AsyncIterable<Buffer>, header: Buffer | null): void => {
      pour(header ?? Buffer.alloc(0), bytes, process).catch(async error => {
        if (isStopped) return;
        fail('an encode could not be fed', header ? await passedOver(error) : error);
      });
    };
    /** What to tell of a failure to feed: where the film is still the one that was scanned, the next attempt has it read by ffmpeg. */
    const passedOver = async (error: unknown): Promise<unknown> => {
      if (!isOfFilm(error)) return error;
      try {
        await requireUnchangedMedia(job.media);
      } catch (cause) {
        return cause;
      }
      unfed.set(job.keyframes.version, true);
      return new FerriteError('ENCODE_FAILED', 'the film has a damaged place', { cause: error });
    };
    let refill = (): void => undefined;
    /** Lets its output come, or not. */
    let flow = (): void => undefined;
    const prepareBurning = async (): Promise<Burning | null> => {
      if (!options.prepareBurning || job.rendition.kind !== 'video-encode' || job.rendition.burned === undefined) return null;
      sendBack({ type: 'ffmpeg.preparing' });
      return options.prepareBurning(job, stopping.signal);
    };
    /** Starts the encoder on its input. Its output goes to the returned readiness. Null: the run was stopped before it began. */
    const start = async (): Promise<{ started: ChildProcess; readiness: SegmentReadiness } | null> => {
      await requireUnchangedMedia(job.media);
      const burning = await prepareBurning();
      if (isStopped) return null;
      sendBack({ type: 'ffmpeg.begun', isByHardware: use.isByHardware });
      const feed = unfed.has(job.keyframes.version) ? null : Feed.of(made, options.remux);
      const header = feed && !isStopped ? await feed.header() : null;
      if (isStopped) return null;
      if (!feed || !header) {
        const fileArgs = ffmpegArguments(made, burning);
        const own = await startEncoder(options.spawner, options.ffmpegPath, fileArgs);
        const bytes = mendedInput(job);
        if (bytes) feedTo(own, bytes, null);
        return { started: own, readiness: new SegmentReadiness(job, sink, { quickFrames: own.second ? quickFramesOf(made) : 0 }) };
      }
      const args = fedArguments(feed.rendition, made);
      // Whatever this one is: the next that is waited for begins quickly.
      refill = () => options.encoders.prepare(fedArguments(feed.rendition));
      const started = await options.encoders.take(args);
      feedTo(started, feed.fragments(header), header);
      return { started, readiness: new SegmentReadiness(job, sink, { start: fedStart(feed.rendition), quickFrames: quickFramesOf(made) }) };
    };
    const run = async (): Promise<void> => {
      const begun = await start();
      if (!begun) return sendBack({ type: 'ffmpeg.exited' });
      const { started, readiness } = begun;
      child = started;
      if (isStopped) stop();
      let hasEnded = false;
      let isQuickOver = started.second === null;
      started.socket.once('end', () => {
        hasEnded = true;
      });
      started.socket.on('data', (chunk: Buffer) => read(() => readiness.push(chunk)));
      flow = () => {
        started.second?.[isHeld ? 'pause' : 'resume']();
        // What comes after the quick encoder's frames waits in ffmpeg until they have come.
        started.socket[isHeld || !(readiness.isQuickComplete || isQuickOver) ? 'pause' : 'resume']();
      };
      started.second?.on('data', (chunk: Buffer) => {
        const wasComplete = readiness.isQuickComplete;
        read(() => readiness.pushQuick(chunk));
        if (readiness.isQuickComplete !== wasComplete) flow();
      });
      started.second?.once('close', () => {
        isQuickOver = true;
        flow();
      });
      flow();
      const closed = [started.socket, ...(started.second ? [started.second] : [])].map(gone);
      const [exit] = await Promise.all([started.exited, ...closed]);
      // A killed or failed run leaves a part of a segment behind: it is not published.
      if (hasEnded && exit.exitCode === 0) read(() => readiness.end());
      // A run that was stopped before its first segment has used up a waiting encoder too.
      refill();
      const isClean = exit.exitCode === 0 && failure === null;
      if (isStopped && failure === null) return sendBack({ type: 'ffmpeg.exited' });
      if (isClean) return sendBack({ type: 'ffmpeg.exited' });
      options.log('ffmpeg failed', { exitCode: exit.exitCode, signal: exit.signal, stderr: exit.stderrTail.slice(-2_000) });
      sendBack({ type: 'ffmpeg.failed', error: failure ?? { code: 'ENCODE_FAILED', message: 'the transcoder ended with an error' } });
    };

    receive(command => {
      switch (command.type) {
        case 'ffmpeg.stop':
          return stop();
        case 'ffmpeg.hold':
          isHeld = true;
          return flow();
        case 'ffmpeg.resume':
          isHeld = false;
          return flow();
      }
    });
    run().catch(error => sendBack({ type: 'ffmpeg.failed', error: toErrorRecord(error) }));
    return stop;
  };
}

/** Not: of the encoder that was fed, of its start, or of a machine that has no more files to give. */
function isOfFilm(error: unknown): boolean {
  if (error instanceof FerriteError) return error.code.startsWith('MEDIA_');
  return !(error instanceof Error && 'syscall' in error && error.syscall !== 'read');
}

const isForHardware = ({ rendition }: EncodeJob): boolean => rendition.kind === 'video-encode' && isHardware(rendition);

const gone = (socket: Socket): Promise<void> =>
  socket.closed ? Promise.resolve() : new Promise(resolve => socket.once('close', () => resolve()));
