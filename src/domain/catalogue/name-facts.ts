// What the name of a file says that it is: a film, an episode of a show, or an extra of one of them.

/** Kinds of extras, in the words of Kodi and Jellyfin. */
export const EXTRA_KINDS = [
  'trailer',
  'sample',
  'scene',
  'clip',
  'deleted-scene',
  'interview',
  'behind-the-scenes',
  'featurette',
  'short',
  'theme-song',
  'theme-video',
  'other',
] as const;
export type ExtraKind = (typeof EXTRA_KINDS)[number];

/** Where an episode stands in its show. Names number by season, through all seasons, or by the day of broadcast. */
export type EpisodeFacts = {
  /** 0: specials. Null: not told. */
  readonly season: number | null;
  /** Of its season, ascending: a file may hold several. Where the name tells no season, as it counts: the same as `absolute`. */
  readonly episodes: readonly number[];
  /** Counted through all seasons, ascending. */
  readonly absolute: readonly number[];
  /** YYYY-MM-DD. */
  readonly airDate: string | null;
  /** Of the episode itself. */
  readonly title: string | null;
};

/** What those who describe films and shows number them by. */
export type ProviderIds = { readonly imdb?: string; readonly tmdb?: string; readonly tvdb?: string };

export type NameFacts = {
  /** Of the film, or of the show that an episode belongs to; of an extra, its own. */
  readonly title: string;
  /** Of the film, or the first of the show. */
  readonly year: number | null;
  /** Such as "Director's Cut": as it is to be shown. */
  readonly edition: string | null;
  /** Of a film in several files: 1, 2, … */
  readonly part: number | null;
  readonly extra: ExtraKind | null;
  readonly episode: EpisodeFacts | null;
  /** Of the film, or of the show. */
  readonly ids: ProviderIds;
};
