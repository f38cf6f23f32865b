// One viewer watching one media: owns its encodes and the ladder, and ends them when it ends.
import { type ActorRefFrom, type AnyActorRef, assign, enqueueActions, setup, stopChild } from 'xstate';
import type { ErrorRecord } from '#domain/errors.ts';
import type { PlaybackState, SessionRecord } from '#domain/session.ts';
import type { EncodeJob } from './effects.ts';
import type { EncodeOutput, EncodeProgress, encode as encodeMachine } from './encode.ts';
import type { ladder as ladderMachine, RungRetired } from './ladder.ts';

/** One encode of this session: `slot` names the rendition it serves, `actorId` the run. */
export type Run = {
  readonly actorId: string;
  readonly slot: string;
  readonly job: EncodeJob;
  readonly nextIndex: number;
  readonly limitIndex: number;
};

type Context = {
  readonly record: SessionRecord;
  readonly windowSegments: number;
  readonly positionMs: number;
  readonly rungId: string | null;
  /** The run that serves each slot. Superseded runs are no longer here: they only finish dying. */
  readonly runs: Readonly<Record<string, Run>>;
  readonly runsStarted: number;
  /** Runs whose process may still be there, superseded ones too. */
  readonly runsAlive: number;
};

/** `job` starts at the wanted segment; used only when no running encode is about to reach it. */
export type SegmentWanted = {
  readonly type: 'segment.wanted';
  readonly slot: string;
  readonly rungId: string | null;
  readonly job: EncodeJob;
};

type Event =
  | SegmentWanted
  | { readonly type: 'segment.served'; readonly slot: string; readonly rungId: string | null; readonly index: number }
  | { readonly type: 'session.heartbeat'; readonly positionMs: number; readonly state: PlaybackState }
  | { readonly type: 'session.stop' }
  /** Nobody has been heard of for the time of a lease. */
  | { readonly type: 'session.expire' }
  | EncodeProgress
  | RungRetired
  | { readonly type: `xstate.done.actor.${string}`; readonly output: EncodeOutput };

export type SessionEmitted =
  | { readonly type: 'run.started'; readonly run: Run }
  | { readonly type: 'run.progressed'; readonly run: Run }
  /** `seek`: a new run of the same slot takes its place at once; `switch`: nobody watches that rung any more. */
  | { readonly type: 'run.superseded'; readonly run: Run; readonly cause: 'seek' | 'switch' }
  | { readonly type: 'run.ended'; readonly run: Run; readonly error: ErrorRecord | null };

type Input = { readonly record: SessionRecord; readonly windowSegments: number };

export const videoSlot = (rungId: string): string => `video:${rungId}`;
export const audioSlot = (track: number): string => `audio:${track}`;
const isAudio = (slot: string): boolean => slot.startsWith('audio:');

/** How many segments past the next one a viewer rather waits for a running encode than starts another (about what a start costs). */
export const REACH_SEGMENTS = 2;

/** XState knows the children by name only as far as they are declared; ours are spawned under numbers. */
const childOf = (children: Record<string, AnyActorRef | undefined>, { actorId }: Run): ActorRefFrom<typeof encodeMachine> =>
  children[actorId] as ActorRefFrom<typeof encodeMachine>;

