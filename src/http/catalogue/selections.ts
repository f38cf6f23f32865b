// What one browses by, as a filter of lists: the files and shows of a genre, a person or a collection, or of all of them at once.
import type { FacetId } from '#domain/ids.ts';
import { type FacetKind, type Facets, facetIdOf, type Subject } from '#library/items/facets.ts';

export type Selection = {
  /** By name or id. */
  readonly genre: string | undefined;
  readonly person: FacetId | undefined;
  readonly collection: FacetId | undefined;
};

/** Null: nothing is selected by. */
export function subjectsOf(facets: Facets, { genre, person, collection }: Selection): ReadonlySet<Subject> | null {
  const sets: ReadonlySet<Subject>[] = [];
  const select = (kind: FacetKind, id: FacetId): void => void sets.push(facets.get(kind, id)?.subjects ?? new Set());
  if (genre !== undefined) select('genre', facets.get('genre', genre as FacetId) ? (genre as FacetId) : facetIdOf('genre', genre));
  if (person !== undefined) select('person', person);
  if (collection !== undefined) select('collection', collection);
  const [first, ...others] = sets.sort((a, b) => a.size - b.size);
  if (first === undefined) return null;
  return others.length === 0 ? first : new Set([...first].filter(subject => others.every(other => other.has(subject))));
}
