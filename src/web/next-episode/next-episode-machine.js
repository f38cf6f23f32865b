// What happens at the end of an episode, as a machine: a countdown to the next one that a person may cancel, or after many of them the question whether anybody watches.

/** @typedef {{ secondsLeft: number, wentOn: number }} Context `wentOn`: how many episodes followed each other without a sign of life */
/**
 * @typedef {{ type: 'episode.ended' } | { type: 'credits.begun' } | { type: 'episode.resumed' } | { type: 'person.acted' }
 *   | { type: 'person.goes' } | { type: 'person.cancels' }} Event
 */

export const COUNTDOWN_S = 10;
/** Episodes that begin by themselves before somebody is asked. */
export const MAX_UNSEEN = 3;

/**
 * The library is handed in: a browser knows it by its address, Node by its name.
 * @param {Pick<typeof import('xstate'), 'setup' | 'assign'>} xstate
 */
export function createNextEpisodeMachine({ setup, assign }) {
  return setup({
    types: {
      input: /** @type {{ wentOn: number }} */ ({}),
      context: /** @type {Context} */ ({}),
      events: /** @type {Event} */ ({}),
    },
    actions: {
      begin: assign({ secondsLeft: COUNTDOWN_S }),
      tick: assign({ secondsLeft: ({ context }) => context.secondsLeft - 1 }),
      noteSign: assign({ wentOn: 0 }),
      noteUnseen: assign({ wentOn: ({ context }) => context.wentOn + 1 }),
    },
    guards: {
      isSeen: ({ context }) => context.wentOn < MAX_UNSEEN,
      isLast: ({ context }) => context.secondsLeft <= 1,
    },
    delays: { second: 1_000 },
  }).createMachine({
    id: 'nextEpisode',
    context: ({ input }) => ({ secondsLeft: COUNTDOWN_S, wentOn: input.wentOn }),
    initial: 'watching',
    on: { 'person.acted': { actions: 'noteSign' } },
    states: {
      watching: {
        on: {
          'credits.begun': 'offered',
          'episode.ended': [{ guard: 'isSeen', target: 'counting', actions: 'begin' }, { target: 'asking' }],
          'person.goes': { target: 'going', actions: 'noteSign' },
        },
      },
      // Something may still come behind the credits: nothing goes on by itself yet.
      offered: {
        on: {
          'episode.ended': [{ guard: 'isSeen', target: 'counting', actions: 'begin' }, { target: 'asking' }],
          'episode.resumed': 'watching',
          'person.goes': { target: 'going', actions: 'noteSign' },
          'person.cancels': { target: 'dismissed', actions: 'noteSign' },
        },
      },
      counting: {
        after: {
          second: [
            { guard: 'isLast', target: 'going', actions: 'noteUnseen' },
            { target: 'counting', reenter: true, actions: 'tick' },
          ],
        },
        on: {
          'episode.resumed': 'watching',
          'person.goes': { target: 'going', actions: 'noteSign' },
          'person.cancels': { target: 'dismissed', actions: 'noteSign' },
        },
      },
      asking: {
        on: {
          'episode.resumed': 'watching',
          'person.goes': { target: 'going', actions: 'noteSign' },
          'person.cancels': { target: 'dismissed', actions: 'noteSign' },
        },
      },
      dismissed: { on: { 'episode.resumed': 'watching', 'person.goes': { target: 'going', actions: 'noteSign' } } },
      going: { type: 'final' },
    },
  });
}
