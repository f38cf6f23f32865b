// How one film is watched, as a machine: which session is open, whether a person wants it to play, where a seek is. No DOM, no network: playback.js provides those.
import { positionOf } from './playback-state.js';

/** @typedef {import('./playback-state.js').Turn} Turn */
/** @typedef {import('./playback-state.js').Wanted} Wanted */
/** @typedef {import('./playback-state.js').Seek} Seek */
/** @typedef {import('./playback-state.js').Facts} Facts */
/** @typedef {import('./playback-state.js').Opened} Opened */
/** @typedef {import('./playback-state.js').OpeningInput} OpeningInput */
/** @typedef {import('./playback-state.js').Context} Context */
/** @typedef {import('./playback-state.js').Event} Event */

/** More new sessions than this in a minute means that something is wrong that a further one won't cure. */
const MAX_RESTARTS_PER_MINUTE = 4;
/** @type {Seek} */
const TO_START = { targetMs: 0, mode: 'keyframe' };

/**
 * @param {'seek.to' | 'seek.begun' | 'landing.ask'} type @param {Facts} facts @param {Seek} seek
 * @returns {Event}
 */
const seekEvent = (type, { shownMs, nowMs, isEnded }, { targetMs, mode }) => ({ type, targetMs, mode, shownMs, nowMs, isEnded });

/** Hands an action the event itself. @template E @param {{ event: E }} args @returns {E} */
const ofEvent = ({ event }) => event;
/** @param {{ context: Context }} args */
const ofGathered = ({ context }) => context.gathered ?? TO_START;
/** @param {{ context: Context }} args */
const atHeld = ({ context }) => ({ positionMs: context.heldMs });
/** @param {{ context: Context, event: Facts }} args */
const atPosition = ({ context, event }) => ({ positionMs: positionOf(context, event.shownMs) });

/** @param {{ event: { output: number } }} args */
const atLanding = ({ event }) => ({ positionMs: event.output });

/** No other delivery or audio track was chosen: the delivery that the server picks tells whether the file can be played as it is. @param {Wanted} wanted */
const isDefault = ({ delivery, audioTrack }) => delivery === 'auto' && audioTrack === null;

/** @param {readonly number[]} restartsMs @param {number} nowMs */
const recent = (restartsMs, nowMs) => restartsMs.filter(atMs => nowMs - atMs < 60_000);

/**
 * The library is handed in: a browser knows it by its address, Node by its name.
 * @param {Pick<typeof import('xstate'), 'setup' | 'assign' | 'raise' | 'and' | 'not' | 'or' | 'stateIn' | 'fromCallback' | 'fromPromise'>} xstate
 */
