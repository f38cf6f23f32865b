// Libraries and their scans; together with the titles in them, all of the catalogue's routes.
import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import Type from 'typebox';
import { mayEnter } from '#domain/access/limits.ts';
import { FerriteError, type FieldError } from '#domain/errors.ts';
import { newLibraryId, parseLibraryId } from '#domain/ids.ts';
import type { Caller, Library } from '#domain/media.ts';
import { requireCaller } from '#http/contract/caller.ts';
import { type Route, route } from '#http/contract/route.ts';
import type { ArtworkFiles } from '#library/metadata/artwork-files.ts';
import type { PosterFiles } from '#library/posters.ts';
import type { LibraryScanner } from '#library/scan/scanner.ts';
import type { LibraryWatches } from '#library/watch/watches.ts';
import type { LibraryRepository } from '#storage/records/libraries.ts';
import { artworkRoute } from './artwork.ts';
import { type CorrectionParts, correctionRoutes } from './corrections.ts';
import { facetRoutes } from './facets.ts';
import { type FolderRoots, foldersRoute } from './folders.ts';
import { mediaRoutes } from './media.ts';
import type { SearchParts } from './parts.ts';
import { posterRoute } from './posters.ts';
import { searchRoute } from './search.ts';
import { showRoutes } from './shows.ts';

export type LibraryRouteOptions = CorrectionParts &
  SearchParts & {
    readonly roots: FolderRoots;
    readonly scanner: LibraryScanner;
    readonly watches: LibraryWatches;
    readonly posters: PosterFiles;
    readonly artwork: ArtworkFiles;
    /** Told that a library came or went by whom. */
    readonly noted: (request: NotedRequest, event: 'library-added' | 'library-removed', library: Library) => Promise<void>;
  };

type NotedRequest = Pick<Parameters<Route['handler']>[0], 'caller' | 'header' | 'remoteAddress'>;

const Kind = Type.Union([Type.Literal('movies'), Type.Literal('shows')]);
const LibraryAnswer = Type.Object({
  id: Type.String(),
  name: Type.String(),
  kind: Kind,
  paths: Type.Array(Type.String()),
  createdAtMs: Type.Integer(),
});
const NewLibrary = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 100, pattern: '\\S' }),
  kind: Kind,
  paths: Type.Array(Type.String({ minLength: 1, maxLength: 4096 }), { minItems: 1, maxItems: 20 }),
});
const ScanStarted = Type.Object({ scanId: Type.String() });
const OptionalNumber = Type.Union([Type.Integer(), Type.Null()]);
/** Null where nothing is watched. */
const Watch = Type.Object({
  roots: Type.Array(
    Type.Object({
      path: Type.String(),
      mode: Type.Union([Type.Literal('events'), Type.Literal('polling'), Type.Literal('unreachable')]),
      warning: Type.Union([Type.String(), Type.Null()]),
    }),
  ),
  waiting: Type.Integer(),
  probed: Type.Integer(),
  moved: Type.Integer(),
  removed: Type.Integer(),
  failed: Type.Integer(),
  lastChangeAtMs: OptionalNumber,
});
const ScanAnswer = Type.Object({
  scanId: Type.Union([Type.String(), Type.Null()]),
  state: Type.Union([Type.Literal('idle'), Type.Literal('running'), Type.Literal('done'), Type.Literal('failed')]),
  found: Type.Integer(),
  probed: Type.Integer(),
  unchanged: Type.Integer(),
  moved: Type.Integer(),
  failed: Type.Integer(),
  removed: Type.Integer(),
  total: OptionalNumber,
  startedAtMs: OptionalNumber,
  endedAtMs: OptionalNumber,
  errors: Type.Array(Type.Object({ name: Type.String(), code: Type.String(), message: Type.String() })),
  watch: Type.Union([Watch, Type.Null()]),
});

export const libraryRoutes = (options: LibraryRouteOptions): Route[] => [
  listLibraries(options),
  addLibrary(options),
  removeLibrary(options),
  startScan(options),
  getScan(options),
  cancelScan(options),
  ...mediaRoutes(options),
  ...showRoutes(options),
  searchRoute(options),
  ...facetRoutes(options),
  ...correctionRoutes(options),
  foldersRoute(options.roots),
  posterRoute(options),
  artworkRoute(options),
];

function listLibraries({ libraries, viewerOf }: LibraryRouteOptions): Route {
  return route({
    method: 'GET',
    path: '/api/v1/libraries',
    auth: 'user',
    summary: 'The libraries that are there for the caller; their folders only for administrators',
    responses: { 200: Type.Object({ items: Type.Array(LibraryAnswer), nextCursor: Type.Null() }) },
    handler: request => {
      const caller = requireCaller(request);
      const viewer = viewerOf(caller);
      const there = libraries.list().filter(({ id }) => mayEnter(viewer, id));
      return { status: 200, json: { items: there.map(library => describe(library, caller)), nextCursor: null } };
    },
  });
}

