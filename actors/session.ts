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
  /** What its viewer asked for last. */
  readonly viewerIndex: number;
  readonly limitIndex: number;
};

/**
 * A slot whose encode was started a moment ago: until it has been quiet for a while, another seek ends that encode at once, and only
 * the newest wish is kept to be started afterwards.
 */
type Scrub = { readonly kept: EncodeJob | null };

/** How many segments encodes may run ahead of their viewer at the moment. */
export type Window = { readonly picture: number; readonly sound: number };

type Context = {
  readonly record: SessionRecord;
  readonly window: Window;
  readonly positionMs: number;
  readonly rungId: string | null;
  /** The run that serves each slot. Superseded runs are no longer here: they only finish dying. */
  readonly runs: Readonly<Record<string, Run>>;
  readonly scrubs: Readonly<Record<string, Scrub>>;
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
  /** Any run brings the init segment: `job` only says where to start when there is none. */
  readonly isInit: boolean;
};

type Event =
  | SegmentWanted
  /** Those who waited for segments of that slot have all gone away. */
  | { readonly type: 'segment.withdrawn'; readonly slot: string }
  /** A later seek in the slot came to what is kept already. */
  | { readonly type: 'wish.overtaken'; readonly slot: string }
  | { readonly type: 'slot.quiet'; readonly slot: string }
  | { readonly type: 'scrub.due'; readonly slot: string }
  | { readonly type: 'segment.served'; readonly slot: string; readonly rungId: string | null; readonly index: number }
  /** What that run would write next is kept already: it is not needed any more. */
  | { readonly type: 'run.covered'; readonly actorId: string }
  /** Others need the machine more than encodes that are far ahead, or do not any longer. */
  | { readonly type: 'window.resized'; readonly window: Window }
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
  | { readonly type: 'run.ended'; readonly run: Run; readonly error: ErrorRecord | null }
  /** A seek too soon after another: it starts when the slot is quiet, unless a later one takes its place. */
  | { readonly type: 'wish.kept'; readonly job: EncodeJob }
  /** What was kept is of no use any more. */
  | { readonly type: 'wish.dropped'; readonly job: EncodeJob };

type Input = { readonly record: SessionRecord; readonly window: Window };

export const videoSlot = (rungId: string): string => `video:${rungId}`;
export const audioSlot = (track: number): string => `audio:${track}`;
const isAudio = (slot: string): boolean => slot.startsWith('audio:');
const windowOf = ({ picture, sound }: Window, slot: string): number => (isAudio(slot) ? sound : picture);

/** How many segments past the next one a viewer rather waits for a running encode than starts another (about what a start costs). */
export const REACH_SEGMENTS = 2;

const isAbout = (job: EncodeJob, firstIndex: number): boolean =>
  job.firstIndex >= firstIndex && job.firstIndex <= firstIndex + REACH_SEGMENTS;

const without = <T>(entries: Readonly<Record<string, T>>, slot: string): Record<string, T> =>
  Object.fromEntries(Object.entries(entries).filter(([name]) => name !== slot));

