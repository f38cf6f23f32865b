// An old table of progress, wherever it was read from.

export type LegacyRow = {
  /** Where it stands there: `row 12`, `line 13`. */
  readonly row: string;
  readonly values: Readonly<Record<string, unknown>>;
};

export type LegacyTable = {
  readonly columns: readonly string[];
  readonly rows: readonly LegacyRow[];
  /** What its other tables say: a title's path by its id there, a user's name by theirs. */
  readonly titles: ReadonlyMap<string, string>;
  readonly users: ReadonlyMap<string, string>;
};

/** The source is not what an import reads; told in a sentence. */
export class LegacyFailure extends Error {
  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.name = 'LegacyFailure';
  }
}
