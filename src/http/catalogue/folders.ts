// Folders of the host, for administrators to choose a library from: names alone, and only within the folders that libraries may lie in.
import type { Dirent } from 'node:fs';
import { opendir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join } from 'node:path';
import Type from 'typebox';
import { FerriteError } from '#domain/errors.ts';
import { type Route, route } from '#http/contract/route.ts';

/** What the system keeps for itself. */
const SYSTEM = ['/proc', '/sys', '/dev', '/run'];
/** Nobody chooses from more; the rest is left out, and the answer says so. */
const MAX_FOLDERS = 2_000;
const MAX_ENTRIES = 100_000;

export class FolderRoots {
  readonly #roots: readonly string[];

  /** Absolute. */
  constructor(roots: readonly string[]) {
    this.#roots = roots;
  }

  /** Without links, as folders are compared; one that is not there now has nothing in it. */
  async list(): Promise<readonly string[]> {
    const found = await Promise.all(this.#roots.map(root => realpath(root).catch(() => null)));
    return [...new Set(found.filter(root => root !== null))];
  }

  /** Of a path without links. */
  async contain(path: string): Promise<boolean> {
    if (SYSTEM.some(folder => isWithin(path, folder))) return false;
    return (await this.list()).some(root => isWithin(path, root));
  }
}

const isWithin = (path: string, root: string): boolean => path === root || path.startsWith(root === '/' ? root : `${root}/`);

const FolderAnswer = Type.Object({ name: Type.String(), path: Type.String() });
const FoldersAnswer = Type.Object({
  /** Null: the list of where to begin. */
  path: Type.Union([Type.String(), Type.Null()]),
  /** Null: the list of where to begin is above it. */
  parent: Type.Union([Type.String(), Type.Null()]),
  items: Type.Array(FolderAnswer),
  nextCursor: Type.Null(),
  /** False: there are more than anybody chooses from. */
  isComplete: Type.Boolean(),
});

export function foldersRoute(roots: FolderRoots): Route {
  return route({
    method: 'GET',
    path: '/api/v1/folders',
    auth: 'admin',
    summary: 'Folders of the host to choose a library from: those in `path`, or where to begin',
    query: Type.Object({ path: Type.Optional(Type.String({ maxLength: 4096 })) }),
    responses: { 200: FoldersAnswer, 400: 'INVALID_REQUEST', 403: 'FORBIDDEN: outside of FERRITE_LIBRARY_ROOTS' },
    handler: async ({ query }) => {
      if (query.path === undefined || query.path === '') return { status: 200, json: await begin(roots) };
      return { status: 200, json: await listFolder(query.path, roots) };
    },
  });
}

async function begin(roots: FolderRoots) {
  const all = await roots.list();
  const [only] = all;
  if (all.length === 1 && only !== undefined) return await listFolder(only, roots);
  return { path: null, parent: null, items: all.map(path => ({ name: path, path })), nextCursor: null, isComplete: true };
}

async function listFolder(asked: string, roots: FolderRoots) {
  if (!isAbsolute(asked) || asked.includes('\0')) throw invalid('must be an absolute path');
  const path = await realpath(asked).catch((cause: unknown) => {
    throw invalid('does not exist or can not be read', cause);
  });
  if (!(await roots.contain(path))) throw new FerriteError('FORBIDDEN', 'the folder lies outside of those that libraries may lie in');
  const { names, isComplete } = await foldersIn(path, roots).catch((cause: unknown) => {
    throw invalid('is not a folder, or can not be read', cause);
  });
  const parent = dirname(path);
  const isRoot = (await roots.list()).includes(path) || parent === path;
  return {
    path,
    parent: isRoot ? null : parent,
    items: names.map(name => ({ name: basename(name), path: join(path, name) })),
    nextCursor: null,
    isComplete,
  };
}

async function foldersIn(path: string, roots: FolderRoots): Promise<{ readonly names: string[]; readonly isComplete: boolean }> {
  const names: string[] = [];
  let seen = 0;
  for await (const entry of await opendir(path)) {
    if (++seen > MAX_ENTRIES || names.length === MAX_FOLDERS) return { names: sorted(names), isComplete: false };
    if (!entry.name.startsWith('.') && (await isFolder(path, entry, roots))) names.push(entry.name);
  }
  return { names: sorted(names), isComplete: true };
}

async function isFolder(path: string, entry: Dirent, roots: FolderRoots): Promise<boolean> {
  const own = join(path, entry.name);
  if (entry.isDirectory()) return !SYSTEM.includes(own);
  if (!entry.isSymbolicLink()) return false;
  try {
    const target = await realpath(own);
    return (await stat(target)).isDirectory() && (await roots.contain(target));
  } catch {
    return false;
  }
}

const sorted = (names: readonly string[]): string[] => names.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));

const invalid = (message: string, cause?: unknown): FerriteError =>
  new FerriteError('INVALID_REQUEST', `/path ${message}`, { cause, fields: [{ path: '/path', message }] });
