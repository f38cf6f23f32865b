// What administrators say of films, episodes and shows that their names say wrongly, and which files are versions of each other.
import Type, { type Static } from 'typebox';
import type { Correction } from '#domain/catalogue/correction.ts';
import { FerriteError } from '#domain/errors.ts';
import { type MediaId, newItemKey, type ShowId } from '#domain/ids.ts';
import { requireCaller } from '#http/contract/caller.ts';
import { type Route, route } from '#http/contract/route.ts';
import type { Item } from '#library/items/items.ts';
import { describeFully, MediaDetails } from './media.ts';
import { type CatalogueParts, requireFile } from './parts.ts';
import { describeShowFully, requireShow, ShowDetails } from './shows.ts';

/** Null takes a correction back. */
const orNull = <T extends ReturnType<typeof Type.String> | ReturnType<typeof Type.Integer>>(schema: T) =>
  Type.Optional(Type.Union([schema, Type.Null()]));
const Title = Type.String({ minLength: 1, maxLength: 500, pattern: '\\S' });
const MatchId = Type.Optional(Type.String({ minLength: 1, maxLength: 40, pattern: '^[A-Za-z0-9_-]+$' }));

const ShowFields = {
  title: orNull(Title),
  year: orNull(Type.Integer({ minimum: 1800, maximum: 3000 })),
  sortTitle: orNull(Title),
  /** What it is in the databases of films. */
  match: Type.Optional(Type.Union([Type.Object({ tmdb: MatchId, tvdb: MatchId, imdb: MatchId }), Type.Null()])),
};
const ShowCorrection = Type.Object(ShowFields);
const MediaCorrection = Type.Object({
  ...ShowFields,
  /** Of this one file. */
  edition: orNull(Title),
  season: orNull(Type.Integer({ minimum: 0, maximum: 9999 })),
  episodes: Type.Optional(
    Type.Union([Type.Array(Type.Integer({ minimum: 0, maximum: 99_999 }), { minItems: 1, maxItems: 50 }), Type.Null()]),
  ),
});

const Ids = Type.Array(Type.String({ maxLength: 40 }), { minItems: 1, maxItems: 200 });

export type CorrectionParts = CatalogueParts & {
  /** Told of a film or a show of which a person has said which one it is. */
  readonly onMatched: (id: MediaId) => void;
  readonly onShowMatched: (id: ShowId) => void;
};

export const correctionRoutes = (parts: CorrectionParts): Route[] => [correctMedia(parts), correctShow(parts), merge(parts), split(parts)];

function correctMedia(parts: CorrectionParts): Route {
  return route({
    method: 'PATCH',
    path: '/api/v1/media/:mediaId',
    auth: 'admin',
    summary: 'Corrects what a film or an episode is called, for all of its versions; kept through scans. `null` takes a correction back',
    body: MediaCorrection,
    responses: { 200: MediaDetails, 400: 'INVALID_REQUEST', 404: 'MEDIA_NOT_FOUND' },
    handler: async request => {
      const media = requireFile(parts.media, request.params.mediaId);
      const { edition: _, ...shared } = request.body;
      const files = filesOf(parts.index.itemOf(media.id), media.id);
      const changed = files.map(id => [id, patched(parts.corrections.get(id), id === media.id ? request.body : shared)] as const);
      await keep(parts, new Map(changed));
      if (request.body.match) parts.onMatched(media.id);
      return { status: 200, json: describeFully(requireFile(parts.media, media.id), requireCaller(request), parts) };
    },
  });
}

function correctShow(parts: CorrectionParts): Route {
  return route({
    method: 'PATCH',
    path: '/api/v1/shows/:showId',
    auth: 'admin',
    summary: 'Corrects what a show is called; kept through scans. `null` takes a correction back',
    body: ShowCorrection,
    responses: { 200: ShowDetails, 400: 'INVALID_REQUEST', 404: 'SHOW_NOT_FOUND' },
    handler: async request => {
      const { id } = requireShow(parts, requireCaller(request), request.params.showId);
      await parts.corrections.putAll(new Map([[id, patched(parts.corrections.get(id), request.body)]]));
      parts.index.putShow(id);
      if (request.body.match) parts.onShowMatched(id);
      return { status: 200, json: describeShowFully(requireShow(parts, requireCaller(request), id), requireCaller(request), parts) };
    },
  });
}

