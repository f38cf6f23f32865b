// Films, episodes and extras as a caller sees them: each with its versions and the caller's progress.
import Type from 'typebox';
import { type ItemProgress, itemProgress } from '#domain/catalogue/item-progress.ts';
import type { MediaId } from '#domain/ids.ts';
import type { Caller, Media, Progress } from '#domain/media.ts';
import type { Item } from '#library/items/items.ts';
import { lengthOf, type Version } from '#library/items/versions.ts';
import { artworkUrl, BriefFields, briefly, recordsOfItem } from './description-answers.ts';
import { type CatalogueParts, mayWatchMedia } from './parts.ts';

export const ProgressAnswer = Type.Object({
  positionMs: Type.Integer(),
  durationMs: Type.Integer(),
  watched: Type.Boolean(),
  updatedAtMs: Type.Integer(),
});

const OptionalText = Type.Union([Type.String(), Type.Null()]);
const OptionalWhole = Type.Union([Type.Integer(), Type.Null()]);
export const OptionalProgress = Type.Union([ProgressAnswer, Type.Null()]);
const Numbers = Type.Array(Type.Integer());

const VersionAnswer = Type.Object({
  mediaId: Type.String(),
  /** For administrators. */
  path: Type.Optional(Type.String()),
  edition: OptionalText,
  container: Type.String(),
  width: Type.Integer(),
  height: Type.Integer(),
  durationMs: Type.Integer(),
  bitrateBps: Type.Integer(),
  /** The files that are played one after the other, the version's own first: one, but for a film in parts. */
  parts: Type.Array(Type.Object({ mediaId: Type.String(), durationMs: Type.Integer() })),
  progress: OptionalProgress,
});

export const MediaItem = Type.Object({
  id: Type.String(),
  libraryId: Type.String(),
  kind: Type.Union([Type.Literal('movie'), Type.Literal('episode'), Type.Literal('extra')]),
  /** Of an episode its own. */
  title: Type.String(),
  year: OptionalWhole,
  edition: OptionalText,
  /** Of an episode: what it belongs to, and where it stands there. Season 0: specials. */
  show: Type.Union([Type.Object({ id: Type.String(), title: Type.String(), year: OptionalWhole }), Type.Null()]),
  season: OptionalWhole,
  episodes: Numbers,
  absolute: Numbers,
  airDate: OptionalText,
  /** Of an extra: trailer, interview, … */
  extra: OptionalText,
  ...BriefFields,
  durationMs: Type.Integer(),
  container: Type.String(),
  width: Type.Integer(),
  height: Type.Integer(),
  videoCodec: OptionalText,
  audioCodecs: Type.Array(Type.String()),
  posterUrl: OptionalText,
  /** It has none yet: ask again in a while. */
  isPosterPending: Type.Boolean(),
  addedAtMs: Type.Integer(),
  /** Of whichever version was watched last. */
  progress: OptionalProgress,
  /** Every version of the film, this one among them, the sharpest first. */
  versions: Type.Array(VersionAnswer),
});

/** A file with what it is a version of. */
export function describeMedia(media: Media, caller: Caller, parts: CatalogueParts) {
  const { id, libraryId, streams, extra } = media;
  const item = parts.index.itemOf(id);
  const versions: readonly Version[] = item?.versions ?? [];
  const own = versions.find(version => version.some(part => part.id === id));
  const progress = progressOf(item, media, caller, parts);
  const told = recordsOfItem(media, item, parts);
  const pictured = artworkUrl(item?.kind === 'episode' ? 'thumb' : 'poster', told.records, parts);
  return {
    id,
    libraryId,
    kind: item?.kind ?? 'extra',
    title: item?.title ?? media.title,
    year: item === undefined ? media.year : item.year,
    edition: own?.[0].edition ?? media.edition,
    ...placeOf(item, parts),
    extra,
    ...briefly(told),
    durationMs: own === undefined ? media.durationMs : lengthOf(own),
    ...pictureOf(media),
    videoCodec: streams.video[0]?.codec ?? null,
    audioCodecs: streams.audio.map(({ codec }) => codec),
    posterUrl: pictured ?? parts.links.urlOf(media),
    isPosterPending: pictured === null && media.hasPoster === null,
    addedAtMs: item?.addedAtMs ?? media.addedAtMs,
    progress: progress?.progress ?? null,
    versions:
      versions.length === 0
        ? [describeVersion([media], media, caller, parts)]
        : versions.flatMap(version => {
            const first = version[0].id === id ? media : parts.media.get(version[0].id);
            return first === undefined ? [] : [describeVersion(version, first, caller, parts)];
          }),
  };
}

/** Nothing when the record went away since the index was asked. */
export function describeId(id: MediaId, caller: Caller, parts: CatalogueParts) {
  const media = parts.media.get(id);
  return media === undefined ? [] : [describeMedia(media, caller, parts)];
}

/** Those that the caller may watch. */
export function describeExtras(ids: readonly MediaId[], caller: Caller, parts: CatalogueParts) {
  const mayWatch = mayWatchMedia(parts, caller);
  return ids.flatMap(id => {
    const media = parts.media.get(id);
    return media !== undefined && mayWatch(media) ? [describeMedia(media, caller, parts)] : [];
  });
}

function progressOf(item: Item | undefined, media: Media, { userId }: Caller, { progress }: CatalogueParts): ItemProgress | null {
  return itemProgress(item?.versions ?? [[media]], id => progress.get(userId, id));
}

function placeOf(item: Item | undefined, { index }: CatalogueParts) {
  const show = item === undefined || item.showId === null ? undefined : index.showOf(item.showId);
  const { season = null, episodes = [], absolute = [], airDate = null } = item?.place ?? {};
  return { show: show === undefined ? null : { id: show.id, title: show.title, year: show.year }, season, episodes, absolute, airDate };
}

type Part = { readonly id: MediaId; readonly durationMs: number; readonly edition: string | null };

function describeVersion(version: readonly Part[], first: Media, { userId, role }: Caller, { progress }: CatalogueParts) {
  const saved: Progress | undefined = itemProgress([version], id => progress.get(userId, id))?.progress;
  return {
    mediaId: first.id,
    ...(role === 'admin' ? { path: first.path } : {}),
    edition: version[0]?.edition ?? null,
    ...pictureOf(first),
    durationMs: lengthOf(version),
    bitrateBps: first.bitrateBps,
    parts: version.map(({ id, durationMs }) => ({ mediaId: id, durationMs })),
    progress: saved ?? null,
  };
}

/** As it is shown. */
function pictureOf({ container, streams }: Media) {
  const [video] = streams.video;
  const isTurned = video !== undefined && video.rotation % 180 !== 0;
  const { width, height } = video?.crop ?? video ?? { width: 0, height: 0 };
  return { container, width: isTurned ? height : width, height: isTurned ? width : height };
}
