// What a person has said of a film, an episode or a show that its name says wrongly. It goes before everything else, and stays when its file is scanned anew.

/** Of the databases that know films and shows. */
export type MatchIds = { readonly tmdb?: string; readonly tvdb?: string; readonly imdb?: string };

/** A field that is absent is not corrected. */
export type Correction = {
  readonly title?: string;
  readonly year?: number;
  readonly sortTitle?: string;
  readonly edition?: string;
  readonly season?: number;
  readonly episodes?: readonly number[];
  readonly ids?: MatchIds;
  /** Whatever files are called that say the same here, they are versions of one item; and of no other one. */
  readonly item?: string;
};
