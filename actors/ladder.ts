// Which rung one session is watching, and when the one before it may be given up: the new rung starts while the old runs out.
import { assign, sendParent, setup } from 'xstate';

type Context = { readonly current: string | null; readonly previous: string | null };
type Event = { readonly type: 'rung.requested'; readonly rungId: string } | { readonly type: 'rung.ready'; readonly rungId: string };

/** Tells the session that its viewer has left that rung. */
export type RungRetired = { readonly type: 'rung.retired'; readonly rungId: string };

export const ladder = setup({
  types: { context: {} as Context, events: {} as Event },
  actions: {
    start: assign({ current: (_, params: { rungId: string }) => params.rungId }),
    change: assign({ previous: ({ context }) => context.current, current: (_, params: { rungId: string }) => params.rungId }),
    goBack: assign({ previous: ({ context }) => context.current, current: ({ context }) => context.previous }),
    retire: sendParent(({ context }): RungRetired => ({ type: 'rung.retired', rungId: context.previous ?? '' })),
    forget: assign({ previous: null }),
  },
  guards: {
    isOther: ({ context }, params: { rungId: string }) => params.rungId !== context.current,
    isPrevious: ({ context }, params: { rungId: string }) => params.rungId === context.previous,
    isCurrent: ({ context }, params: { rungId: string }) => params.rungId === context.current,
  },
  /** The longest that an old rung is kept when the new one does not get going. */
  delays: { lingerTimeout: 10_000 },
}).createMachine({
  id: 'ladder',
  context: { current: null, previous: null },
  initial: 'waiting',
  states: {
    waiting: { on: { 'rung.requested': { target: 'steady', actions: { type: 'start', params: ({ event }) => event } } } },
    steady: {
      on: {
        'rung.requested': {
          guard: { type: 'isOther', params: ({ event }) => event },
          target: 'switching',
          actions: { type: 'change', params: ({ event }) => event },
        },
      },
    },
    switching: {
      // `forget` is no exit action: exit actions run before those of the transition, and `retire` needs the rung's name.
      after: { lingerTimeout: { target: 'steady', actions: ['retire', 'forget'] } },
      on: {
        'rung.ready': { guard: { type: 'isCurrent', params: ({ event }) => event }, target: 'steady', actions: ['retire', 'forget'] },
        'rung.requested': [
          { guard: { type: 'isPrevious', params: ({ event }) => event }, actions: 'goBack' },
          {
            guard: { type: 'isOther', params: ({ event }) => event },
            target: 'switching',
            reenter: true,
            actions: ['retire', { type: 'change', params: ({ event }) => event }],
          },
        ],
      },
    },
  },
});
