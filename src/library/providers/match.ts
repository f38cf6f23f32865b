// Which of the films that a database names is the one that is sought: none rather than a wrong one. Pure.
import { searchable } from '#domain/catalogue/title-text.ts';
import type { Sought } from './provider.ts';

export type Candidate = { readonly id: string; readonly titles: readonly string[]; readonly year: number | null };

/** Films are shown a year later elsewhere. */
const YEARS_APART = 1;

/** In the database's own order, which is by how well known they are. */
export function bestMatch({ title, year }: Pick<Sought, 'title' | 'year'>, candidates: readonly Candidate[]): Candidate | null {
  const wanted = searchable(title);
  const named = candidates.filter(({ titles }) => titles.some(one => searchable(one) === wanted));
  if (year === null) return named[0] ?? null;
  const near = named.filter(one => one.year !== null && Math.abs(one.year - year) <= YEARS_APART);
  return near.find(one => one.year === year) ?? near[0] ?? null;
}