const quietTimer = (slot: string): string => `quiet ${slot}`;
const dueTimer = (slot: string): string => `due ${slot}`;

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
      if (rungId === null || rungId === context.rungId) return;
      // The ladder comes with the first rung: thousands of sessions play directly and never ask for one.
      if (context.rungId === null) enqueue.spawnChild('ladder', { id: 'ladder' });
      enqueue.assign({ rungId });
      enqueue.sendTo('ladder', { type: 'rung.requested', rungId });
    }),
    moveWindow: enqueueActions(({ context, enqueue }, { slot, index }: { slot: string; index: number }) => {
      const run = context.runs[slot];
      const limitIndex = index + windowOf(context.window, slot);
      // A viewer who watches what is cached far ahead is no reason to encode everything up to there.
      if (!run || index > run.nextIndex + REACH_SEGMENTS || index <= run.viewerIndex) return;
      const moved = { ...run, viewerIndex: index, limitIndex };
      enqueue.assign({ runs: { ...context.runs, [slot]: moved } });
      enqueue.sendTo(({ self }) => childOf(self.getSnapshot().children, run), { type: 'window.moved', limitIndex });
      enqueue.emit({ type: 'run.progressed', run: moved });
    }),
    resizeWindow: enqueueActions(({ context, enqueue }, { window }: { window: Window }) => {
      const runs = Object.values(context.runs).map(run => ({ ...run, limitIndex: run.viewerIndex + windowOf(window, run.slot) }));
      enqueue.assign({ window, runs: Object.fromEntries(runs.map(run => [run.slot, run])) });
      for (const run of runs) {
        enqueue.sendTo(({ self }) => childOf(self.getSnapshot().children, run), { type: 'window.moved', limitIndex: run.limitIndex });
        enqueue.emit({ type: 'run.progressed', run });
      }
    }),
    supersede: enqueueActions(({ context, enqueue }, { slot, cause }: { slot: string; cause: 'seek' | 'switch' }) => {
      const run = context.runs[slot];
      if (!run) return;
      enqueue.assign({ runs: without(context.runs, slot) });
      enqueue.sendTo(({ self }) => childOf(self.getSnapshot().children, run), { type: 'encode.stop' });
      enqueue.emit({ type: 'run.superseded', run, cause });
    }),
    // Changing the language gives the old track's encoder back.
    retireOtherAudio: enqueueActions(({ context, enqueue }, { slot }: { slot: string }) => {
      if (!isAudio(slot)) return;
      const isOther = (other: string): boolean => isAudio(other) && other !== slot;
      for (const [other, { kept }] of Object.entries(context.scrubs)) {
        if (!isOther(other)) continue;
        enqueue.assign(({ context: now }) => ({ scrubs: without(now.scrubs, other) }));
        if (kept) enqueue.emit({ type: 'wish.dropped', job: kept });
      }
      const retired = Object.values(context.runs).filter(run => isOther(run.slot));
      if (retired.length === 0) return;
      enqueue.assign({ runs: Object.fromEntries(Object.entries(context.runs).filter(([, run]) => !retired.includes(run))) });
      for (const run of retired) {
        enqueue.sendTo(({ self }) => childOf(self.getSnapshot().children, run), { type: 'encode.stop' });
        enqueue.emit({ type: 'run.superseded', run, cause: 'switch' });
      }
    }),
    startRun: enqueueActions(({ context, enqueue }, { slot, job }: { slot: string; job: EncodeJob | null }) => {
      if (job === null) return;
      const { firstIndex } = job;
      const limitIndex = firstIndex + windowOf(context.window, slot);
      const run: Run = { actorId: `encode-${context.runsStarted}`, slot, job, nextIndex: firstIndex, viewerIndex: firstIndex, limitIndex };
      enqueue.spawnChild('encode', { id: run.actorId, input: { job, actorId: run.actorId, limitIndex } });
      enqueue.assign({ runs: { ...context.runs, [slot]: run }, runsStarted: context.runsStarted + 1, runsAlive: context.runsAlive + 1 });
      enqueue.emit({ type: 'run.started', run });
    }),
    // Each start opens the slot's scrub anew; the first seek after a quiet moment finds none and starts at once.
    openScrub: enqueueActions(({ context, enqueue }, { slot }: { slot: string }) => {
      enqueue.assign({ scrubs: { ...context.scrubs, [slot]: { kept: null } } });
      enqueue.cancel(dueTimer(slot));
      enqueue.raise({ type: 'scrub.due', slot }, { id: dueTimer(slot), delay: 'scrubInterval' });
    }),
    // Anew: a quiet moment is one without seeks, not one without encodes.
    awaitQuiet: enqueueActions(({ enqueue }, { slot }: { slot: string }) => {
      enqueue.cancel(quietTimer(slot));
      enqueue.raise({ type: 'slot.quiet', slot }, { id: quietTimer(slot), delay: 'quietDelay' });
    }),
    keepWish: enqueueActions(({ context, enqueue }, { slot, job }: { slot: string; job: EncodeJob }) => {
      enqueue.assign({ scrubs: { ...context.scrubs, [slot]: { kept: job } } });
      enqueue.emit({ type: 'wish.kept', job });
    }),
    // The scrub goes on: what follows is still too soon.
    withdrawWish: assign({ scrubs: ({ context }, { slot }: { slot: string }) => ({ ...context.scrubs, [slot]: { kept: null } }) }),
    dropWish: enqueueActions(({ context, enqueue }, { slot }: { slot: string }) => {
      const kept = context.scrubs[slot]?.kept;
      if (kept) enqueue.emit({ type: 'wish.dropped', job: kept });
    }),
    closeScrub: assign({ scrubs: ({ context }, { slot }: { slot: string }) => without(context.scrubs, slot) }),
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
      const run: Run = known ?? { actorId, slot: '', job, nextIndex, viewerIndex: nextIndex, limitIndex: nextIndex };
      if (known) {
        // What follows the end of its work is no seek.
        enqueue.assign({ runs: without(context.runs, known.slot), scrubs: without(context.scrubs, known.slot) });
      }
      enqueue.assign({ runsAlive: context.runsAlive - 1 });
      enqueue(stopChild(actorId));
      enqueue.emit({ type: 'run.ended', run, error });
    }),
    // It stays among the runs until it has ended, as if its work were done: those who wait for what comes later ask again then.
    endCovered: enqueueActions(({ context, enqueue }, { actorId }: { actorId: string }) => {
      const run = Object.values(context.runs).find(known => known.actorId === actorId);
      if (run) enqueue.sendTo(({ self }) => childOf(self.getSnapshot().children, run), { type: 'encode.stop' });
    }),
    stopRuns: enqueueActions(({ self, enqueue }) => {
      for (const id of Object.keys(self.getSnapshot().children)) {
        if (id !== 'ladder')
          enqueue.sendTo(() => self.getSnapshot().children[id] as ActorRefFrom<typeof encodeMachine>, { type: 'encode.stop' });
      }
    }),
  },
  guards: {
    isCovered: ({ context }, { slot, job, isInit }: SegmentWanted) => {
      const run = context.runs[slot];
      return run !== undefined && (isAbout(job, run.nextIndex) || (isInit && run.nextIndex === run.job.firstIndex));
    },
    isKept: ({ context }, { slot, job, isInit }: SegmentWanted) => {
      const kept = context.scrubs[slot]?.kept;
      return kept !== null && kept !== undefined && (isInit || isAbout(job, kept.firstIndex));
    },
    isScrubbing: ({ context }, { slot }: { slot: string }) => context.scrubs[slot] !== undefined,
    hasKeptWish: ({ context }, { slot }: { slot: string }) => (context.scrubs[slot]?.kept ?? null) !== null,
    hasNoRuns: ({ context }) => context.runsAlive === 0,
  },
  delays: {
    /** Seeks that follow each other faster than this are a scrub: dragging, a held key. */
    quietDelay: 200,
    /** While a scrub goes on, one encode is started this often: hardly anybody sees what it makes, but nobody starves. */
    scrubInterval: 2_500,
  },
}).createMachine({
  id: 'session',
  context: ({ input }) => ({
    ...input,
    positionMs: input.record.startPositionMs,
    rungId: null,
    runs: {},
    scrubs: {},
    runsStarted: 0,
    runsAlive: 0,
  }),
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
          { guard: { type: 'isKept', params: ({ event }) => event }, actions: { type: 'noteRung', params: ({ event }) => event } },
          {
            guard: { type: 'isScrubbing', params: ({ event }) => event },
            actions: [
              { type: 'noteRung', params: ({ event }) => event },
              { type: 'retireOtherAudio', params: ({ event }) => event },
              { type: 'supersede', params: ({ event }) => ({ slot: event.slot, cause: 'seek' as const }) },
              { type: 'keepWish', params: ({ event }) => event },
              { type: 'awaitQuiet', params: ({ event }) => event },
            ],
          },
          {
            actions: [
              { type: 'noteRung', params: ({ event }) => event },
              { type: 'retireOtherAudio', params: ({ event }) => event },
              { type: 'supersede', params: ({ event }) => ({ slot: event.slot, cause: 'seek' as const }) },
              { type: 'startRun', params: ({ event }) => event },
              { type: 'openScrub', params: ({ event }) => event },
              { type: 'awaitQuiet', params: ({ event }) => event },
            ],
          },
        ],
        'segment.withdrawn': {
          guard: { type: 'hasKeptWish', params: ({ event }) => event },
          actions: { type: 'withdrawWish', params: ({ event }) => event },
        },
        'wish.overtaken': {
          guard: { type: 'isScrubbing', params: ({ event }) => event },
          actions: [
            { type: 'dropWish', params: ({ event }) => event },
            { type: 'withdrawWish', params: ({ event }) => event },
            { type: 'awaitQuiet', params: ({ event }) => event },
          ],
        },
        'slot.quiet': [
          {
            guard: { type: 'hasKeptWish', params: ({ event }) => event },
            actions: [
              { type: 'startRun', params: ({ context, event }) => ({ slot: event.slot, job: context.scrubs[event.slot]?.kept ?? null }) },
              { type: 'openScrub', params: ({ event }) => event },
              { type: 'awaitQuiet', params: ({ event }) => event },
            ],
          },
          { actions: { type: 'closeScrub', params: ({ event }) => event } },
        ],
        'scrub.due': {
          guard: { type: 'hasKeptWish', params: ({ event }) => event },
          actions: [
            { type: 'startRun', params: ({ context, event }) => ({ slot: event.slot, job: context.scrubs[event.slot]?.kept ?? null }) },
            { type: 'openScrub', params: ({ event }) => event },
            { type: 'awaitQuiet', params: ({ event }) => event },
          ],
        },
        'segment.served': {
          actions: [
            { type: 'noteRung', params: ({ event }) => event },
            { type: 'retireOtherAudio', params: ({ event }) => event },
            { type: 'moveWindow', params: ({ event }) => event },
          ],
        },
        'run.covered': { actions: { type: 'endCovered', params: ({ event }) => event } },
        'window.resized': { actions: { type: 'resizeWindow', params: ({ event }) => event } },
        'rung.retired': {
          actions: [
            { type: 'supersede', params: ({ event }) => ({ slot: videoSlot(event.rungId), cause: 'switch' as const }) },
            { type: 'dropWish', params: ({ event }) => ({ slot: videoSlot(event.rungId) }) },
            { type: 'closeScrub', params: ({ event }) => ({ slot: videoSlot(event.rungId) }) },
          ],
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
