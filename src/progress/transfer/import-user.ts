// A user's file read into an account: what is newer is taken, what is the same or older stays as it is.
import type { MediaId, UserId } from '#domain/ids.ts';
import type { Transaction } from '#storage/environment.ts';
import type { HistoryEntry, HistoryRepository } from '#storage/records/history.ts';
import type { ProgressRepository } from '#storage/records/progress.ts';
import { type Candidate, type ImportPlan, planImport, type Refusal } from './import-plan.ts';
import { type MatchedCatalogue, MediaMatcher } from './media-matcher.ts';
import type { UserFile } from './user-file.ts';

export type ImportTarget = {
  readonly progress: ProgressRepository;
  readonly history: HistoryRepository;
  readonly media: MatchedCatalogue;
};

export type UserImport = {
  readonly plan: ImportPlan;
  /** New ones are added; of a title that is not there as well. */
  readonly history: readonly HistoryEntry[];
};

/** Reads only. A time that is to come is of now. */
export async function planUserImport(
  { progress, media }: ImportTarget,
  userId: UserId,
  file: UserFile,
  nowMs: number,
): Promise<UserImport> {
  const isKnown = ({ mediaId }: { mediaId: string }): boolean => media.get(mediaId as MediaId) !== undefined;
  // The whole catalogue is read only where something is not found by its id.
  const needsMatcher = !file.progress.every(isKnown) || !(file.history ?? []).every(isKnown);
  const matcher = needsMatcher ? await MediaMatcher.read(media) : null;
  const match = (called: UserFile['progress'][number] | NonNullable<UserFile['history']>[number]) => {
    const known = media.get(called.mediaId as MediaId);
    return known !== undefined ? { media: known } : (matcher?.match(called) ?? { reason: 'no such title' as const });
  };
  const refusals: Refusal[] = [];
  const candidates: Candidate[] = [];
  for (const [at, record] of file.progress.entries()) {
    const row = `progress ${at + 1}`;
    const found = match(record);
    if ('reason' in found) {
      refusals.push({ row, reason: found.reason, values: record });
      continue;
    }
    const { positionMs, durationMs, watched, updatedAtMs, isHidden = false } = record;
    const saved = { positionMs, durationMs, watched, updatedAtMs: Math.min(updatedAtMs, nowMs) };
    candidates.push({ row, userId, mediaId: found.media.id, progress: saved, isHidden, values: record });
  }
  const plan = planImport(candidates, (user, id) => progress.get(user, id));
  const history = (file.history ?? []).map((record): HistoryEntry => {
    const found = match(record);
    const { kind, positionMs, durationMs, atMs, title, year = null, episode = null } = record;
    const mediaId = 'media' in found ? found.media.id : (record.mediaId as MediaId);
    return { mediaId, atMs: Math.min(atMs, nowMs), kind, positionMs, durationMs, title: title ?? 'Untitled', year, episode };
  });
  return { plan: { ...plan, refusals: [...refusals, ...plan.refusals] }, history };
}

/** Within a transaction. Says how many entries of history are new. */
export function writeImport(
  tx: Transaction,
  { progress, history }: Pick<ImportTarget, 'progress' | 'history'>,
  { writes, entries, userId, nowMs }: { writes: readonly Candidate[]; entries: readonly HistoryEntry[]; userId: UserId; nowMs: number },
): number {
  for (const candidate of writes) {
    progress.putIn(tx, candidate.userId, candidate, nowMs);
    if (candidate.isHidden === true) progress.hideIn(tx, candidate.userId, candidate.mediaId);
  }
  return entries.filter(entry => history.addIn(tx, userId, entry)).length;
}
