// What a scan tells of itself while it runs and afterwards.
import type { ErrorCode } from '#domain/errors.ts';

export type ScanId = string;

export type ScanError = {
  /** Relative to the library folder; empty when it is about the scan itself. */
  readonly name: string;
  readonly code: ErrorCode;
  readonly message: string;
};

export type ScanCounts = {
  /** Video files met so far. */
  found: number;
  /** Inspected anew and catalogued. */
  probed: number;
  /** Known already: same size, same time. */
  unchanged: number;
  /** Known, and at another place than before. */
  moved: number;
  failed: number;
  removed: number;
};

export type ScanStatus = Readonly<ScanCounts> & {
  readonly scanId: ScanId | null;
  readonly state: 'idle' | 'running' | 'done' | 'failed';
  /** Null until all folders have been read; then probed + unchanged + moved + failed grow up to it. */
  readonly total: number | null;
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly errors: readonly ScanError[];
};

const MAX_ERRORS = 1000;

export const noCounts = (): ScanCounts => ({ found: 0, probed: 0, unchanged: 0, moved: 0, failed: 0, removed: 0 });

export const IDLE: ScanStatus = {
  scanId: null,
  state: 'idle',
  ...noCounts(),
  total: null,
  startedAtMs: null,
  endedAtMs: null,
  errors: [],
};

/** What goes on is noted here by whoever does it. */
export class ScanNotes {
  readonly counts = noCounts();
  readonly #errors: ScanError[] = [];

  get errors(): readonly ScanError[] {
    return [...this.#errors];
  }

  add(error: ScanError): void {
    if (this.#errors.length < MAX_ERRORS) this.#errors.push(error);
  }

  fail(name: string, error: { readonly code: ErrorCode; readonly message: string }): void {
    this.counts.failed++;
    this.add({ name, ...error });
  }
}
