// The live state of a session, as the rest of the server is told of it.
import type { SnapshotFrom } from 'xstate';
import { positionOf } from '#actors/run.ts';
import type { session } from '#actors/session.ts';
import { isAtLimit, reachForOthers } from '#domain/encode-position.ts';
import type { SessionStatus } from '#domain/session.ts';

export function statusOf(snapshot: SnapshotFrom<typeof session>): SessionStatus {
  const { context, value } = snapshot;
  const state = typeof value === 'string' ? (value === 'expired' || value === 'expiring' ? 'expired' : 'stopped') : value.watching;
  return {
    state,
    positionMs: context.positionMs,
    rungId: context.rungId,
    // By name: the order in which they began is no news to anybody.
    encodes: Object.values(context.runs)
      .toSorted((a, b) => (a.slot < b.slot ? -1 : 1))
      .map(run => {
        const position = positionOf(run);
        return {
          rendition: run.slot,
          state: isAtLimit(position) ? 'holding' : 'writing',
          firstIndex: position.firstIndex,
          ...reachForOthers(position),
        };
      }),
  };
}
