// Everything of a user that can be taken elsewhere: progress and history, as JSON.
import Type, { type Static } from 'typebox';
import type { UserId } from '#domain/ids.ts';
import type { Media } from '#domain/media.ts';
import type { HistoryRepository } from '#storage/records/history.ts';
import type { ProgressRepository } from '#storage/records/progress.ts';

export const USER_FORMAT = 'ferrite-user-1';

const Whole = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const OptionalText = Type.Optional(Type.Union([Type.String({ maxLength: 4_096 }), Type.Null()]));
const OptionalWhole = Type.Optional(Type.Union([Type.Integer(), Type.Null()]));

/** Any of these is enough to find a title; the others are for people who read the file. */
const Called = {
  mediaId: Type.String({ minLength: 1, maxLength: 64 }),
  /** Within its library. */
  path: OptionalText,
  fingerprint: OptionalText,
  title: OptionalText,
  year: OptionalWhole,
};

const ProgressRecord = Type.Object({
  ...Called,
  positionMs: Whole,
  durationMs: Whole,
  watched: Type.Boolean(),
  updatedAtMs: Whole,
  isHidden: Type.Optional(Type.Boolean()),
});

const HistoryRecord = Type.Object({
  ...Called,
  atMs: Whole,
  kind: Type.Union([Type.Literal('watched'), Type.Literal('played')]),
  positionMs: Whole,
  durationMs: Whole,
  episode: Type.Optional(
    Type.Union([
      Type.Object({
        season: Type.Union([Type.Integer(), Type.Null()]),
        episodes: Type.Array(Type.Integer(), { maxItems: 1_000 }),
        title: Type.Union([Type.String({ maxLength: 4_096 }), Type.Null()]),
      }),
      Type.Null(),
    ]),
  ),
});

export const UserFile = Type.Object({
  format: Type.Literal(USER_FORMAT),
  username: Type.Optional(Type.String({ maxLength: 512 })),
  exportedAtMs: Type.Optional(Whole),
  progress: Type.Array(ProgressRecord),
  history: Type.Optional(Type.Array(HistoryRecord)),
});
export type UserFile = Static<typeof UserFile>;

export type ExportSource = {
  readonly progress: ProgressRepository;
  readonly history: HistoryRepository;
  readonly media: { get(id: Media['id']): Media | undefined };
};

/** So that a large account is written without standing in anybody's way. */
const WRITTEN_AT_ONCE = 500;

/** The text of the file, in pieces. `withPaths`: for who may know where files lie. */
export async function* exportUser(
  { progress, history, media }: ExportSource,
  { id, username }: { readonly id: UserId; readonly username: string },
  { withPaths, nowMs }: { readonly withPaths: boolean; readonly nowMs: number },
): AsyncGenerator<string> {
  const called = (mediaId: Media['id']) => {
    const found = media.get(mediaId);
    if (found === undefined) return { mediaId };
    const { name, fingerprint, title, year } = found;
    return { mediaId, ...(withPaths ? { path: name } : {}), fingerprint, title, year };
  };
  // Taken at once: pages that are written later must not miss what moved meanwhile.
  const saved = [...progress.ofUser(id)];
  const watched = [...history.ofUser(id)];
  const records = function* (): Generator<string> {
    yield `{"format":${JSON.stringify(USER_FORMAT)},"username":${JSON.stringify(username)},"exportedAtMs":${nowMs},"progress":[`;
    for (const [at, { mediaId, progress: record, isHidden }] of saved.entries())
      yield `${at === 0 ? '' : ','}\n${JSON.stringify({ ...called(mediaId), ...record, ...(isHidden ? { isHidden } : {}) })}`;
    yield '],"history":[';
    for (const [at, { mediaId, ...entry }] of watched.entries())
      yield `${at === 0 ? '' : ','}\n${JSON.stringify({ ...called(mediaId), ...entry })}`;
    yield ']}\n';
  };
  let pieces: string[] = [];
  for (const piece of records()) {
    if (pieces.push(piece) < WRITTEN_AT_ONCE) continue;
    yield pieces.join('');
    pieces = [];
    await new Promise(resolve => setImmediate(resolve));
  }
  yield pieces.join('');
}
