// Failures of an inspection that may be no fault of the file: worth another try.
import { type ErrorCode, FerriteError } from '#domain/errors.ts';

const LOSSES: ReadonlySet<ErrorCode> = new Set(['INSPECTOR_LOST', 'WORKER_LOST']);

export const isLoss = (error: unknown): error is FerriteError => error instanceof FerriteError && LOSSES.has(error.code);
