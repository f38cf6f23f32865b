// The kinds of charts: bars beside each other, and lines over time.

/** A line across the drawing, as the 1× of ratios. */
export type Reference = { readonly value: number; readonly label: string };

export type Bar = {
  readonly label: string;
  readonly value: number;
  /** The spread that is drawn on the bar; equal where there is none. */
  readonly min: number;
  readonly max: number;
  readonly isProduct: boolean;
};

export type BarChart = {
  readonly kind: 'bars';
  /** The file's name, without its ending. */
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly bars: readonly Bar[];
  readonly reference: Reference | null;
};

export type Line = { readonly label: string; readonly points: readonly { readonly x: number; readonly y: number }[] };

export type LineChart = {
  readonly kind: 'lines';
  readonly name: string;
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** Five at most: so many colours are told apart. */
  readonly lines: readonly Line[];
  readonly reference: Reference | null;
};

export type Chart = BarChart | LineChart;
