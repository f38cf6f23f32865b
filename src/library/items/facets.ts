// What one browses by: genres, people, collections, and which files and shows belong to each.

import { LRUCache } from 'lru-cache';
import type { Description, PersonJob } from '#domain/catalogue/description.ts';
import { detached, searchable, sortableTitle } from '#domain/catalogue/title-text.ts';
import { type FacetId, facetIdFor, type MediaId, type ShowId } from '#domain/ids.ts';
import { type Position, SortedList } from './sorted-list.ts';

export const FACET_KINDS = ['genre', 'person', 'collection'] as const;
export type FacetKind = (typeof FACET_KINDS)[number];
export type Subject = MediaId | ShowId;

export type Facet = {
  readonly id: FacetId;
  readonly kind: FacetKind;
  readonly name: string;
  readonly sortName: string;
  readonly subjects: ReadonlySet<Subject>;
};
type Kept = Facet & { readonly subjects: Set<Subject> };

/** Those that nobody looks for by name. */
const BROWSED_JOBS: ReadonlySet<PersonJob> = new Set(['actor', 'director', 'writer']);

export class Facets {
  readonly #onChanged: (facet: Facet) => void;
  readonly #facets = new Map<FacetId, Kept>();
  readonly #ofSubject = new Map<Subject, readonly Kept[]>();
  readonly #lists = new Map<FacetKind, SortedList<Facet>>();

  /** `onChanged`: told of a facet that has other subjects now, or none. */
  constructor(onChanged: (facet: Facet) => void = () => undefined) {
    this.#onChanged = onChanged;
  }

  get(kind: FacetKind, id: FacetId): Facet | undefined {
    const found = this.#facets.get(id);
    return found?.kind === kind ? found : undefined;
  }

  /** By name. */
  list(kind: FacetKind): SortedList<Facet> {
    const all = [...this.#facets.values()].filter(facet => facet.kind === kind);
    const list = this.#lists.get(kind) ?? new SortedList<Facet>(facetPosition, all);
    this.#lists.set(kind, list);
    return list;
  }

  put(subject: Subject, description: Description | undefined): void {
    const before = this.#ofSubject.get(subject) ?? [];
    const now = new Set(description === undefined ? [] : namesIn(description).map(([kind, name]) => this.#facet(kind, name)));
    for (const facet of now) facet.subjects.add(subject);
    for (const facet of before) if (!now.has(facet)) this.#leave(facet, subject);
    if (now.size === 0) this.#ofSubject.delete(subject);
    else this.#ofSubject.set(subject, [...now]);
    for (const facet of new Set([...before, ...now])) this.#onChanged(facet);
  }

  #leave(facet: Kept, subject: Subject): void {
    facet.subjects.delete(subject);
    if (facet.subjects.size > 0) return;
    this.#facets.delete(facet.id);
    this.#lists.get(facet.kind)?.remove(facet);
  }

  #facet(kind: FacetKind, told: string): Kept {
    const id = facetIdOf(kind, told);
    const known = this.#facets.get(id);
    if (known !== undefined) return known;
    const name = detached(told);
    const sortName = kind === 'person' ? searchable(name) : sortableTitle(name);
    const facet: Kept = { id, kind, name, sortName, subjects: new Set() };
    this.#facets.set(id, facet);
    this.#lists.get(kind)?.add(facet);
    return facet;
  }
}

export const facetPosition = ({ sortName, id }: Facet): Position => [0, sortName, id];

/** The same people have parts in many films. */
const IDS = new LRUCache<string, FacetId>({ max: 50_000 });

/** By which a person is found again: `personId` in answers. */
export function facetIdOf(kind: FacetKind, name: string): FacetId {
  const key = `${kind} ${name}`;
  const id = IDS.get(key) ?? facetIdFor(kind, searchable(name));
  IDS.set(key, id);
  return id;
}

function namesIn({ genres, people, collection }: Description): (readonly [FacetKind, string])[] {
  return [
    ...genres.map(name => ['genre', name] as const),
    ...people.filter(({ job }) => BROWSED_JOBS.has(job)).map(({ name }) => ['person', name] as const),
    ...(collection === null ? [] : [['collection', collection] as const]),
  ];
}
