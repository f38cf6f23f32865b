// What an import would write: one record a user and file, the latest of several, and nothing that is older than what is there. Pure.
import type { MediaId, UserId } from '#domain/ids.ts';
import type { Progress } from '#domain/media.ts';

export type Candidate = {
  /** Where it stands in its source, such as `row 12`. */
  readonly row: string;
  readonly userId: UserId;
  readonly mediaId: MediaId;
  readonly progress: Progress;
  readonly isHidden?: boolean;
  /** As the source has it, for the report. */
  readonly values: Readonly<Record<string, unknown>>;
};

export const REFUSALS = [
  'no user told',
  'no such user',
  'no such title',
  'several titles',
  'not a position',
  'not a time',
  'superseded by a later row',
  'older than what is stored',
] as const;

/** A row that is not written, and why. */
export type Refusal = {
  readonly row: string;
  readonly reason: (typeof REFUSALS)[number];
  readonly detail?: string;
  readonly values: Readonly<Record<string, unknown>>;
};

export type ImportPlan = {
  readonly writes: readonly Candidate[];
  /** How many are stored already as they are. */
  readonly unchanged: number;
  readonly refusals: readonly Refusal[];
};

export function planImport(
  candidates: readonly Candidate[],
  storedOf: (userId: UserId, mediaId: MediaId) => Progress | undefined,
): ImportPlan {
  const latest = new Map<string, Candidate>();
  const refusals: Refusal[] = [];
  const refuse = ({ row, values }: Candidate, reason: Refusal['reason'], detail: string): void =>
    void refusals.push({ row, reason, detail, values });
  for (const candidate of candidates) {
    const key = `${candidate.userId} ${candidate.mediaId}`;
    const other = latest.get(key);
    // Of equal times the row that comes later counts.
    const isLatest = other === undefined || candidate.progress.updatedAtMs >= other.progress.updatedAtMs;
    if (isLatest) latest.set(key, candidate);
    const [later, earlier] = isLatest ? [candidate, other] : [other, candidate];
    if (earlier !== undefined) refuse(earlier, 'superseded by a later row', `${later.row} is of the same user and title`);
  }
  const writes: Candidate[] = [];
  let unchanged = 0;
  for (const candidate of latest.values()) {
    const stored = storedOf(candidate.userId, candidate.mediaId);
    if (stored !== undefined && isSame(stored, candidate.progress)) unchanged++;
    else if (stored !== undefined && stored.updatedAtMs >= candidate.progress.updatedAtMs)
      refuse(candidate, 'older than what is stored', `position ${stored.positionMs} ms of ${new Date(stored.updatedAtMs).toISOString()}`);
    else writes.push(candidate);
  }
  return { writes, unchanged, refusals };
}

const isSame = (one: Progress, other: Progress): boolean =>
  one.positionMs === other.positionMs && one.watched === other.watched && one.updatedAtMs === other.updatedAtMs;
