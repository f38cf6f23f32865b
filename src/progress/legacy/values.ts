// What the cells of an old table mean: numbers and texts as SQLite and spreadsheets have them. Pure.

/** Of times: below the first they are seconds, then milliseconds, microseconds, nanoseconds. */
const MAX_SECONDS = 1e11;
const MAX_MILLISECONDS = 1e14;
const MAX_MICROSECONDS = 1e17;

const YES = /^(?:1|true|t|yes|y|watched|completed|complete|finished|played|seen)$/i;
const NO = /^(?:0|false|f|no|n|unwatched|unplayed|)$/i;
const NUMBER = /^[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?$/i;
/** As SQLite writes it: of no zone, which means UTC. */
const ZONELESS = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)$/;
/** `1:02:03` or `02:03`, with parts of a second. */
const CLOCK = /^(?:(\d+):)?(\d{1,2}):(\d{1,2}(?:\.\d+)?)$/;

export const isEmpty = (value: unknown): boolean =>
  value === null || value === undefined || (typeof value === 'string' && value.trim() === '');

/** NaN where it is none. */
export function numberOf(value: unknown): number {
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value);
  if (typeof value !== 'string') return Number.NaN;
  const text = value.trim();
  return NUMBER.test(text) ? Number(text) : Number.NaN;
}

/** `1:02:03` as seconds; null where it is none. */
export function clockSeconds(value: unknown): number | null {
  const [, hours = '0', minutes, seconds] = (typeof value === 'string' && CLOCK.exec(value.trim())) || [];
  return minutes === undefined || seconds === undefined ? null : Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds);
}

/** Milliseconds since 1970; null: not told; NaN: no time. */
export function timeMs(value: unknown): number | null {
  if (isEmpty(value)) return null;
  const number = numberOf(value);
  if (!Number.isNaN(number)) return number < 0 ? Number.NaN : Math.round(scaled(number));
  if (typeof value !== 'string') return Number.NaN;
  const text = value.trim();
  return Date.parse(text.replace(ZONELESS, '$1T$2Z'));
}

function scaled(time: number): number {
  if (time < MAX_SECONDS) return time * 1_000;
  if (time < MAX_MILLISECONDS) return time;
  return time < MAX_MICROSECONDS ? time / 1_000 : time / 1_000_000;
}

/** Null: not told. The day of a `watched_at` is a yes too. */
export function markOf(value: unknown): boolean | null {
  if (value === null || value === undefined) return null;
  const text = String(value).trim();
  if (NO.test(text)) return text === '' ? null : false;
  if (YES.test(text)) return true;
  const time = timeMs(value);
  return time === null || Number.isNaN(time) ? null : time > 0;
}
