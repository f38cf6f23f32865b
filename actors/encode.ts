// One ffmpeg run that turns a stretch of a media into consecutive segments of one rendition, at most its lead ahead of its viewer.
import { assign, sendParent, sendTo, setup } from 'xstate';
import { type EncodePosition, isAtLimit, isComplete } from '#domain/encode-position.ts';
import { isHardware } from '#domain/encoders.ts';
import type { ErrorCode, ErrorRecord } from '#domain/errors.ts';
import { type EncodeJob, type FfmpegEvent, ffmpeg } from './effects.ts';

/** The segment that the viewer asked for last, and the last one that the encode may make ahead of it. */
export type Viewing = Pick<EncodePosition, 'viewerIndex' | 'limitIndex'>;

type Input = { readonly job: EncodeJob; readonly actorId: string; readonly limitIndex: number };
type Context = Omit<Input, 'limitIndex'> & {
  /** How far this encode has come. Kept nowhere else. */
  readonly position: EncodePosition;
  readonly attempts: number;
  readonly error: ErrorRecord | null;
  /** Hardware has failed: the rest is made without. */
  readonly isFallback: boolean;
  /** What this run is made by: software stands in for a device that rests. */
  readonly isByHardware: boolean;
  /** How often the run was put off, because what it needs was not ready. */
  readonly postponements: number;
};
type Event = FfmpegEvent | ({ readonly type: 'lead.moved' } & Viewing) | { readonly type: 'encode.stop' };
export type EncodeOutput = {
  readonly actorId: string;
  readonly job: EncodeJob;
  readonly error: ErrorRecord | null;
};

/** Told to the session after each segment. */
export type EncodeProgress = { readonly type: 'encode.progressed'; readonly actorId: string };

const MAX_ATTEMPTS = 3;
/** Each after it was waited for some seconds. */
const MAX_POSTPONEMENTS = 8;

const STALLED: ErrorRecord = { code: 'ENCODE_STALLED', message: 'the transcoder brought nothing for a while and did not end either' };
const UNPREPARED: ErrorRecord = { code: 'SUBTITLES_PENDING', message: 'the film is still being read for its subtitles' };

/** Faults of the file: another attempt fails the same way. */
const HOPELESS: readonly ErrorCode[] = ['MEDIA_CHANGED', 'MEDIA_UNREADABLE', 'MEDIA_UNSUPPORTED'];

/** What is left to be made. A viewer who has got something of it waits for none of the rest as for the first. */
function restOf({ job, position: { firstIndex, nextIndex }, isFallback }: Pick<Context, 'job' | 'position' | 'isFallback'>): EncodeJob {
  const rest = nextIndex > firstIndex ? { ...job, firstIndex: nextIndex, isFollowOn: true } : job;
  return isFallback ? { ...rest, isFallback } : rest;
}

const isForHardware = ({ rendition, isFallback = false }: EncodeJob): boolean =>
  rendition.kind === 'video-encode' && isHardware(rendition) && !isFallback;

