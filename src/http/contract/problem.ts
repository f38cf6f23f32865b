// A failure as the client sees it: application/problem+json (RFC 9457). The only place where an error becomes a status.
import { ERRORS, type ErrorCode, FerriteError, type FieldError } from '#domain/errors.ts';
import type { Reply } from './route.ts';

type Problem = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly retryAfterMs?: number;
  readonly errors?: readonly FieldError[];
  /** Members of one code only, such as the queue's depth with OVERLOADED. */
  readonly [extension: string]: unknown;
};

/** Anything that is not a FerriteError is a bug: its text and stack stay inside. */
function toProblem(error: unknown): Problem {
  const failure = error instanceof FerriteError ? error : new FerriteError('INTERNAL', 'an unexpected failure');
  const { status, title } = ERRORS[failure.code];
  return {
    ...failure.details,
    type: `/problems/${failure.code.toLowerCase().replaceAll('_', '-')}`,
    title,
    status,
    detail: failure.message,
    code: failure.code,
    ...(failure.retryAfterMs === undefined ? {} : { retryAfterMs: failure.retryAfterMs }),
    ...(failure.fields.length === 0 ? {} : { errors: failure.fields }),
  };
}

export function problemReply(error: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  const problem = toProblem(error);
  const { status, retryAfterMs } = problem;
  return {
    status,
    bytes: Buffer.from(JSON.stringify(problem)),
    contentType: 'application/problem+json',
    headers: {
      'Cache-Control': 'no-store',
      ...(retryAfterMs === undefined ? {} : { 'Retry-After': String(Math.ceil(retryAfterMs / 1000)) }),
      ...(status === 401 ? { 'WWW-Authenticate': 'Bearer' } : {}),
      ...headers,
    },
  };
}

export const isCancelled = (error: unknown): boolean => error instanceof FerriteError && error.code === 'CANCELLED';
