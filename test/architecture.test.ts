// Who may import whom. A folder that is not in the table, or an import that is not in its row, fails.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const FOLDERS = [
  'src/domain',
  'src/auth',
  'src/http',
  'src/library',
  'src/playback',
  'src/web',
  'src/threads',
  'src',
  'actors',
  'workers/programs',
  'workers',
  'storage',
  'loadtest',
] as const;
type Folder = (typeof FOLDERS)[number];

const MAY_IMPORT: Readonly<Record<Folder, readonly Folder[]>> = {
  'src/domain': [],
  actors: ['src/domain'],
  storage: ['src/domain'],
  'workers/programs': ['src/domain'],
  workers: ['src/domain', 'actors', 'workers/programs'],
  'src/auth': ['src/domain', 'storage'],
  'src/library': ['src/domain', 'storage'],
  // Its settings and threads are handed in: only their types are named.
  'src/playback': ['src/domain', 'storage', 'src/auth', 'src/threads', 'src'],
  'src/http': ['src/domain', 'storage', 'src/auth', 'src/library', 'src/playback', 'src/threads', 'src'],
  'src/web': [],
  // Inspectors are started from the main thread, which asks the process starter as every thread does.
  'src/threads': ['src/domain', 'src', 'workers/programs'],
  src: ['src/threads', 'src/domain', 'storage', 'src/auth', 'src/http', 'src/library', 'src/playback'],
  // From outside, but for `auth`, which measures decisions and the store in its own process.
  loadtest: ['src/domain', 'storage', 'src/auth'],
};

/** The one file, or folder, that may import each of these. */
const ONLY_IMPORTER: Readonly<Record<string, string>> = {
  'uWebSockets.js': 'src/http/door/server.ts',
  piscina: 'src/threads/worker-pool.ts',
  lmdb: 'storage/',
  execa: 'workers/programs/spawner.ts',
  'hls-parser': 'src/playback/offer/playlist-text.ts',
};

const ALIASES: readonly (readonly [prefix: string, folder: string])[] = [
  ['#domain/', 'src/domain/'],
  ['#actors/', 'actors/'],
  ['#workers/', 'workers/'],
  ['#storage/', 'storage/'],
  ['#library/', 'src/library/'],
  ['#http/', 'src/http/'],
  ['#src/', 'src/'],
];

const folderOf = (path: string): Folder | undefined => FOLDERS.find(folder => path.startsWith(`${folder}/`));

type Import = { readonly file: string; readonly specifier: string; readonly target: string };

function imports(): Import[] {
  const files = ['src', 'actors', 'workers', 'storage', 'loadtest'].flatMap(top =>
    readdirSync(join(ROOT, top), { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile() && /\.(ts|js|mjs)$/.test(entry.name))
      .map(entry => relative(ROOT, join(entry.parentPath, entry.name))),
  );
  return files.flatMap(file =>
    [
      ...readFileSync(join(ROOT, file), 'utf8').matchAll(
        /(?:^|\n)(?:import|export)[^'"\n;]*?(?:[^;'"]*?from )?'([^']+)'|import\('([^']+)'\)/g,
      ),
    ].map(match => {
      const specifier = match[1] ?? match[2] ?? '';
      const alias = ALIASES.find(([prefix]) => specifier.startsWith(prefix));
      const target = alias ? specifier.replace(alias[0], alias[1]) : specifier.startsWith('.') ? join(file, '..', specifier) : specifier;
      return { file, specifier, target };
    }),
  );
}

test('architecture: imports point the way that docs/architecture.md says', () => {
  const found = imports();
  assert.ok(found.length > 200, `only ${found.length} imports were seen: the scan is broken`);
  const wrong = found.filter(({ file, target }) => {
    const from = folderOf(file);
    const to = folderOf(target);
    return from === undefined || (to !== undefined && to !== from && !MAY_IMPORT[from].includes(to));
  });
  assert.deepEqual(
    wrong.map(({ file, specifier }) => `${file} → ${specifier}`),
    [],
  );
});

test('architecture: each of the large libraries has one importer', () => {
  // Peers in loadtest stand beside the product and need the bare library.
  const found = imports().filter(({ file }) => !file.startsWith('loadtest/'));
  for (const [library, importer] of Object.entries(ONLY_IMPORTER)) {
    const importers = [...new Set(found.filter(({ specifier }) => specifier === library).map(({ file }) => file))];
    assert.ok(importers.length > 0, `${library} is imported nowhere`);
    assert.deepEqual(
      importers.filter(file => !file.startsWith(importer)),
      [],
      library,
    );
  }
});
