// The ffmpeg effect: one process, its output cut into segments, its end told exactly once.
import type { FfmpegEffect } from '#actors/effects.ts';
import { type ErrorRecord, toErrorRecord } from '#domain/errors.ts';
import type { RenditionKey, SegmentName } from '#domain/rendition.ts';
import { ffmpegArguments } from './ffmpeg.ts';
import { SegmentReadiness } from './segment-readiness.ts';
import type { ChildProcess, SpawnerClient } from './spawner-client.ts';
import { requireUnchangedMedia } from './unchanged-media.ts';

export type Publish = (segment: { key: RenditionKey; name: SegmentName; bytes: Buffer }) => void;

export type FfmpegLog = (message: string, detail: Record<string, unknown>) => void;

// SIGKILL on purpose: a terminated ffmpeg would finish and flush work that nobody wants.
const STOP_SIGNAL = 'SIGKILL';

export function ffmpegEffect(options: { spawner: SpawnerClient; ffmpegPath: string; publish: Publish; log: FfmpegLog }): FfmpegEffect {
  return ({ input: job, sendBack, receive }) => {
    let child: ChildProcess | null = null;
    let isStopped = false;
    let isHeld = false;
    let failure: ErrorRecord | null = null;

    const stop = (): void => {
      isStopped = true;
      child?.kill(STOP_SIGNAL);
      child?.socket.destroy();
    };
    const readiness = new SegmentReadiness(job, {
      onInit: bytes => options.publish({ key: job.key, name: 'init', bytes }),
      onSegment: (index, bytes) => {
        options.publish({ key: job.key, name: index, bytes });
        sendBack({ type: 'segment.written', index });
        // A copy has no frame count to end by.
        if (index === job.lastIndex) stop();
      },
    });
    const read = (step: () => void): void => {
      // Output of an ended run is never published.
      if (isStopped) return;
      try {
        step();
      } catch (error) {
        failure = toErrorRecord(error);
        options.log('the output of an encode could not be cut', { err: error });
        stop();
      }
    };
    const run = async (): Promise<void> => {
      await requireUnchangedMedia(job.media);
      const started = await options.spawner.run(options.ffmpegPath, ffmpegArguments(job));
      child = started;
      if (isStopped) stop();
      started.socket.on('data', (chunk: Buffer) => read(() => readiness.push(chunk)));
      let hasEnded = false;
      started.socket.once('end', () => {
        hasEnded = true;
      });
      if (isHeld) started.socket.pause();
      const closed = new Promise<void>(resolve => started.socket.once('close', () => resolve()));
      const [exit] = await Promise.all([started.exited, closed]);
      // What a killed or failed run leaves behind is a part of a segment, not a segment.
      if (hasEnded && exit.exitCode === 0) read(() => readiness.end());
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
          child?.socket.pause();
          return;
        case 'ffmpeg.resume':
          isHeld = false;
          child?.socket.resume();
          return;
      }
    });
    run().catch(error => sendBack({ type: 'ffmpeg.failed', error: toErrorRecord(error) }));
    return stop;
  };
}
