// Conditional and range requests (RFC 9110, sections 13 and 14) decided for a representation. Pure, no sockets.
import parseRange from 'range-parser';

/** The facts of a representation that are known before its bytes are read. */
export type Representation = { readonly byteLength: number; readonly etag: string; readonly lastModifiedMs: number | null };

/** The request headers that decide; empty when absent. */
export type Conditions = {
  readonly ifNoneMatch: string;
  readonly ifModifiedSince: string;
  readonly range: string;
  readonly ifRange: string;
};

/** `end` is exclusive. */
export type Selection =
  | { readonly kind: 'whole' }
  | { readonly kind: 'part'; readonly start: number; readonly end: number }
  | { readonly kind: 'notModified' }
  | { readonly kind: 'unsatisfiable' };

export const WHOLE: Selection = { kind: 'whole' };

export function select(representation: Representation, conditions: Conditions): Selection {
  if (isNotModified(representation, conditions)) return { kind: 'notModified' };
  if (conditions.range === '' || !mayUseRange(representation, conditions.ifRange)) return WHOLE;
  return selectRange(representation.byteLength, conditions.range);
}

/** If-None-Match wins over If-Modified-Since and compares weakly. */
function isNotModified({ etag, lastModifiedMs }: Representation, { ifNoneMatch, ifModifiedSince }: Conditions): boolean {
  if (ifNoneMatch !== '') return ifNoneMatch === '*' || ifNoneMatch.split(',').some(candidate => opaqueTag(candidate) === opaqueTag(etag));
  if (ifModifiedSince === '' || lastModifiedMs === null) return false;
  return wholeSeconds(lastModifiedMs) <= Date.parse(ifModifiedSince);
}

/** If-Range compares strongly: a weak tag or another date means the whole. */
function mayUseRange({ etag, lastModifiedMs }: Representation, ifRange: string): boolean {
  if (ifRange === '') return true;
  if (ifRange.startsWith('"') || ifRange.startsWith('W/')) return ifRange === etag && !etag.startsWith('W/');
  return lastModifiedMs !== null && wholeSeconds(lastModifiedMs) === Date.parse(ifRange);
}

function selectRange(byteLength: number, range: string): Selection {
  // Several ranges would need a multipart body, which no player asks for; the whole is a correct answer.
  if (!/^bytes=/i.test(range) || range.includes(',')) return WHOLE;
  // range-parser calls a suffix longer than the body unsatisfiable; RFC 9110, 14.1.2 says it is all of the body.
  const suffix = /^bytes=\s*-(\d+)\s*$/i.exec(range)?.[1];
  if (suffix !== undefined && byteLength > 0 && Number(suffix) >= byteLength) return { kind: 'part', start: 0, end: byteLength };
  const ranges = parseRange(byteLength, range);
  if (ranges === -2) return WHOLE;
  const first = ranges === -1 ? undefined : ranges[0];
  return first === undefined ? { kind: 'unsatisfiable' } : { kind: 'part', start: first.start, end: first.end + 1 };
}

const opaqueTag = (tag: string): string => tag.trim().replace(/^W\//, '');

/** HTTP dates have no milliseconds. */
const wholeSeconds = (timeMs: number): number => Math.floor(timeMs / 1000) * 1000;
