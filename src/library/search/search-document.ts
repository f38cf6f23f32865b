// What the search knows of a film, a show, an episode, a person or a collection. Derived from the catalogue; the index keeps it whole, to show what matched.

/** In the order in which they go before each other where nothing else decides. */
export const SEARCH_KINDS = ['movie', 'show', 'collection', 'person', 'episode'] as const;
export type SearchKind = (typeof SEARCH_KINDS)[number];

export type SearchDocument = {
  readonly kind: SearchKind;
  /** Of the item, the show, or the facet. */
  readonly id: string;
  /** Whoever sees one of them sees it. */
  readonly libraryIds: readonly string[];
  readonly title: string;
  readonly originalTitle: string | null;
  /** Of an episode the title of its show. */
  readonly showTitle: string | null;
  /** What it is looked for by too, such as "s01e02" and what its file calls it. */
  readonly aliases: readonly string[];
  readonly people: readonly string[];
  readonly genres: readonly string[];
  readonly overview: string | null;
  readonly year: number | null;
  /** From how many years on; null: not told. */
  readonly ageRating: number | null;
  /** Among those that match alike: the smaller, the sooner. */
  readonly order: number;
};

export const FIELDS = ['title', 'originalTitle', 'showTitle', 'people', 'overview'] as const;
export type Field = (typeof FIELDS)[number];

/** A stretch of a text. */
export type Segment = { readonly text: string; readonly isMatch: boolean };
/** What of a document matched: a field with its text, whole or (of an overview) around the match. */
export type Match = { readonly field: Field; readonly segments: readonly Segment[] };

export type Hit = {
  readonly kind: SearchKind;
  readonly id: string;
  /** How it was found: as typed, in what is told of it, or spelt otherwise. */
  readonly by: 'title' | 'people' | 'text' | 'spelling';
  readonly title: readonly Segment[];
  /** Where it matched, if not in its title. */
  readonly match: Match | null;
};

export type SearchFilter = {
  readonly kinds: readonly SearchKind[];
  /** Null: every library. */
  readonly libraryIds: readonly string[] | null;
  readonly genre: string | null;
  readonly year: number | null;
  /** The oldest that may be seen; null: whatever its rating. */
  readonly maxAgeRating: number | null;
  /** Whether what has no rating may be seen, where the ratings count. */
  readonly allowsUnrated: boolean;
};

export type SearchQuery = SearchFilter & {
  readonly text: string;
  /** The last hit of the page before, and how many went before it in all. */
  readonly after: { readonly id: string; readonly offset: number } | null;
  readonly limit: number;
};

export type FoundId = Pick<Hit, 'kind' | 'id'>;
export type IdPage = { readonly ids: readonly FoundId[]; readonly isLast: boolean };

export type GroupQuery = SearchFilter & {
  readonly text: string;
  /** Of each kind. */
  readonly limit: number;
};
export type HitGroup = { readonly kind: SearchKind; readonly hits: readonly Hit[] };
