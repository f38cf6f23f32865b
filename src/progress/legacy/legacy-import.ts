// An old table of progress as candidates of an import: each row with the user and the title that it is of, or with what is wrong with it.
import { isWatchedAt, type ProgressRules } from '#domain/catalogue/progress-rules.ts';
import type { UserId } from '#domain/ids.ts';
import type { Media } from '#domain/media.ts';
import type { Candidate, Refusal } from '#src/progress/transfer/import-plan.ts';
import type { Match, MediaMatcher } from '#src/progress/transfer/media-matcher.ts';
import { type Column, type Columns, columnsOf, type Unit } from './columns.ts';
import { LegacyFailure, type LegacyRow, type LegacyTable } from './legacy-table.ts';
import { clockSeconds, isEmpty, markOf, numberOf, timeMs } from './values.ts';

export type LegacyOptions = {
  readonly matcher: Pick<MediaMatcher, 'match'>;
  /** By name or id. */
  readonly findUser: (called: string) => UserId | undefined;
  /** Whose the rows are that tell no user; null: nobody's. */
  readonly defaultUser: UserId | null;
  /** Of positions whose column does not tell it; null: told by the lengths of the films. */
  readonly unit: 'ms' | 's' | null;
  readonly rules: ProgressRules;
  readonly nowMs: number;
};

/** Of a row without one: anything else is newer. */
const UNKNOWN_TIME_MS = 1;
/** A position in seconds is never that far beyond the end of its film. */
const BEYOND = 1.5;

type Found = { readonly source: LegacyRow; readonly media: Media };

/** @throws LegacyFailure where the table has no columns that an import knows */
export function readLegacy(table: LegacyTable, options: LegacyOptions): { candidates: Candidate[]; refusals: Refusal[] } {
  const columns = columnsOf(table.columns);
  if (columns === null)
    throw new LegacyFailure(
      `has no column for the title or none for the position (docs/migration.md); its columns are: ${table.columns.join(', ')}`,
    );
  const refusals: Refusal[] = [];
  const found: Found[] = [];
  for (const source of table.rows) {
    const match = titleOf(source, columns, table, options.matcher);
    if ('media' in match) found.push({ source, media: match.media });
    else refusals.push({ ...source, reason: match.reason });
  }
  const unit = unitOf(found, columns, options.unit);
  const candidates: Candidate[] = [];
  for (const one of found) {
    const read = candidateOf(one, { columns, table, unit, options });
    if ('reason' in read) refusals.push(read);
    else candidates.push(read);
  }
  return { candidates, refusals };
}

function titleOf({ values }: LegacyRow, columns: Columns, { titles }: LegacyTable, matcher: LegacyOptions['matcher']): Match {
  let best: Match = { reason: 'no such title' };
  for (const name of columns.media) {
    if (isEmpty(values[name])) continue;
    const called = String(values[name]).trim();
    for (const path of [called, titles.get(called)]) {
      if (path === undefined) continue;
      const match = matcher.match({ mediaId: called, path });
      if ('media' in match) return match;
      if (match.reason === 'several titles') best = match;
    }
  }
  return best;
}

type Context = { readonly columns: Columns; readonly table: LegacyTable; readonly unit: 'ms' | 's'; readonly options: LegacyOptions };

function candidateOf({ source, media }: Found, { columns, table, unit, options }: Context): Candidate | Refusal {
  const { row, values } = source;
  const user = userOf(values, columns, table, options);
  if ('reason' in user) return { ...source, ...user };
  const toldMs = columns.duration === null ? Number.NaN : lengthMs(values[columns.duration.name], columns.duration, unit, media.durationMs);
  const durationMs = toldMs > 0 ? Math.round(toldMs) : media.durationMs;
  const positionMs = lengthMs(values[columns.position.name], columns.position, unit, durationMs);
  if (Number.isNaN(positionMs) || positionMs < 0 || !Number.isFinite(positionMs)) return { ...source, reason: 'not a position' };
  const time = columns.updated === null ? null : timeMs(values[columns.updated]);
  if (time !== null && Number.isNaN(time)) return { ...source, reason: 'not a time' };
  const shownMs = Math.min(Math.round(positionMs), durationMs);
  const mark = columns.watched === null ? null : markOf(values[columns.watched]);
  const progress = {
    positionMs: shownMs,
    durationMs,
    watched: mark ?? isWatchedAt(options.rules, shownMs, durationMs),
    updatedAtMs: Math.max(UNKNOWN_TIME_MS, Math.min(time ?? UNKNOWN_TIME_MS, options.nowMs)),
  };
  return { row, userId: user.userId, mediaId: media.id, progress, values };
}

function userOf(
  values: LegacyRow['values'],
  columns: Columns,
  { users }: LegacyTable,
  { findUser, defaultUser }: LegacyOptions,
): { userId: UserId } | Pick<Refusal, 'reason' | 'detail'> {
  const told = columns.user.map(name => values[name]).filter(value => !isEmpty(value));
  if (told.length === 0) return defaultUser === null ? { reason: 'no user told' } : { userId: defaultUser };
  for (const value of told) {
    const called = String(value).trim();
    const userId = findUser(users.get(called) ?? called) ?? findUser(called);
    if (userId !== undefined) return { userId };
  }
  return { reason: 'no such user', detail: told.map(String).join(', ') };
}

/** An empty position is the beginning, an empty length is not told. */
function lengthMs(value: unknown, { unit: told }: Column, unit: Unit, wholeMs: number): number {
  const clock = clockSeconds(value);
  if (clock !== null) return clock * 1_000;
  const number = isEmpty(value) ? 0 : numberOf(value);
  switch (told ?? unit) {
    case 'ms':
      return number;
    case 's':
      return number * 1_000;
    case 'percent':
      return (number / 100) * wholeMs;
  }
}

/** Milliseconds, where most of what the table has would lie far beyond the end of its film in seconds. */
function unitOf(found: readonly Found[], { position, duration }: Columns, told: LegacyOptions['unit']): 'ms' | 's' {
  if (told !== null) return told;
  const untold = [position, duration].flatMap(column => (column !== null && column.unit === null ? [column.name] : []));
  let [beyond, all] = [0, 0];
  for (const { source, media } of found) {
    const longest = Math.max(...untold.map(name => numberOf(source.values[name])).filter(number => number > 0), 0);
    if (longest === 0 || media.durationMs === 0) continue;
    all++;
    if (longest > (media.durationMs / 1_000) * BEYOND) beyond++;
  }
  return beyond * 2 > all ? 'ms' : 's';
}