export const session = setup({
  types: {
    input: {} as Input,
    context: {} as Context,
    events: {} as Event,
    emitted: {} as SessionEmitted,
    children: {} as { ladder: 'ladder' },
  },
  actors: {
    encode: {} as typeof encodeMachine,
    ladder: {} as typeof ladderMachine,
  },
  actions: {
    recordPosition: assign({ positionMs: (_, params: { positionMs: number }) => params.positionMs }),
    noteRung: enqueueActions(({ context, enqueue }, { rungId }: { rungId: string | null }) => {
      if (rungId === null) return;
      enqueue.assign({ rungId });
      if (context.rungId !== rungId) enqueue.sendTo('ladder', { type: 'rung.requested', rungId });
    }),
    moveWindow: enqueueActions(({ context, enqueue }, { slot, index }: { slot: string; index: number }) => {
      const run = context.runs[slot];
      const limitIndex = index + context.windowSegments;
      // A viewer who watches what is cached far ahead is no reason to encode everything up to there.
      if (!run || index > run.nextIndex + REACH_SEGMENTS || limitIndex <= run.limitIndex) return;
      enqueue.assign({ runs: { ...context.runs, [slot]: { ...run, limitIndex } } });
      enqueue.sendTo(({ self }) => childOf(self.getSnapshot().children, run), { type: 'window.moved', limitIndex });
    }),
    supersede: enqueueActions(({ context, enqueue }, { slot, cause }: { slot: string; cause: 'seek' | 'switch' }) => {
      const run = context.runs[slot];
      if (!run) return;
      const { [slot]: _superseded, ...others } = context.runs;
      enqueue.assign({ runs: others });
      enqueue.sendTo(({ self }) => childOf(self.getSnapshot().children, run), { type: 'encode.stop' });
      enqueue.emit({ type: 'run.superseded', run, cause });
    }),
    // Changing the language gives the old track's encoder back.
    retireOtherAudio: enqueueActions(({ context, enqueue }, { slot }: { slot: string }) => {
      if (!isAudio(slot)) return;
      const retired = Object.values(context.runs).filter(run => isAudio(run.slot) && run.slot !== slot);
      if (retired.length === 0) return;
      enqueue.assign({ runs: Object.fromEntries(Object.entries(context.runs).filter(([, run]) => !retired.includes(run))) });
      for (const run of retired) {
        enqueue.sendTo(({ self }) => childOf(self.getSnapshot().children, run), { type: 'encode.stop' });
        enqueue.emit({ type: 'run.superseded', run, cause: 'switch' });
      }
    }),
    startRun: enqueueActions(({ context, enqueue }, { slot, job }: { slot: string; job: EncodeJob }) => {
      const limitIndex = job.firstIndex + context.windowSegments;
      const run: Run = { actorId: `encode-${context.runsStarted}`, slot, job, nextIndex: job.firstIndex, limitIndex };
      enqueue.spawnChild('encode', { id: run.actorId, input: { job, actorId: run.actorId, limitIndex } });
      enqueue.assign({ runs: { ...context.runs, [slot]: run }, runsStarted: context.runsStarted + 1, runsAlive: context.runsAlive + 1 });
      enqueue.emit({ type: 'run.started', run });
    }),
    progress: enqueueActions(({ context, enqueue }, { actorId, nextIndex }: { actorId: string; nextIndex: number }) => {
      const known = Object.values(context.runs).find(run => run.actorId === actorId);
      if (!known) return;
      const run = { ...known, nextIndex };
      enqueue.assign({ runs: { ...context.runs, [run.slot]: run } });
      enqueue.emit({ type: 'run.progressed', run });
      const { rendition } = run.job;
      if ('rungId' in rendition) enqueue.sendTo('ladder', { type: 'rung.ready', rungId: rendition.rungId });
    }),
    endRun: enqueueActions(({ context, enqueue }, { actorId, job, error, nextIndex }: EncodeOutput) => {
      const known = Object.values(context.runs).find(run => run.actorId === actorId);
      const run: Run = known ?? { actorId, slot: '', job, nextIndex, limitIndex: nextIndex };
      if (known) {
        const { [known.slot]: _ended, ...others } = context.runs;
        enqueue.assign({ runs: others });
      }
      enqueue.assign({ runsAlive: context.runsAlive - 1 });
      enqueue(stopChild(actorId));
      enqueue.emit({ type: 'run.ended', run, error });
    }),
    stopRuns: enqueueActions(({ self, enqueue }) => {
      for (const id of Object.keys(self.getSnapshot().children)) {
        if (id !== 'ladder')
          enqueue.sendTo(() => self.getSnapshot().children[id] as ActorRefFrom<typeof encodeMachine>, { type: 'encode.stop' });
      }
    }),
  },
  guards: {
    isCovered: ({ context }, { slot, job }: { slot: string; job: EncodeJob }) => {
      const run = context.runs[slot];
      return run !== undefined && job.firstIndex >= run.nextIndex && job.firstIndex <= run.nextIndex + REACH_SEGMENTS;
    },
    hasNoRuns: ({ context }) => context.runsAlive === 0,
  },
}).createMachine({
  id: 'session',
  context: ({ input }) => ({ ...input, positionMs: input.record.startPositionMs, rungId: null, runs: {}, runsStarted: 0, runsAlive: 0 }),
  invoke: { id: 'ladder', src: 'ladder' },
  on: {
    'encode.progressed': { actions: { type: 'progress', params: ({ event }) => event } },
    'xstate.done.actor.*': { actions: { type: 'endRun', params: ({ event }) => event.output } },
  },
  initial: 'watching',
  states: {
    watching: {
      initial: 'ready',
      on: {
        'session.heartbeat': [
          {
            guard: ({ event }) => event.state === 'playing',
            target: '.playing',
            actions: { type: 'recordPosition', params: ({ event }) => event },
          },
          {
            guard: ({ event }) => event.state === 'paused',
            target: '.paused',
            actions: { type: 'recordPosition', params: ({ event }) => event },
          },
          { target: '.buffering', actions: { type: 'recordPosition', params: ({ event }) => event } },
        ],
        'segment.wanted': [
          {
            guard: { type: 'isCovered', params: ({ event }) => event },
            actions: [
              { type: 'noteRung', params: ({ event }) => event },
              { type: 'moveWindow', params: ({ event }) => ({ slot: event.slot, index: event.job.firstIndex }) },
            ],
          },
          {
            actions: [
              { type: 'noteRung', params: ({ event }) => event },
              { type: 'retireOtherAudio', params: ({ event }) => event },
              { type: 'supersede', params: ({ event }) => ({ slot: event.slot, cause: 'seek' as const }) },
              { type: 'startRun', params: ({ event }) => event },
            ],
          },
        ],
        'segment.served': {
          actions: [
            { type: 'noteRung', params: ({ event }) => event },
            { type: 'retireOtherAudio', params: ({ event }) => event },
            { type: 'moveWindow', params: ({ event }) => event },
          ],
        },
        'rung.retired': {
          actions: { type: 'supersede', params: ({ event }) => ({ slot: videoSlot(event.rungId), cause: 'switch' as const }) },
        },
        'session.stop': '#session.stopping',
        'session.expire': '#session.expiring',
      },
      states: { ready: {}, playing: {}, paused: {}, buffering: {} },
    },
    // Both wait until every ffmpeg of this session is gone.
    stopping: { entry: 'stopRuns', always: { guard: 'hasNoRuns', target: 'stopped' } },
    expiring: { entry: 'stopRuns', always: { guard: 'hasNoRuns', target: 'expired' } },
    stopped: { type: 'final' },
    expired: { type: 'final' },
  },
});
