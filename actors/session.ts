// One viewer watching one media: owns its encodes and the ladder, and ends them when it ends.
import { assign, enqueueActions, setup, stopChild } from 'xstate';
import { slotOf } from '#domain/addresses.ts';
import { isAboutToBringInit, isAboutToReach, reachFrom } from '#domain/encode-position.ts';
import type { ErrorRecord } from '#domain/errors.ts';
import type { RenditionKey } from '#domain/rendition.ts';
import type { PlaybackState, SessionRecord } from '#domain/session.ts';
import type { EncodeJob } from './effects.ts';
import type { EncodeOutput, EncodeProgress, encode as encodeMachine } from './encode.ts';
import type { ladder as ladderMachine, RungRetired } from './ladder.ts';
import { type Lead, leadOf, positionOf, type Run, type Runs, runIn, runNamed } from './run.ts';

/**
 * A slot whose encode was started a moment ago: until it has been quiet for a while, another seek ends that encode at once, and only
 * the newest seek is kept to be started afterwards.
 */
type Scrub = { readonly pending: EncodeJob | null };

type End = { readonly key: RenditionKey; readonly nextIndex: number };

type Context = {
  readonly record: SessionRecord;
  readonly lead: Lead;
  readonly positionMs: number;
  readonly rungId: string | null;
  /** The run that serves each slot, the least lately asked for first. Superseded runs are no longer here: they only finish dying. */
  readonly runs: Runs;
  readonly scrubs: Readonly<Record<string, Scrub>>;
  /** Where the last run of a slot came to its end by itself, until another is started there. */
  readonly ends: Readonly<Record<string, End>>;
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
  /** Of a rung that nobody watches yet: it takes nothing's place, and is given up before anything else. */
  readonly isAhead: boolean;
};

type Event =
  | SegmentWanted
  /** No request waits for a segment of that slot any more. */
  | { readonly type: 'segment.withdrawn'; readonly slot: string }
  /** A later seek in the slot came to a segment that is kept already. */
  | { readonly type: 'seek.overtaken'; readonly slot: string }
  | { readonly type: 'slot.quiet'; readonly slot: string }
  | { readonly type: 'scrub.due'; readonly slot: string }
  | { readonly type: 'segment.sent'; readonly slot: string; readonly rungId: string | null; readonly index: number }
  /** The segment that the run would write next is kept already: the run is not needed any more. */
  | { readonly type: 'run.covered'; readonly actorId: string }
  /** Another run needs the room of this one, and no request waits for this one's segments. */
  | { readonly type: 'run.yielded'; readonly slot: string }
  /** Others need what the encodes of rungs take that nobody watches. */
  | { readonly type: 'ahead.ended' }
  /** The machine became crowded, so that encodes may run less far ahead, or is crowded no more. */
  | { readonly type: 'lead.changed'; readonly lead: Lead }
  | { readonly type: 'session.heartbeat'; readonly positionMs: number; readonly state: PlaybackState }
  | { readonly type: 'session.stop' }
  /** The lease ran out without a sign of life from the viewer. */
  | { readonly type: 'session.expire' }
  | EncodeProgress
  | RungRetired
  | { readonly type: `xstate.done.actor.${string}`; readonly output: EncodeOutput };

export type SessionEmitted =
  | { readonly type: 'run.started'; readonly run: Run }
  | { readonly type: 'run.progressed'; readonly run: Run }
  /** Another run replaces this one, or needs its room. */
  | { readonly type: 'run.superseded'; readonly run: Run }
  /** `run` is null for a run that was superseded before. */
  | { readonly type: 'run.ended'; readonly run: Run | null; readonly job: EncodeJob; readonly error: ErrorRecord | null }
  /** The pending seek's encode may start now: it is wanted again where the session has room for it. */
  | { readonly type: 'seek.due'; readonly slot: string; readonly job: EncodeJob };

type Input = { readonly record: SessionRecord; readonly lead: Lead };

const isAbout = (job: EncodeJob, nextIndex: number): boolean => isAboutToReach(reachFrom(nextIndex), job.firstIndex);

/** How many segments past the one last asked for are made of a rung that nobody watches yet. */
const AHEAD_LEAD = 1;

function isCovered(runs: Runs, { slot, job, isInit }: SegmentWanted): boolean {
  const run = runs[slot];
  if (!run) return false;
  const position = positionOf(run);
  return isAbout(job, position.nextIndex) || (isInit && isAboutToBringInit(position));
}

