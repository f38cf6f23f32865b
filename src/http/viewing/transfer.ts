// Everything of the caller that can be taken elsewhere, and brought back.
import Type from 'typebox';
import type { MediaId } from '#domain/ids.ts';
import type { Media } from '#domain/media.ts';
import { mayWatchMedia } from '#http/catalogue/parts.ts';
import { requireCaller } from '#http/contract/caller.ts';
import { type Route, route } from '#http/contract/route.ts';
import { REFUSALS } from '#src/progress/transfer/import-plan.ts';
import { planUserImport, writeImport } from '#src/progress/transfer/import-user.ts';
import { exportUser, UserFile } from '#src/progress/transfer/user-file.ts';
import type { ViewingParts } from './parts.ts';

/** Some fifteen thousand records: more comes in several files, or by the command. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;
/** All of them are counted. */
const MAX_TOLD = 200;

const Imported = Type.Object({
  imported: Type.Integer(),
  unchanged: Type.Integer(),
  /** New entries of the history. */
  history: Type.Integer(),
  refused: Type.Integer(),
  /** The first of them. */
  rows: Type.Array(
    Type.Object({
      row: Type.String(),
      reason: Type.Union(REFUSALS.map(reason => Type.Literal(reason))),
      detail: Type.Optional(Type.String()),
    }),
  ),
});

export const transferRoutes = (parts: ViewingParts): Route[] => [exportMine(parts), importMine(parts)];

function exportMine(parts: ViewingParts): Route {
  return route({
    method: 'GET',
    path: '/api/v1/me/export',
    auth: 'user',
    summary: "The caller's progress and history as a file that can be imported",
    responses: { 200: UserFile },
    handler: async request => {
      const { userId, username, role } = requireCaller(request);
      const source = { ...parts.progress.records, media: parts.media };
      const pieces: Buffer[] = [];
      for await (const piece of exportUser(source, { id: userId, username }, { withPaths: role === 'admin', nowMs: Date.now() }))
        pieces.push(Buffer.from(piece));
      const headers = { 'Content-Disposition': 'attachment; filename="ferrite-export.json"', 'Cache-Control': 'no-store' };
      return { status: 200, headers, bytes: Buffer.concat(pieces), contentType: 'application/json' };
    },
  });
}

function importMine(parts: ViewingParts): Route {
  return route({
    method: 'POST',
    path: '/api/v1/me/import',
    auth: 'user',
    summary: 'Reads an exported file into the account of the caller: what is newer is taken. At most 4 MiB',
    body: UserFile,
    maxBodyBytes: MAX_FILE_BYTES,
    responses: { 200: Imported, 400: 'INVALID_REQUEST', 413: 'BODY_TOO_LARGE' },
    handler: async request => {
      const caller = requireCaller(request);
      const { userId } = caller;
      const target = { ...parts.progress.records, media: watchable(parts, mayWatchMedia(parts, caller)) };
      const nowMs = Date.now();
      const { plan, history: entries } = await planUserImport(target, userId, request.body, nowMs);
      const history = await parts.progress.change(userId, tx => writeImport(tx, target, { writes: plan.writes, entries, userId, nowMs }));
      const rows = plan.refusals
        .slice(0, MAX_TOLD)
        .map(({ row, reason, detail }) => ({ row, reason, ...(detail === undefined ? {} : { detail }) }));
      return {
        status: 200,
        json: { imported: plan.writes.length, unchanged: plan.unchanged, history, refused: plan.refusals.length, rows },
      };
    },
  });
}

/** What the caller may not watch is not there for an import either. */
function watchable({ media }: ViewingParts, mayWatch: (media: Media) => boolean) {
  return {
    get: (id: MediaId): Media | undefined => {
      const found = media.get(id);
      return found !== undefined && mayWatch(found) ? found : undefined;
    },
    *all(): Generator<Media> {
      for (const one of media.all()) if (mayWatch(one)) yield one;
    },
  };
}
