// The options and the result of a scenario. The report is made from the result alone.
import type { Chart } from './charts/chart.ts';
import type { ProgramName } from './machine/programs.ts';

export type ScenarioOptions = {
  /** A running server to measure; null: each scenario starts its own. */
  readonly remote: Remote | null;
  /** Rounds of each comparison; null: the scenario's own number. */
  readonly rounds: number | null;
  /** Where films that take long to make are kept between runs. */
  readonly mediaDir: string;
  /** Sessions of scenarios that start many; null: the scenario's own number. */
  readonly sessions: number | null;
  /** Viewers of scenarios with players; null: the scenario's own number. */
  readonly viewers: number | null;
  /** How long scenarios with players go on; null: the scenario's own time. */
  readonly minutes: number | null;
  /** Prints a line of progress. */
  readonly say: (line: string) => void;
};

export type Remote = { readonly url: string; readonly username: string; readonly password: string };

export type Cell = string | number | null;

export type Table = {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
};

/** An aim of the project and whether this run met it. */
export type Aim = { readonly what: string; readonly aim: string; readonly measured: string; readonly isMet: boolean };

export type Result = {
  readonly tables: readonly Table[];
  readonly aims: readonly Aim[];
  readonly notes: readonly string[];
  /** Every sample, for other computations. */
  readonly samples: Readonly<Record<string, readonly number[]>>;
  /** The charts that `charts` draws from the JSON. */
  readonly charts?: readonly Chart[];
};

export type Scenario = {
  readonly about: string;
  readonly needs: readonly ProgramName[];
  /** True when the scenario can measure a server that runs already. */
  readonly allowsRemote: boolean;
  readonly run: (options: ScenarioOptions) => Promise<Result>;
};