const without = <T>(entries: Readonly<Record<string, T>>, slot: string): Record<string, T> =>
  Object.fromEntries(Object.entries(entries).filter(([name]) => name !== slot));

/** Its viewer has what comes before: nobody waits for its first segment as for that of a start. */
const goesOn = (end: End | undefined, job: EncodeJob): boolean => end?.key === job.key && end.nextIndex === job.firstIndex;

const quietTimer = (slot: string): string => `quiet ${slot}`;
const dueTimer = (slot: string): string => `due ${slot}`;

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
    moveLead: enqueueActions(({ context, enqueue }, { slot, index, isAhead }: { slot: string; index: number; isAhead: boolean }) => {
      const run = context.runs[slot];
      if (!run) return;
      const { nextIndex, viewerIndex, limitIndex } = positionOf(run);
      // A viewer who watches cached segments far ahead is no reason to encode everything up to there.
      if (index > reachFrom(nextIndex).reachIndex) return;
      const hasLead = limitIndex > viewerIndex;
      if (isAhead && !run.isAhead && hasLead) return;
      const moved = { ...run, isAhead };
      enqueue.assign({ runs: { ...without(context.runs, slot), [slot]: moved } });
      if (index < viewerIndex || (index === viewerIndex && hasLead && run.isAhead === isAhead)) return;
      const lead = isAhead ? AHEAD_LEAD : leadOf(context.lead, slot);
      enqueue.sendTo(run.actor, { type: 'lead.moved', viewerIndex: index, limitIndex: index + lead });
      enqueue.emit({ type: 'run.progressed', run: moved });
    }),
    changeLead: enqueueActions(({ context, enqueue }, { lead }: { lead: Lead }) => {
      enqueue.assign({ lead });
      for (const run of Object.values(context.runs)) {
        const { viewerIndex, limitIndex } = positionOf(run);
        // A run without a lead makes a rung that its viewer has left, or has not begun to watch: it gets a lead when the viewer comes.
        if (limitIndex <= viewerIndex || run.isAhead) continue;
        enqueue.sendTo(run.actor, { type: 'lead.moved', viewerIndex, limitIndex: viewerIndex + leadOf(lead, run.slot) });
        enqueue.emit({ type: 'run.progressed', run });
      }
    }),
    // The run still makes what was asked for. When no more is asked for, its hold timeout ends it.
    endLead: enqueueActions(({ context, enqueue }, { slot }: { slot: string }) => {
      const run = context.runs[slot];
      if (!run) return;
      const { viewerIndex } = positionOf(run);
      enqueue.sendTo(run.actor, { type: 'lead.moved', viewerIndex, limitIndex: viewerIndex });
      enqueue.emit({ type: 'run.progressed', run });
    }),
    supersede: enqueueActions(({ context, enqueue }, { slot }: { slot: string }) => {
      const run = context.runs[slot];
      if (!run) return;
      enqueue.assign({ runs: without(context.runs, slot) });
      enqueue.sendTo(run.actor, { type: 'encode.stop' });
      enqueue.emit({ type: 'run.superseded', run });
    }),
    startRun: enqueueActions(({ context, enqueue }, { slot, job, isInit, isAhead }: Omit<SegmentWanted, 'type'>) => {
      const actorId = `encode-${context.runsStarted}`;
      // Players read the headers of rungs that they do not go on to watch: one segment is made with it, for those that do.
      const limitIndex = job.firstIndex + (isInit ? 0 : isAhead ? AHEAD_LEAD : leadOf(context.lead, slot));
      const input = { job: goesOn(context.ends[slot], job) ? { ...job, isFollowOn: true } : job, actorId, limitIndex };
      enqueue.assign(({ context: now, spawn }) => {
        const run: Run = { actorId, slot, job: input.job, isAhead, actor: spawn('encode', { id: actorId, input }) };
        const ends = without(now.ends, slot);
        return { ends, runs: { ...now.runs, [slot]: run }, runsStarted: now.runsStarted + 1, runsAlive: now.runsAlive + 1 };
      });
      enqueue.emit(({ context: now }) => ({ type: 'run.started', run: runIn(now.runs, slot) }));
    }),
    // Each start opens the slot's scrub anew; the first seek after a quiet moment finds no scrub and starts at once.
    openScrub: enqueueActions(({ context, enqueue }, { slot }: { slot: string }) => {
      enqueue.assign({ scrubs: { ...context.scrubs, [slot]: { pending: null } } });
      enqueue.cancel(dueTimer(slot));
      enqueue.raise({ type: 'scrub.due', slot }, { id: dueTimer(slot), delay: 'scrubInterval' });
    }),
    // The timer starts anew with each seek: a quiet moment is one without seeks.
    awaitQuiet: enqueueActions(({ enqueue }, { slot }: { slot: string }) => {
      enqueue.cancel(quietTimer(slot));
      enqueue.raise({ type: 'slot.quiet', slot }, { id: quietTimer(slot), delay: 'quietDelay' });
    }),
    setSeekAside: assign({
      scrubs: ({ context }, { slot, job }: { slot: string; job: EncodeJob }) => ({ ...context.scrubs, [slot]: { pending: job } }),
    }),
    // Whether there is room for the encode is not known here: another rung's may have started since the seek was set aside.
    releaseSeek: enqueueActions(({ context, enqueue }, { slot }: { slot: string }) => {
      const job = context.scrubs[slot]?.pending;
      enqueue.assign({ scrubs: without(context.scrubs, slot) });
      if (job) enqueue.emit({ type: 'seek.due', slot, job });
    }),
    // The scrub goes on: the next seek is still too soon.
    withdrawSeek: assign({ scrubs: ({ context }, { slot }: { slot: string }) => ({ ...context.scrubs, [slot]: { pending: null } }) }),
    closeScrub: assign({ scrubs: ({ context }, { slot }: { slot: string }) => without(context.scrubs, slot) }),
    progress: enqueueActions(({ context, enqueue }, { actorId }: { actorId: string }) => {
      const run = runNamed(context.runs, actorId);
      if (!run) return;
      enqueue.emit({ type: 'run.progressed', run });
      const { rendition } = run.job;
      // A run may be through before its viewer has asked for a first rung: of what was made ahead, or for its headers.
      const hasLadder = context.rungId !== null;
      if (hasLadder && 'rungId' in rendition) enqueue.sendTo('ladder', { type: 'rung.ready', rungId: rendition.rungId });
    }),
    endRun: enqueueActions(({ context, enqueue }, { actorId, job, error }: EncodeOutput) => {
      const run = runNamed(context.runs, actorId) ?? null;
      // A request after the last segment of a run is no seek.
      if (run) enqueue.assign({ runs: without(context.runs, run.slot), scrubs: without(context.scrubs, run.slot) });
      const nextIndex = run ? positionOf(run).nextIndex : job.firstIndex;
      if (run && nextIndex > job.firstIndex) enqueue.assign({ ends: { ...context.ends, [run.slot]: { key: job.key, nextIndex } } });
      enqueue.assign({ runsAlive: context.runsAlive - 1 });
      enqueue(stopChild(actorId));
      enqueue.emit({ type: 'run.ended', run, job, error });
    }),
    // A covered run stays among the runs until it has ended: requests for later segments are looked at again then.
    endCovered: enqueueActions(({ context, enqueue }, { actorId }: { actorId: string }) => {
      const run = runNamed(context.runs, actorId);
      if (run) enqueue.sendTo(run.actor, { type: 'encode.stop' });
    }),
    endAhead: enqueueActions(({ context, enqueue }) => {
      const ahead = Object.values(context.runs).filter(({ isAhead }) => isAhead);
      enqueue.assign({ runs: ahead.reduce((runs, { slot }) => without(runs, slot), context.runs) });
      for (const run of ahead) {
        enqueue.sendTo(run.actor, { type: 'encode.stop' });
        enqueue.emit({ type: 'run.superseded', run });
      }
    }),
    // Superseded runs have been told to stop before.
    stopRuns: enqueueActions(({ context, enqueue }) => {
      for (const { actor } of Object.values(context.runs)) enqueue.sendTo(actor, { type: 'encode.stop' });
    }),
  },
  guards: {
    isCovered: ({ context }, wanted: SegmentWanted) => isCovered(context.runs, wanted),
    isCoveredAhead: ({ context }, wanted: SegmentWanted) => wanted.isAhead && isCovered(context.runs, wanted),
    isCoveredInit: ({ context }, wanted: SegmentWanted) => wanted.isInit && isCovered(context.runs, wanted),
    isUnwatchedStart: ({ context }, { isAhead, isInit, slot }: SegmentWanted) => (isAhead || isInit) && context.scrubs[slot] === undefined,
    isPending: ({ context }, { slot, job, isInit }: SegmentWanted) => {
      const pending = context.scrubs[slot]?.pending;
      return pending !== null && pending !== undefined && (isInit || isAbout(job, pending.firstIndex));
    },
    isScrubbing: ({ context }, { slot }: { slot: string }) => context.scrubs[slot] !== undefined,
    hasPendingSeek: ({ context }, { slot }: { slot: string }) => (context.scrubs[slot]?.pending ?? null) !== null,
    hasNoRuns: ({ context }) => context.runsAlive === 0,
  },
  delays: {
    /** Seeks that follow each other faster than this are a scrub: dragging, a held key. */
    quietDelay: 200,
    /** While a scrub goes on, one encode is started this often, so that its viewer sees a picture now and then. */
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
    ends: {},
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
            guard: { type: 'isCoveredAhead', params: ({ event }) => event },
            actions: { type: 'moveLead', params: ({ event }) => ({ ...event, index: event.job.firstIndex }) },
          },
          { guard: { type: 'isCoveredInit', params: ({ event }) => event } },
          // Nobody looks at these: the segment that is asked for next is no seek that follows another.
          {
            guard: { type: 'isUnwatchedStart', params: ({ event }) => event },
            actions: [
              { type: 'supersede', params: ({ event }) => event },
              { type: 'startRun', params: ({ event }) => event },
            ],
          },
          { guard: ({ event }) => event.isAhead },
          {
            guard: { type: 'isCovered', params: ({ event }) => event },
            actions: [
              { type: 'noteRung', params: ({ event }) => event },
              { type: 'moveLead', params: ({ event }) => ({ ...event, index: event.job.firstIndex }) },
            ],
          },
          { guard: { type: 'isPending', params: ({ event }) => event }, actions: { type: 'noteRung', params: ({ event }) => event } },
          {
            guard: { type: 'isScrubbing', params: ({ event }) => event },
            actions: [
              { type: 'noteRung', params: ({ event }) => event },
              { type: 'supersede', params: ({ event }) => event },
              { type: 'setSeekAside', params: ({ event }) => event },
              { type: 'awaitQuiet', params: ({ event }) => event },
            ],
          },
          {
            actions: [
              { type: 'noteRung', params: ({ event }) => event },
              { type: 'supersede', params: ({ event }) => event },
              { type: 'startRun', params: ({ event }) => event },
              { type: 'openScrub', params: ({ event }) => event },
              { type: 'awaitQuiet', params: ({ event }) => event },
            ],
          },
        ],
        'segment.withdrawn': {
          guard: { type: 'hasPendingSeek', params: ({ event }) => event },
          actions: { type: 'withdrawSeek', params: ({ event }) => event },
        },
        'seek.overtaken': {
          guard: { type: 'isScrubbing', params: ({ event }) => event },
          actions: [
            { type: 'withdrawSeek', params: ({ event }) => event },
            { type: 'awaitQuiet', params: ({ event }) => event },
          ],
        },
        'slot.quiet': { actions: { type: 'releaseSeek', params: ({ event }) => event } },
        'scrub.due': {
          guard: { type: 'hasPendingSeek', params: ({ event }) => event },
          actions: { type: 'releaseSeek', params: ({ event }) => event },
        },
        'segment.sent': {
          actions: [
            { type: 'noteRung', params: ({ event }) => event },
            { type: 'moveLead', params: ({ event }) => ({ ...event, isAhead: false }) },
          ],
        },
        'ahead.ended': { actions: 'endAhead' },
        'run.covered': { actions: { type: 'endCovered', params: ({ event }) => event } },
        'lead.changed': { actions: { type: 'changeLead', params: ({ event }) => event } },
        'run.yielded': {
          actions: [
            { type: 'supersede', params: ({ event }) => event },
            { type: 'closeScrub', params: ({ event }) => event },
          ],
        },
        'rung.retired': { actions: { type: 'endLead', params: ({ event }) => ({ slot: slotOf(event) }) } },
        'session.stop': '#session.stopping',
        'session.expire': '#session.expiring',
      },
      states: { ready: {}, playing: {}, paused: {}, buffering: {} },
    },
    // `stopping` and `expiring` wait until every ffmpeg of this session is gone.
    stopping: { entry: 'stopRuns', always: { guard: 'hasNoRuns', target: 'stopped' } },
    expiring: { entry: 'stopRuns', always: { guard: 'hasNoRuns', target: 'expired' } },
    stopped: { type: 'final' },
    expired: { type: 'final' },
  },
});
