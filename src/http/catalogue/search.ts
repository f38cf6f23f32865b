// Everything that matches a text, by kind: films, shows, episodes, people and collections, each with what of it matched.
import Type from 'typebox';
import { mayWatch } from '#domain/access/limits.ts';
import type { FacetId, MediaId, ShowId } from '#domain/ids.ts';
import type { Caller } from '#domain/media.ts';
import { requireCaller } from '#http/contract/caller.ts';
import { type Route, route } from '#http/contract/route.ts';
import { type GroupQuery, type Hit, type HitGroup, SEARCH_KINDS } from '#library/search/search-document.ts';
import { walkGroups } from '#library/search/walk.ts';
import { describeId, MediaItem } from './item-answers.ts';
import { type CatalogueParts, type SearchParts, watchableBy } from './parts.ts';
import { describeShow, ShowItem } from './shows.ts';

const Segments = Type.Array(Type.Object({ text: Type.String(), isMatch: Type.Boolean() }));
const Kind = Type.Union([
  Type.Literal('movie'),
  Type.Literal('show'),
  Type.Literal('collection'),
  Type.Literal('person'),
  Type.Literal('episode'),
]);
const Field = Type.Union([
  Type.Literal('title'),
  Type.Literal('originalTitle'),
  Type.Literal('showTitle'),
  Type.Literal('people'),
  Type.Literal('overview'),
]);
const By = Type.Union([Type.Literal('title'), Type.Literal('people'), Type.Literal('text'), Type.Literal('spelling')]);

const HitAnswer = Type.Object({
  id: Type.String(),
  kind: Kind,
  title: Type.String(),
  /** The title in parts, those marked that matched. Text, never markup. */
  titleSegments: Segments,
  /** What else matched, where the title did not. */
  match: Type.Union([Type.Object({ field: Field, segments: Segments }), Type.Null()]),
  /** As it was typed in its title or other names, in the names of people, in what is told of it; or spelt nearly so. */
  by: By,
  /** Of a film or an episode. */
  media: Type.Union([MediaItem, Type.Null()]),
  show: Type.Union([ShowItem, Type.Null()]),
});

const Query = Type.Object({
  query: Type.String({ maxLength: 200 }),
  kind: Type.Optional(Kind),
  libraryId: Type.Optional(Type.String()),
  year: Type.Optional(Type.Integer({ minimum: 1800, maximum: 3000 })),
  /** By name. */
  genre: Type.Optional(Type.String({ maxLength: 100 })),
  /** Of each kind. */
  limit: Type.Integer({ minimum: 1, maximum: 50, default: 8 }),
});

export const searchRoute = (parts: SearchParts): Route =>
  route({
    method: 'GET',
    path: '/api/v1/search',
    auth: 'user',
    summary:
      'Films, shows, episodes, people and collections that match, the best first: the last word may be half typed, and words misspelt',
    query: Query,
    responses: { 200: Type.Object({ groups: Type.Array(Type.Object({ kind: Kind, items: Type.Array(HitAnswer) })) }) },
    handler: async request => {
      const caller = requireCaller(request);
      const { query: text, kind, libraryId, year, genre, limit } = request.query;
      const { libraryIds, ages } = watchableBy(parts, caller, { libraryId });
      const wanted: GroupQuery = {
        text,
        kinds: kind === undefined ? SEARCH_KINDS : [kind],
        libraryIds: libraryIds === null ? null : [...libraryIds],
        genre: genre ?? null,
        year: year ?? null,
        maxAgeRating: ages?.most ?? null,
        allowsUnrated: ages?.allowsUnrated ?? true,
        limit,
      };
      const groups = (await parts.search.findGroups(wanted)) ?? walkGroups(wanted, parts.index);
      return {
        status: 200,
        json: { groups: groups.map(group => describeGroup(group, caller, parts)).filter(({ items }) => items.length > 0) },
      };
    },
  });

const describeGroup = ({ kind, hits }: HitGroup, caller: Caller, parts: CatalogueParts) => ({
  kind,
  items: hits.flatMap(hit => describeHit(hit, caller, parts)),
});

/** Nothing when it went away since the index was asked. */
function describeHit({ kind, id, title, match, by }: Hit, caller: Caller, parts: CatalogueParts) {
  const { index } = parts;
  const viewer = parts.viewerOf(caller);
  const isSeen = (subject: string): boolean => {
    const rated = index.itemOf(subject as MediaId) ?? index.showOf(subject as ShowId);
    return rated !== undefined && mayWatch(viewer, rated);
  };
  // A person is there for whoever may see one of their films.
  const facet = kind === 'person' || kind === 'collection' ? index.facets.get(kind, id as FacetId) : undefined;
  if (facet === undefined ? !isSeen(id) : ![...facet.subjects].some(isSeen)) return [];
  const [media = null] = kind === 'movie' || kind === 'episode' ? describeId(id as MediaId, caller, parts) : [];
  const show = kind === 'show' ? index.showOf(id as ShowId) : undefined;
  if (media === null && show === undefined && facet === undefined) return [];
  return [
    {
      kind,
      id,
      title: title.map(({ text }) => text).join(''),
      titleSegments: title,
      match,
      by,
      media,
      show: show === undefined ? null : describeShow(show, parts),
    },
  ];
}