function merge(parts: CatalogueParts): Route {
  return route({
    method: 'POST',
    path: '/api/v1/media/:mediaId/merge',
    auth: 'admin',
    summary: 'Makes others, with all of their versions, versions of this film or episode',
    body: Type.Object({ mediaIds: Ids }),
    responses: { 200: MediaDetails, 400: 'INVALID_REQUEST', 404: 'MEDIA_NOT_FOUND' },
    handler: async request => {
      const target = requireItem(parts, request.params.mediaId);
      const others = request.body.mediaIds.map(id => requireItem(parts, id));
      if (others.some(({ kind, libraryId }) => kind !== target.kind || libraryId !== target.libraryId))
        throw invalid('/mediaIds', 'must be of the same kind and library');
      // Named by its title and year it also takes in what is called so later; without a year that would be too much.
      const [[lead] = []] = target.versions;
      const isTold = lead?.isEpisode === true || lead?.keyYear !== null;
      const key = lead?.item ?? (isTold ? parts.index.itemKeyOf(target.id) : undefined) ?? newItemKey();
      await pin(
        parts,
        [target, ...others].flatMap(item => filesOf(item, item.id)),
        key,
      );
      return { status: 200, json: describeFully(requireFile(parts.media, target.id), requireCaller(request), parts) };
    },
  });
}

function split(parts: CatalogueParts): Route {
  return route({
    method: 'POST',
    path: '/api/v1/media/:mediaId/split',
    auth: 'admin',
    summary: 'Makes this version, or these, a film or episode of its own',
    body: Type.Object({ mediaIds: Type.Optional(Ids) }),
    responses: { 200: MediaDetails, 400: 'INVALID_REQUEST', 404: 'MEDIA_NOT_FOUND', 409: 'CONFLICT: there is nothing left to split from' },
    handler: async request => {
      const item = requireItem(parts, request.params.mediaId);
      const wanted = new Set((request.body.mediaIds ?? [request.params.mediaId]).map(id => requireFile(parts.media, id).id));
      const leaving = item.versions.filter(version => version.some(({ id }) => wanted.has(id)));
      if ([...wanted].some(id => !item.versions.flat().some(file => file.id === id))) throw invalid('/mediaIds', 'must be versions of it');
      if (leaving.length === item.versions.length) throw new FerriteError('CONFLICT', 'these are all of its versions');
      const files = leaving.flat().map(({ id }) => id);
      await pin(parts, files, newItemKey());
      return { status: 200, json: describeFully(requireFile(parts.media, files[0] ?? item.id), requireCaller(request), parts) };
    },
  });
}

async function pin(parts: CatalogueParts, files: readonly MediaId[], item: string): Promise<void> {
  await keep(parts, new Map(files.map(id => [id, { ...parts.corrections.get(id), item }])));
}

async function keep(parts: CatalogueParts, corrections: ReadonlyMap<MediaId, Correction>): Promise<void> {
  await parts.corrections.putAll(corrections as ReadonlyMap<MediaId | ShowId, Correction>);
  for (const id of corrections.keys()) {
    const media = parts.media.get(id);
    if (media !== undefined) parts.index.put(media);
  }
}

/** The correction with the fields that are named, and without those that are named `null`. */
function patched(before: Correction | undefined, { match, ...fields }: Static<typeof MediaCorrection>): Correction {
  const now = new Map<string, unknown>(Object.entries(before ?? {}));
  for (const [field, value] of Object.entries({ ...fields, ids: match })) {
    if (value === null) now.delete(field);
    else if (value !== undefined) now.set(field, typeof value === 'string' ? value.trim() : value);
  }
  return Object.fromEntries(now);
}

const filesOf = (item: Item | undefined, id: MediaId): readonly MediaId[] => item?.versions.flat().map(file => file.id) ?? [id];

function requireItem(parts: CatalogueParts, mediaId: string): Item {
  const { id } = requireFile(parts.media, mediaId);
  const item = parts.index.itemOf(id);
  if (item === undefined) throw invalid('/mediaId', 'is an extra, which has no versions');
  return item;
}

const invalid = (path: string, message: string): FerriteError =>
  new FerriteError('INVALID_REQUEST', `${path} ${message}`, { fields: [{ path, message }] });
