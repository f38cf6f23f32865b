// What a check is, and how its findings are told.

export type Level = 'error' | 'warning';

export type Check<Subject> = {
  /** Kebab-case; findings are told by it. */
  readonly name: string;
  /** The document and its section. */
  readonly rule: string;
  readonly says: string;
  /** `warning`: a rule that is a recommendation, or that nothing here follows yet. */
  readonly level: Level;
  /** What is wrong; nothing where the rule is kept. */
  readonly find: (subject: Subject) => readonly string[];
};

export type Finding = {
  readonly check: string;
  readonly rule: string;
  readonly level: Level;
  readonly where: string;
  readonly what: string;
};

export const findingsOf = <Subject>(checks: readonly Check<Subject>[], subject: Subject, where: string): Finding[] =>
  checks.flatMap(({ name, rule, level, find }) => find(subject).map(what => ({ check: name, rule, level, where, what })));

export const RFC = 'RFC 8216';
export const BIS = 'RFC 8216bis';
export const APPLE = 'Apple authoring';
