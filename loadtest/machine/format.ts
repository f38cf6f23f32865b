// Numbers as they stand in tables and drawings.

/** Three digits that matter. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (Math.abs(value) >= 100) return String(Math.round(value));
  return String(Number(value.toPrecision(3)));
}

export const times = (ratio: number): string => `${ratio.toFixed(2)}×`;
