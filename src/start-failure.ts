// Why a server did not start: a sentence for whoever started it, and an exit code that scripts can decide on (docs/operations.md lists them).
import { FerriteError } from './domain/errors.ts';

export const EXIT = {
  /** Anything that has no code of its own: a port in use, a folder that can not be written. */
  failed: 1,
  badConfiguration: 2,
  dataFolderInUse: 3,
  storeDamaged: 4,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export class StartFailure extends Error {
  readonly exitCode: ExitCode;
  constructor(exitCode: ExitCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.name = 'StartFailure';
    this.exitCode = exitCode;
  }
}

export const exitCodeOf = (error: unknown): ExitCode => (error instanceof StartFailure ? error.exitCode : EXIT.failed);

/** One line, without a stack: what failed, and what the system said about it. */
export function inOneLine(error: unknown): string {
  const texts: string[] = [];
  for (let next: unknown = error; next instanceof Error && texts.length < 4; next = next.cause) {
    const text =
      next instanceof FerriteError || next instanceof StartFailure || 'code' in next
        ? next.message
        : `${next.name === 'Error' ? '' : `${next.name}: `}${next.message}`;
    if (!texts.some(told => told.includes(text))) texts.push(text);
    // What a decoder says quotes the record: it may hold a password's hash.
    if (next instanceof StartFailure && next.exitCode === EXIT.storeDamaged) break;
  }
  return (texts.join(': ') || String(error)).replaceAll(/\s*\n\s*/g, ' ');
}