export const encode = setup({
  types: {
    input: {} as Input,
    context: {} as Context,
    events: {} as Event,
    output: {} as EncodeOutput,
    children: {} as { ffmpeg: 'ffmpeg' },
  },
  actors: { ffmpeg },
  actions: {
    advance: assign({
      position: ({ context }, { index }: { index: number }) => ({ ...context.position, nextIndex: index + 1 }),
      attempts: 0,
    }),
    report: sendParent(({ context }): EncodeProgress => ({ type: 'encode.progressed', actorId: context.actorId })),
    moveLead: assign({
      position: ({ context }, { viewerIndex, limitIndex }: Viewing) => ({ ...context.position, viewerIndex, limitIndex }),
    }),
    // What hardware could not make is software's to make, which has all its attempts for that.
    recordFailure: assign(({ context }, error: ErrorRecord) =>
      context.isByHardware && !HOPELESS.includes(error.code)
        ? { isFallback: true, isByHardware: false, error }
        : { attempts: context.attempts + 1, error },
    ),
    prepare: assign({ isByHardware: false }),
    begin: assign((_, { isByHardware }: { isByHardware: boolean }) => ({ isByHardware, postponements: 0 })),
    postpone: assign(({ context }, error: ErrorRecord) => ({ postponements: context.postponements + 1, error })),
    stopFfmpeg: sendTo('ffmpeg', { type: 'ffmpeg.stop' }),
    holdFfmpeg: sendTo('ffmpeg', { type: 'ffmpeg.hold' }),
    resumeFfmpeg: sendTo('ffmpeg', { type: 'ffmpeg.resume' }),
  },
  guards: {
    isComplete: ({ context }) => isComplete(context.position),
    isAtLimit: ({ context }) => isAtLimit(context.position),
    isWithinLead: ({ context }) => !isAtLimit(context.position),
    // Nothing was tried yet, so nothing has failed.
    isPending: ({ context }, { code }: ErrorRecord) => code === 'SUBTITLES_PENDING' && context.postponements < MAX_POSTPONEMENTS,
    isStillPending: (_, { code }: ErrorRecord) => code === 'SUBTITLES_PENDING',
    canRetry: ({ context }) => context.attempts < MAX_ATTEMPTS && (context.error === null || !HOPELESS.includes(context.error.code)),
  },
  delays: {
    /** Without a single frame. Hardware brings its first within a second, and there is somebody to go on for it. */
    stallTimeout: ({ context }) => (context.isByHardware ? 5_000 : 15_000),
    /** Subtitles that are burned in are read from the whole film first. Whoever waits for a segment gives up sooner; the reading goes on for the next. */
    prepareTimeout: 120_000,
    postponement: 1_000,
    /** A killed process that has not ended by then hangs in the kernel: the encode no longer waits for its exit. */
    exitTimeout: 5_000,
    /**
     * The encoder of a paused viewer is given back: when the viewer comes back, the lead lasts until another encoder runs. Where
     * there is no lead, the viewer has gone over to another rung; this one is kept a little, in case both are read in turn.
     */
    holdTimeout: ({ context: { position } }) => (position.limitIndex > position.viewerIndex ? 15_000 : 5_000),
    retryDelay: ({ context }) => (context.attempts === 0 ? 0 : 100 * 4 ** (context.attempts - 1)),
  },
}).createMachine({
  id: 'encode',
  context: ({ input: { job, actorId, limitIndex } }) => {
    const { firstIndex, lastIndex } = job;
    const position = { firstIndex, nextIndex: firstIndex, lastIndex, viewerIndex: firstIndex, limitIndex };
    return { job, actorId, position, attempts: 0, error: null, isFallback: false, isByHardware: isForHardware(job), postponements: 0 };
  },
  initial: 'running',
  output: ({ context }) => ({ actorId: context.actorId, job: context.job, error: context.error }),
  states: {
    running: {
      invoke: { id: 'ffmpeg', src: 'ffmpeg', input: ({ context }) => restOf(context) },
      initial: 'writing',
      states: {
        writing: {
          always: { guard: 'isAtLimit', target: 'holding' },
          after: { stallTimeout: 'stalled' },
          on: {
            'segment.written': {
              target: 'writing',
              reenter: true,
              actions: [{ type: 'advance', params: ({ event }) => ({ index: event.index }) }, 'report'],
            },
            'frames.arrived': { target: 'writing', reenter: true },
            'ffmpeg.preparing': { target: 'preparing', actions: 'prepare' },
            'ffmpeg.begun': { target: 'writing', reenter: true, actions: { type: 'begin', params: ({ event }) => event } },
            'encode.stop': 'stopping',
          },
        },
        // No encoder runs yet, so none can stall.
        preparing: {
          after: { prepareTimeout: 'unprepared' },
          on: {
            'encode.stop': 'stopping',
            'ffmpeg.begun': { target: 'writing', actions: { type: 'begin', params: ({ event }) => event } },
          },
        },
        holding: {
          entry: 'holdFfmpeg',
          exit: 'resumeFfmpeg',
          always: { guard: 'isWithinLead', target: 'writing' },
          after: { holdTimeout: 'stopping' },
          on: {
            // Segments that ffmpeg had written before it was told to wait.
            'segment.written': { actions: [{ type: 'advance', params: ({ event }) => ({ index: event.index }) }, 'report'] },
            'ffmpeg.preparing': { target: 'preparing', actions: 'prepare' },
            'ffmpeg.begun': { actions: { type: 'begin', params: ({ event }) => event } },
            'encode.stop': 'stopping',
          },
        },
        unprepared: {
          entry: ['stopFfmpeg', assign({ error: UNPREPARED })],
          after: { exitTimeout: '#encode.failed' },
          on: { 'encode.stop': 'stopping', 'ffmpeg.exited': '#encode.failed', 'ffmpeg.failed': '#encode.failed' },
        },
        // `stopping` and `stalled` wait until the process is gone: leaving `running` sooner would orphan it.
        stopping: {
          entry: 'stopFfmpeg',
          after: { exitTimeout: '#encode.stopped' },
          on: { 'ffmpeg.exited': '#encode.stopped', 'ffmpeg.failed': '#encode.stopped' },
        },
        stalled: {
          entry: 'stopFfmpeg',
          after: {
            exitTimeout: [
              { guard: 'isComplete', target: '#encode.finished' },
              { target: '#encode.retrying', actions: { type: 'recordFailure', params: STALLED } },
            ],
          },
          on: { 'encode.stop': 'stopping' },
        },
      },
      on: {
        'lead.moved': { actions: { type: 'moveLead', params: ({ event }) => event } },
        'ffmpeg.exited': [
          { guard: 'isComplete', target: 'finished' },
          {
            target: 'retrying',
            actions: {
              type: 'recordFailure',
              params: { code: 'ENCODE_STALLED', message: 'the transcoder ended before its work was done' },
            },
          },
        ],
        'ffmpeg.failed': [
          { guard: 'isComplete', target: 'finished' },
          {
            guard: { type: 'isPending', params: ({ event }) => event.error },
            target: 'postponed',
            actions: { type: 'postpone', params: ({ event }) => event.error },
          },
          {
            guard: { type: 'isStillPending', params: ({ event }) => event.error },
            target: 'failed',
            actions: { type: 'postpone', params: ({ event }) => event.error },
          },
          { target: 'retrying', actions: { type: 'recordFailure', params: ({ event }) => event.error } },
        ],
      },
    },
    retrying: { always: [{ guard: 'canRetry', target: 'backingOff' }, { target: 'failed' }] },
    backingOff: {
      after: { retryDelay: 'running' },
      on: {
        'encode.stop': 'stopped',
        'lead.moved': { actions: { type: 'moveLead', params: ({ event }) => event } },
      },
    },
    postponed: {
      after: { postponement: 'running' },
      on: {
        'encode.stop': 'stopped',
        'lead.moved': { actions: { type: 'moveLead', params: ({ event }) => event } },
      },
    },
    finished: { type: 'final', entry: assign({ error: null }) },
    stopped: { type: 'final', entry: assign({ error: null }) },
    failed: { type: 'final' },
  },
});
