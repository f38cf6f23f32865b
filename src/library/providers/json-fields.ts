// Fields of answers that somebody else's server gives: read one by one, and taken only where they are what they should be.
export type Json = Readonly<Record<string, unknown>>;

export const objectOf = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
export const listOf = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.map(objectOf) : []);

const MAX_TEXT = 10_000;

export const textOf = (value: unknown): string | null =>
  typeof value === 'string' && value.trim() !== '' ? value.trim().slice(0, MAX_TEXT) : null;

/** An id may be a number or its text. */
export const idOf = (value: unknown): string | null => (typeof value === 'number' ? String(value) : textOf(value));

export const numberOf = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null);

export const dayOf = (value: unknown): string | null => /^\d{4}-\d{2}-\d{2}/.exec(textOf(value) ?? '')?.[0] ?? null;

export function yearOf(value: unknown): number | null {
  const year = Number(/^\d{4}/.exec(idOf(value) ?? '')?.[0] ?? 0);
  return year >= 1800 && year <= 2200 ? year : null;
}

export const namesOf = (value: unknown, field = 'name'): string[] => listOf(value).flatMap(one => textOf(one[field]) ?? []);
