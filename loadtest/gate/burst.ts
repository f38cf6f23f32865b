// A burst of starts on a server that can encode few at once: no start is refused before the queue's timeout, and a refusal says when to try again.

import { nowMs } from '../client/http-client.ts';
import { LeanConnection } from '../client/lean-connection.ts';
import { type Account, Refused } from '../viewers/account.ts';
import type { Started } from '../viewers/viewer.ts';
import { EXACT, type Finding } from './baseline.ts';
import type { GateWorld } from './world.ts';

export const CAPACITY = 2;
export const QUEUE_TIMEOUT_MS = 4_000;
const USERS = 4;
const STARTS = 40;
/** A refusal this much sooner than the timeout was no timeout. */
const TIMER_SLACK_MS = 500;

type Outcome =
  | { readonly kind: 'started'; readonly session: Started; readonly account: Account; readonly connection: LeanConnection }
  | { readonly kind: 'refused'; readonly tookMs: number; readonly isTold: boolean };

export async function burstFindings({ account, mediaId }: GateWorld): Promise<Finding[]> {
  const users = await account.createViewers(USERS);
  const outcomes = await Promise.all(Array.from({ length: STARTS }, (_, at) => startOne(users[at % USERS] ?? account, mediaId, at)));
  for (const outcome of outcomes) {
    if (outcome.kind !== 'started') continue;
    await outcome.account.stop(outcome.connection, outcome.session);
    outcome.connection.close();
  }
  const refused = outcomes.filter(outcome => outcome.kind === 'refused');
  const early = refused.filter(({ tookMs }) => tookMs < QUEUE_TIMEOUT_MS - TIMER_SLACK_MS);
  const untold = refused.filter(({ isTold }) => !isTold);
  if (outcomes.length - refused.length < CAPACITY) throw new Error(`of ${STARTS} starts ${outcomes.length - refused.length} were served`);
  return [
    { name: `errors before the queue's timeout, ${STARTS} starts on capacity ${CAPACITY}`, value: early.length, tolerance: EXACT },
    { name: 'refusals that are no 503 with Retry-After', value: untold.length, tolerance: EXACT },
  ];
}

async function startOne(account: Account, mediaId: string, number: number): Promise<Outcome> {
  const connection = new LeanConnection(account.url);
  const sentMs = nowMs();
  try {
    const request = { mediaId, delivery: 'transcode', positionMs: number * 4_000, maxHeight: 240 } as const;
    return { kind: 'started', session: await account.start(connection, request), account, connection };
  } catch (error) {
    connection.close();
    if (!(error instanceof Refused)) throw error;
    return { kind: 'refused', tookMs: nowMs() - sentMs, isTold: error.status === 503 && error.retryAfterS !== null };
  }
}