export function createPlaybackMachine({ setup, assign, raise, and, not, or, stateIn, fromCallback, fromPromise }) {
  const missing = () => {
    throw new Error('the effect was not provided');
  };
  const playback = setup({
    types: {
      context: /** @type {Context} */ ({}),
      events: /** @type {Event} */ ({}),
      children: /** @type {{ opening: 'opening', landing: 'landing' }} */ ({}),
    },
    actors: {
      /** Opens a session: sends `session.delayed` while it waits, then `session.opened` or `session.refused`; when it is stopped, it gives the session up. */
      opening: fromCallback(/** @type {import('xstate').CallbackLogicFunction<any, Event, OpeningInput>} */ (missing)),
      /** Tells where a seek lands, in media time. */
      landing: fromPromise(/** @type {(options: { input: Seek }) => Promise<number>} */ (missing)),
    },
    actions: {
      // Effects.
      takeSession: () => {},
      attachDelivery: (_, /** @type {{ positionMs: number | null }} */ _params) => {},
      endSession: () => {},
      abandonDelivery: () => {},
      playVideo: () => {},
      pauseVideo: () => {},
      startSeekClock: () => {},
      jump: (_, /** @type {{ positionMs: number }} */ _params) => {},
      hintSeek: (_, /** @type {{ targetMs: number }} */ _params) => {},
      endHints: () => {},
      tellPause: () => {},
      release: () => {},
      // Orders from one region to another.
      seekToStart: raise(({ event }) => seekEvent('seek.to', event, TO_START)),
      beginSeek: raise(({ event }, /** @type {Seek} */ seek) => seekEvent('seek.begun', event, seek)),
      askLanding: raise(({ event }, /** @type {Seek} */ seek) => seekEvent('landing.ask', event, seek)),
      // Bookkeeping.
      beginAt: assign(({ context }, /** @type {{ positionMs: number | null }} */ { positionMs }) => ({
        startMs: positionMs,
        heldMs: context.attached === null ? (context.heldMs ?? positionMs) : context.heldMs,
      })),
      hold: assign({ heldMs: (_, /** @type {{ targetMs: number }} */ { targetMs }) => targetMs }),
      holdPosition: assign({ heldMs: ({ context, event }) => positionOf(context, event.shownMs) }),
      holdIfKnown: assign({
        heldMs: ({ context, event }) => context.heldMs ?? (context.sessionCount === 0 ? null : positionOf(context, event.shownMs)),
      }),
      moveHeld: assign({
        heldMs: ({ context }, /** @type {{ targetMs: number }} */ { targetMs }) => (context.heldMs === null ? null : targetMs),
      }),
      letGo: assign({ heldMs: null }),
      aim: assign({ aimed: (_, /** @type {Seek} */ { targetMs, mode }) => ({ targetMs, mode }) }),
      dropAim: assign({ aimed: null }),
      gather: assign({ gathered: (_, /** @type {Seek} */ { targetMs, mode }) => ({ targetMs, mode }) }),
      dropGathered: assign({ gathered: null }),
      choose: assign({
        wanted: ({ context }, /** @type {{ changes: Partial<Wanted> }} */ { changes }) => ({ ...context.wanted, ...changes }),
      }),
      chooseTranscode: assign({
        canPlayOriginal: false,
        wanted: ({ context }) => ({ ...context.wanted, delivery: /** @type {const} */ ('transcode') }),
      }),
      noteOpened: assign(({ context, event }, /** @type {Opened} */ { delivery, startPositionMs }) => ({
        heldMs: context.sessionCount === 0 ? (context.heldMs ?? startPositionMs) : positionOf(context, event.shownMs),
        attached: delivery,
        sessionCount: context.sessionCount + 1,
        canPlayOriginal: isDefault(context.wanted) ? delivery === 'direct' : context.canPlayOriginal,
        turn: null,
      })),
      noteRestart: assign({ restartsMs: ({ context, event }) => [...recent(context.restartsMs, event.nowMs), event.nowMs] }),
      forgetRestarts: assign({ restartsMs: [] }),
      noteDetached: assign({ attached: null }),
      noteMessage: assign({ message: (_, /** @type {{ message: string }} */ { message }) => message }),
      noteTurn: assign({ turn: (_, /** @type {{ turn: Turn | null }} */ { turn }) => turn }),
    },
    guards: {
      wantsPlay: stateIn({ watching: { intent: 'playing' } }),
      isAttached: ({ context }) => context.attached !== null,
      isEnded: ({ event }) => event.isEnded,
      hasGathered: ({ context }) => context.gathered !== null,
      hasPicture: (_, /** @type {{ hasPicture: boolean }} */ { hasPicture }) => hasPicture,
      canRestart: ({ context, event }) => recent(context.restartsMs, event.nowMs).length < MAX_RESTARTS_PER_MINUTE,
      canTranscode: ({ context, event }) =>
        event.type === 'delivery.failed' &&
        event.code === 'DECODE' &&
        context.wanted.delivery === 'auto' &&
        context.attached !== 'transcode',
      isSteady: or([
        stateIn({ watching: { session: { ready: 'smooth' } } }),
        stateIn({ watching: { session: { opening: 'switching' } } }),
        stateIn({ watching: { session: 'stale' } }),
      ]),
      /** A pause that nothing here has caused: a person's, a headset's, another app's. */
      isMeant: ({ context, event }) =>
        event.type === 'picture.paused' && !event.isReloading && !event.isEnded && context.attached !== null && context.heldMs === null,
    },
    delays: { gatherTime: 220 },
  });
  const playIfWanted = playback.enqueueActions(({ enqueue, check }) => {
    if (check('wantsPlay')) enqueue('playVideo');
  });
  return playback.createMachine({
    id: 'playback',
    context: {
      wanted: { delivery: 'auto', rung: null, audioTrack: null },
      startMs: null,
      attached: null,
      sessionCount: 0,
      canPlayOriginal: false,
      restartsMs: [],
      heldMs: null,
      aimed: null,
      gathered: null,
      message: '',
      turn: null,
    },
    initial: 'watching',
    states: {
      watching: {
        type: 'parallel',
        on: {
          'playback.close': 'closed',
          'session.queued': { actions: { type: 'noteTurn', params: ofEvent } },
        },
        states: {
          session: {
            initial: 'idle',
            on: {
              'settings.choose': {
                target: '.opening',
                actions: [
                  { type: 'choose', params: ofEvent },
                  { type: 'beginAt', params: atPosition },
                ],
              },
              'session.revoked': { target: '.failed', actions: { type: 'noteMessage', params: ofEvent } },
              'playback.suspend': { target: '.stale', actions: ['holdPosition', 'endSession', 'pauseVideo'] },
              'playback.play': { guard: 'isEnded', actions: 'seekToStart' },
            },
            states: {
              idle: {
                on: {
                  'playback.start': { target: 'opening', actions: { type: 'beginAt', params: ofEvent } },
                  'seek.begun': { actions: { type: 'hold', params: ofEvent } },
                },
              },
              // The stream that plays goes on until the new session is open.
              opening: {
                invoke: { id: 'opening', src: 'opening', input: ({ context: { wanted, startMs } }) => ({ wanted, startMs }) },
                initial: 'beginning',
                states: {
                  beginning: { always: [{ guard: 'isAttached', target: 'switching' }, { target: 'starting' }] },
                  starting: {},
                  switching: {},
                  waiting: { on: { 'delivery.recovered': 'switching' } },
                },
                on: {
                  'session.delayed': { target: '.waiting', actions: { type: 'noteMessage', params: ofEvent } },
                  'session.opened': { target: 'ready', actions: { type: 'noteOpened', params: ofEvent } },
                  'session.refused': { target: 'failed', actions: { type: 'noteMessage', params: ofEvent } },
                  'delivery.troubled': { target: '.waiting', actions: { type: 'noteMessage', params: ofEvent } },
                  'picture.shown': { guard: { type: 'hasPicture', params: ofEvent }, actions: 'letGo' },
                  'playback.play': { guard: not('isEnded'), actions: 'playVideo' },
                  'seek.begun': [
                    {
                      guard: 'isAttached',
                      actions: [
                        { type: 'moveHeld', params: ofEvent },
                        { type: 'askLanding', params: ofEvent },
                      ],
                    },
                    { actions: { type: 'hold', params: ofEvent } },
                  ],
                },
              },
              ready: {
                entry: ['takeSession', playIfWanted, { type: 'attachDelivery', params: atHeld }],
                initial: 'smooth',
                states: { smooth: {}, troubled: { on: { 'delivery.recovered': 'smooth' } } },
                on: {
                  'delivery.attached': { actions: playIfWanted },
                  'delivery.troubled': { target: '.troubled', actions: { type: 'noteMessage', params: ofEvent } },
                  'delivery.failed': [
                    {
                      guard: and(['canTranscode', 'canRestart']),
                      target: 'opening',
                      actions: ['chooseTranscode', 'noteRestart', 'holdPosition', { type: 'beginAt', params: atHeld }],
                    },
                    { target: 'failed', actions: { type: 'noteMessage', params: ofEvent } },
                  ],
                  'session.lost': [
                    // A paused film may wait: its session is opened again when somebody watches.
                    { guard: or([not('wantsPlay'), 'isEnded']), target: 'stale' },
                    {
                      guard: 'canRestart',
                      target: 'opening',
                      actions: ['noteRestart', 'holdPosition', { type: 'beginAt', params: atHeld }],
                    },
                    { target: 'failed', actions: { type: 'noteMessage', params: ofEvent } },
                  ],
                  'picture.shown': { guard: { type: 'hasPicture', params: ofEvent }, actions: 'letGo' },
                  'playback.play': { guard: not('isEnded'), actions: 'playVideo' },
                  'seek.begun': {
                    actions: [
                      { type: 'moveHeld', params: ofEvent },
                      { type: 'askLanding', params: ofEvent },
                    ],
                  },
                },
              },
              // The picture is still shown, its session is gone: the next Play or seek opens another.
              stale: {
                on: {
                  'playback.play': { guard: not('isEnded'), target: 'opening', actions: { type: 'beginAt', params: atPosition } },
                  'seek.begun': {
                    target: 'opening',
                    actions: [
                      { type: 'hold', params: ofEvent },
                      { type: 'beginAt', params: atHeld },
                    ],
                  },
                },
              },
              // A person has to press Retry or Play, or to seek.
              failed: {
                entry: ['holdIfKnown', 'abandonDelivery', 'noteDetached'],
                on: {
                  'playback.suspend': {},
                  'session.revoked': {},
                  'playback.play': { target: 'opening', actions: ['forgetRestarts', { type: 'beginAt', params: atHeld }] },
                  'playback.retry': { target: 'opening', actions: ['forgetRestarts', { type: 'beginAt', params: atHeld }] },
                  'seek.begun': {
                    target: 'opening',
                    actions: [
                      { type: 'hold', params: ofEvent },
                      { type: 'beginAt', params: atHeld },
                    ],
                  },
                },
              },
            },
          },
          intent: {
            initial: 'playing',
            on: {
              'playback.play': '.playing',
              'playback.pause': { target: '.paused', actions: 'pauseVideo' },
              'playback.suspend': '.paused',
              'sound.refused': '.paused',
              'picture.paused': {
                guard: and(['isSteady', 'isMeant']),
                target: '.paused',
                actions: 'tellPause',
              },
              // A seek away from the end plays on.
              'seek.begun': { guard: and(['isAttached', 'isEnded']), target: '.playing' },
            },
            states: { playing: {}, paused: {} },
          },
          // A run of key presses becomes one seek: every seek may start an encode.
          steps: {
            initial: 'single',
            states: {
              single: {
                on: {
                  'seek.to': { actions: ['endHints', { type: 'beginSeek', params: ofEvent }] },
                  'seek.step': { target: 'gathering', actions: ['endHints', { type: 'beginSeek', params: ofEvent }] },
                },
              },
              gathering: {
                after: {
                  gatherTime: [
                    {
                      guard: 'hasGathered',
                      target: 'single',
                      actions: ['endHints', { type: 'beginSeek', params: ofGathered }, 'dropGathered'],
                    },
                    { target: 'single' },
                  ],
                },
                on: {
                  'seek.step': {
                    target: 'gathering',
                    reenter: true,
                    actions: [
                      { type: 'gather', params: ofEvent },
                      { type: 'hintSeek', params: ofEvent },
                    ],
                  },
                  'seek.to': { target: 'single', actions: ['endHints', 'dropGathered', { type: 'beginSeek', params: ofEvent }] },
                },
              },
            },
          },
          landing: {
            initial: 'settled',
            // Not `reenter`, which would take the other regions back to their beginnings.
            on: { 'landing.ask': { target: '.asking', actions: [{ type: 'aim', params: ofEvent }, 'startSeekClock'] } },
            states: {
              settled: {},
              asking: {
                exit: 'dropAim',
                invoke: {
                  id: 'landing',
                  src: 'landing',
                  input: ({ context }) => context.aimed ?? TO_START,
                  onDone: [
                    {
                      guard: and(['isAttached', 'wantsPlay']),
                      target: 'settled',
                      actions: [{ type: 'jump', params: atLanding }, 'playVideo'],
                    },
                    { guard: 'isAttached', target: 'settled', actions: { type: 'jump', params: atLanding } },
                    { target: 'settled', actions: { type: 'hold', params: ({ event }) => ({ targetMs: event.output }) } },
                  ],
                  onError: 'settled',
                },
              },
            },
          },
        },
      },
      closed: { type: 'final', entry: 'release' },
    },
  });
}
