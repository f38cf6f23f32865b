// Which request the encode of a rendition follows when several requests ask for distant segments: it can only make them in turn.
import type { Reach } from '#domain/encode-position.ts';
import { isAboutToReach } from '#domain/encode-position.ts';
import { isPatienceOver } from './patience.ts';

/** A request for a segment as far as its turn depends on it. */
export type Turn = {
  readonly firstIndex: number;
  readonly isInit: boolean;
  readonly isHint: boolean;
  readonly sinceMs: number;
};

/** The segments that an encode is about to bring: one that runs, or one that is to be started in a moment. */
export type Course = Reach & { readonly isRunning: boolean; readonly bringsInit: boolean };

/** Whether the encode is about to bring the requested segment. */
export const isInReach = ({ firstIndex, isInit }: Turn, course: Course | null): boolean =>
  course !== null && (isAboutToReach(course, firstIndex) || (isInit && course.bringsInit));

/** Whether `next` may end an encode for want of room: every request in its reach is a hint, or came later and `next` has lost its patience. */
export const mayTakeFrom = (served: readonly Turn[], next: Turn, nowMs: number): boolean =>
  served.every(({ isHint, sinceMs }) => isHint || (sinceMs > next.sinceMs && isPatienceOver(next.sinceMs, nowMs)));

/**
 * The request that the rendition's encode has to be started for, or started anew; null where the encode may stay as it is. An encode goes on
 * until it has brought the segments that requests wait for; it is moved sooner only for a request that came before those.
 *
 * @param turns in the order in which they came
 */
export function nextTurn<T extends Turn>(turns: readonly T[], course: Course | null, nowMs: number): T | null {
  const people = turns.filter(({ isHint }) => !isHint);
  const [first] = people;
  if (course?.isRunning && first && isInReach(first, course)) return null;
  const next = first && isPatienceOver(first.sinceMs, nowMs) ? first : (people.at(-1) ?? turns.at(-1));
  return !next || isInReach(next, course) ? null : next;
}