function addLibrary({ libraries, scanner, watches, roots, noted }: LibraryRouteOptions): Route {
  /** Names on their way into the store, so that of two equal requests one loses. */
  const pending = new Set<string>();
  return route({
    method: 'POST',
    path: '/api/v1/libraries',
    auth: 'admin',
    summary: 'Adds a library and starts its first scan',
    body: NewLibrary,
    responses: { 201: Type.Intersect([LibraryAnswer, ScanStarted]), 400: 'INVALID_REQUEST', 409: 'CONFLICT: the name is taken' },
    handler: async request => {
      const { kind, paths } = request.body;
      const name = request.body.name.trim();
      const key = name.toLowerCase();
      if (pending.has(key) || libraries.list().some(library => library.name.toLowerCase() === key)) {
        throw new FerriteError('CONFLICT', 'another library has this name');
      }
      pending.add(key);
      try {
        const library: Library = { id: newLibraryId(), name, kind, paths: await resolveFolders(paths, roots), createdAtMs: Date.now() };
        await libraries.put(library);
        await noted(request, 'library-added', library);
        await watches.add(library);
        return { status: 201, json: { ...describe(library, requireCaller(request)), scanId: scanner.start(library) } };
      } finally {
        pending.delete(key);
      }
    },
  });
}

function removeLibrary({ libraries, scanner, watches, noted }: LibraryRouteOptions): Route {
  return route({
    method: 'DELETE',
    path: '/api/v1/libraries/:libraryId',
    auth: 'admin',
    summary: 'Removes a library and its titles from the catalogue. No file is touched',
    responses: { 204: 'removed', 404: 'LIBRARY_NOT_FOUND' },
    handler: async request => {
      const library = requireLibrary(libraries, request.params.libraryId);
      const { id } = library;
      await libraries.remove(id);
      await noted(request, 'library-removed', library);
      await watches.remove(id);
      await scanner.forget(id);
      return { status: 204, empty: true };
    },
  });
}

function startScan({ libraries, scanner }: LibraryRouteOptions): Route {
  return route({
    method: 'POST',
    path: '/api/v1/libraries/:libraryId/scan',
    auth: 'admin',
    summary: 'Starts a full scan; while one runs, names that one',
    responses: { 202: ScanStarted, 404: 'LIBRARY_NOT_FOUND' },
    handler: ({ params }) => ({ status: 202, json: { scanId: scanner.start(requireLibrary(libraries, params.libraryId)) } }),
  });
}

function getScan({ libraries, scanner, watches }: LibraryRouteOptions): Route {
  return route({
    method: 'GET',
    path: '/api/v1/libraries/:libraryId/scan',
    auth: 'admin',
    summary: 'How the running scan, or the last one, is going, and what was done about changes since the start',
    responses: { 200: ScanAnswer, 404: 'LIBRARY_NOT_FOUND' },
    handler: ({ params }) => {
      const { id } = requireLibrary(libraries, params.libraryId);
      return { status: 200, json: { ...scanner.status(id), watch: watches.status(id) } };
    },
  });
}

function cancelScan({ libraries, scanner }: LibraryRouteOptions): Route {
  return route({
    method: 'DELETE',
    path: '/api/v1/libraries/:libraryId/scan',
    auth: 'admin',
    summary: 'Ends the running scan. What it has catalogued stays, and the next one goes on from there',
    responses: { 204: 'ended, or none was running', 404: 'LIBRARY_NOT_FOUND' },
    handler: ({ params }) => {
      scanner.cancel(requireLibrary(libraries, params.libraryId).id);
      return { status: 204, empty: true };
    },
  });
}

function requireLibrary(libraries: LibraryRepository, libraryId: string): Library {
  const library = libraries.get(parseLibraryId(libraryId));
  if (library === undefined) throw new FerriteError('LIBRARY_NOT_FOUND', 'there is no such library');
  return library;
}

/** Viewers need not know where on the host the films lie. */
const describe = ({ id, name, kind, paths, createdAtMs }: Library, { role }: Caller) => ({
  id,
  name,
  kind,
  paths: role === 'admin' ? paths : [],
  createdAtMs,
});

async function resolveFolders(paths: readonly string[], roots: FolderRoots): Promise<readonly string[]> {
  const fields: FieldError[] = [];
  const folders = new Set<string>();
  for (const [index, path] of paths.entries()) {
    const checked = await checkFolder(path, roots);
    if ('fault' in checked) fields.push({ path: `/paths/${index}`, message: checked.fault });
    else folders.add(checked.folder);
  }
  if (fields.length > 0)
    throw new FerriteError('INVALID_REQUEST', fields.map(({ path, message }) => `${path} ${message}`).join('; '), { fields });
  return [...folders];
}

async function checkFolder(path: string, roots: FolderRoots): Promise<{ readonly folder: string } | { readonly fault: string }> {
  if (!isAbsolute(path) || path.includes('\0')) return { fault: 'must be an absolute path' };
  try {
    const folder = await realpath(path);
    if (!(await roots.contain(folder))) return { fault: 'lies outside the folders that libraries may lie in' };
    if (!(await stat(folder)).isDirectory()) return { fault: 'is not a folder' };
    await access(folder, constants.R_OK | constants.X_OK);
    return { folder };
  } catch {
    return { fault: 'does not exist or can not be read' };
  }
}
