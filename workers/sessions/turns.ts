// Whose turn it is when several request for distant segments of one rendition, which one encode can only make in turn.
import type { Reach } from '#domain/encode-position.ts';
import { isAboutToReach } from '#domain/encode-position.ts';
import { isPatienceOver } from './patience.ts';

/** Somebody who waits for a segment, or a hint, behind which nobody waits. */
export type Turn = {
  readonly firstIndex: number;
  readonly isInit: boolean;
  readonly isHint: boolean;
  readonly sinceMs: number;
};

/** What a rendition's encode is about to bring: of one that runs, or of one that is to be started in a moment. */
export type Course = Reach & { readonly isRunning: boolean; readonly bringsInit: boolean };

/** Whether the encode is about to bring what the turn waits for. */
export const isInReach = ({ firstIndex, isInit }: Turn, course: Course | null): boolean =>
  course !== null && (isAboutToReach(course, firstIndex) || (isInit && course.bringsInit));

/** Whether `next` may end an encode for which `served` wait, for want of room: nobody does, or all came later and it has waited for long. */
export const mayTakeFrom = (served: readonly Turn[], next: Turn, nowMs: number): boolean =>
  served.every(({ isHint, sinceMs }) => isHint || (sinceMs > next.sinceMs && isPatienceOver(next.sinceMs, nowMs)));

/**
 * The request that the rendition's encode has to be started for, or started anew; null: none, as it is. An encode that somebody waits for
 * goes on until it has brought that, whoever comes later. It ends sooner only for who came before those.
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
