// Who may import whom, room by room. A room that is not in the table, an import that is not in its row, a cycle of files or a crowded room fails.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const TOPS = ['src', 'actors', 'workers', 'storage', 'loadtest'];
const MAX_FILES_OF_A_ROOM = 15;

const DOMAIN = [
  'src/domain',
  'src/domain/access',
  'src/domain/catalogue',
  'src/domain/colour',
  'src/domain/delivery',
  'src/domain/markers',
  'src/domain/sharing',
  'src/domain/subtitles',
  'src/domain/trick-play',
];
const STORAGE = [
  'storage',
  'storage/records',
  'storage/records/accounts',
  'storage/records/identity',
  'storage/segments',
  'storage/integrity',
];
/** A typed emitter: what is told needs no arrow back. */
const EVENTS = 'src/events.ts';
const LOADTEST = ['loadtest/client', 'loadtest/machine', 'loadtest/charts', 'loadtest/load', 'loadtest/peers'];
const LOADTEST_WORLD = ['loadtest/viewers', 'loadtest/watch', 'loadtest/world'];
const WEB_PAGES = ['account', 'admin', 'browse', 'home', 'library', 'search', 'shows'].map(room => `src/web/${room}`);
const SCENARIOS = ['', '/serving', '/playback', '/crowds', '/library'].map(room => `loadtest/scenarios${room}`);

/** The room of a file is its folder, but for what stands here as a file. Within a room everybody may import everybody. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  [EVENTS]: [],
  'src/domain': DOMAIN,
  'src/domain/access': ['src/domain'],
  'src/domain/catalogue': DOMAIN,
  'src/domain/colour': [],
  'src/domain/delivery': DOMAIN,
  'src/domain/markers': ['src/domain'],
  'src/domain/sharing': ['src/domain'],
  'src/domain/subtitles': ['src/domain'],
  'src/domain/trick-play': ['src/domain', 'src/domain/delivery'],

  actors: DOMAIN,

  'workers/bmff': DOMAIN,
  'workers/programs': DOMAIN,
  'workers/remux': [...DOMAIN, 'workers/bmff', 'workers/remux/codecs', 'workers/remux/matroska', 'workers/remux/mp4'],
  'workers/remux/codecs': ['src/domain/colour', 'workers/bmff'],
  'workers/remux/matroska': [...DOMAIN, 'workers/bmff', 'workers/remux', 'workers/remux/codecs'],
  'workers/remux/mp4': [...DOMAIN, 'workers/bmff', 'workers/remux', 'workers/remux/codecs'],
  'workers/mended': [...DOMAIN, 'workers/remux'],
  'workers/encoders': [...DOMAIN, 'workers/bmff'],
  'workers/encode': [...DOMAIN, 'actors', 'workers/bmff', 'workers/encoders', 'workers/mended', 'workers/programs', 'workers/remux'],
  'workers/inspect': [
    ...DOMAIN,
    'workers/bmff',
    'workers/encode',
    'workers/encoders',
    'workers/inspect/markers',
    'workers/inspect/rates',
    'workers/mended',
    'workers/programs',
    'workers/remux',
  ],
  'workers/inspect/markers': [...DOMAIN, 'workers/encode', 'workers/programs'],
  'workers/inspect/rates': [...DOMAIN, 'workers/bmff', 'workers/encode', 'workers/inspect', 'workers/programs', 'workers/remux'],
  // Which arguments open a film, and whether it is still the one that was scanned, is said once.
  'workers/transport-stream': [...DOMAIN, 'workers/bmff', 'workers/remux/codecs'],
  'workers/subtitles': [...DOMAIN, 'workers/subtitles/sources'],
  'workers/subtitles/burning': [
    ...DOMAIN,
    'actors',
    'workers/encoders',
    'workers/subtitles',
    'workers/subtitles/pictures',
    'workers/subtitles/sources',
  ],
  'workers/subtitles/pictures': DOMAIN,
  'workers/subtitles/sources': [
    ...DOMAIN,
    'workers/bmff',
    'workers/encode',
    'workers/mended',
    'workers/programs',
    'workers/remux',
    'workers/remux/matroska',
    'workers/subtitles',
    'workers/subtitles/pictures',
  ],
  'workers/sessions': [...DOMAIN, 'actors', 'workers/bmff', 'workers/encode', 'workers/remux', 'workers/subtitles'],
  'workers/trials': [
    ...DOMAIN,
    'workers/bmff',
    'workers/encode',
    'workers/encoders',
    'workers/inspect',
    'workers/programs',
    'workers/remux/codecs',
  ],
  workers: [
    ...DOMAIN,
    'workers/encoders',
    'workers/trials',
    'workers/encode',
    'workers/inspect',
    'workers/programs',
    'workers/remux',
    'workers/sessions',
    'workers/subtitles',
    'workers/subtitles/burning',
    'workers/subtitles/sources',
  ],

  'storage/integrity': ['src/domain'],
  'storage/records': ['src/domain/catalogue', 'src/domain/colour', 'src/domain', 'storage', 'storage/records/identity'],
  // What can be found out anew from the films.
  'storage/records/derived': ['src/domain', 'src/domain/markers', 'storage'],
  'storage/records/accounts': ['src/domain', 'src/domain/access', 'storage', 'storage/records'],
  'storage/records/identity': ['src/domain', 'storage'],
  'storage/segments': ['src/domain', 'storage/records'],
  storage: [
    'src/domain',
    'storage/records',
    'storage/records/accounts',
    'storage/records/derived',
    'storage/records/identity',
    'storage/integrity',
  ],

  'src/telemetry': ['src/domain'],
  'src/auth': [...DOMAIN, 'storage', 'storage/records', 'src/auth/accounts'],
  // Users and groups as administrators manage them, and what is noted of it.
  'src/auth/oidc': [...DOMAIN, 'storage/records', 'src/auth', 'src/auth/accounts'],
  'src/auth/passkeys': [...DOMAIN, 'storage/records/accounts', 'src/auth'],
  'src/auth/accounts': [...DOMAIN, 'storage', 'storage/records', 'storage/records/accounts', 'src/auth'],
  'src/backup': ['storage', 'storage/integrity'],
  'src/library': [...DOMAIN, 'storage', 'storage/records'],
  // Derived from records that it is handed: it reads no store.
  'src/library/items': DOMAIN,
  'src/library/providers': [...DOMAIN, 'storage/records', 'src/library', 'src/library/items', 'src/library/metadata'],
  'src/library/metadata': [...DOMAIN, 'storage/records', 'src/library', 'src/library/items'],
  'src/library/naming': [...DOMAIN, 'src/library/naming/numbering'],
  'src/library/naming/numbering': ['src/library/naming'],
  'src/library/scan': [
    ...DOMAIN,
    'storage/records',
    'storage/records/identity',
    'src/library',
    'src/library/items',
    'src/library/naming',
    'src/library/scan/disk',
  ],
  'src/library/scan/disk': [...DOMAIN, 'src/library'],
  'src/library/watch': [...DOMAIN, 'storage/records/identity', 'src/library/scan', 'src/library/scan/disk'],
  'src/library/markers': [...DOMAIN, 'storage/records', 'storage/records/derived', 'src/library', 'src/library/items'],
  'src/library/previews': [...DOMAIN, 'storage/records', 'src/library'],
  'src/progress': [...DOMAIN, 'storage', 'storage/records'],
  'src/progress/transfer': [...DOMAIN, 'storage', 'storage/records'],
  'src/progress/legacy': [...DOMAIN, 'storage', 'src/progress/transfer'],
  // Fed from the catalogue in memory; its thread knows documents alone.
  'src/library/search': [...DOMAIN, 'storage', 'src/library/items', 'src/library/search/text'],
  'src/library/search/text': ['src/domain/catalogue', 'src/library/search'],
  // Inspectors are started from the main thread, which asks the process starter as every thread does.
  'src/threads': [...DOMAIN, EVENTS, 'workers/programs'],

  'src/playback/offer': [...DOMAIN, 'storage'],
  'src/playback/admission': [...DOMAIN, EVENTS, 'src/telemetry'],
  'src/playback/segments': [...DOMAIN, 'storage/segments', 'src/telemetry', 'src/threads', 'src/playback/offer', 'src/playback/admission'],
  'src/playback/session': [
    ...DOMAIN,
    ...STORAGE,
    'src/auth',
    'src/telemetry',
    'src/threads',
    'src/playback/offer',
    'src/playback/admission',
    'src/playback/segments',
    'src/progress',
  ],

  // What a route is knows neither sockets nor what it serves: the door and the routes meet in it.
  'src/http/contract': ['src/domain'],
  'src/http/door': ['src/domain', 'src/http/contract'],
  'src/http/sources': [...DOMAIN, 'src/http/contract'],
  'src/http/stream': [
    ...DOMAIN,
    'storage/records',
    'src/auth',
    'src/telemetry',
    'src/threads',
    'src/library/previews',
    'src/http/contract',
    'src/http/sources',
    'src/playback/offer',
    'src/playback/segments',
    'src/playback/session',
    // What is changed in a segment's head as it is sent: arithmetic, no more.
    'workers/bmff',
  ],
  'src/http/accounts': [
    ...DOMAIN,
    'storage/records/accounts',
    'src/auth',
    'src/auth/accounts',
    'src/auth/oidc',
    'src/auth/passkeys',
    'src/http/contract',
  ],
  'src/http/catalogue': [
    ...DOMAIN,
    'storage/records',
    'storage/records/derived',
    'src/library',
    'src/library/items',
    'src/library/metadata',
    'src/library/scan',
    'src/library/search',
    'src/library/watch',
    'src/http/contract',
  ],
  'src/http/api': [
    ...DOMAIN,
    'storage/records',
    'src/auth',
    'src/http/catalogue',
    'src/telemetry',
    'src/http/contract',
    'src/http/vendor',
    'src/playback/admission',
    'src/playback/session',
  ],
  'src/http/viewing': [
    ...DOMAIN,
    'storage/records/derived',
    'storage/records',
    'src/library/items',
    'src/progress',
    'src/progress/transfer',
    'src/http/catalogue',
    'src/http/contract',
  ],
  // Other people's parts of the page.
  'src/http/vendor': ['src/http/contract'],
  // What a client would be given, told without giving it.
  'src/http/delivery': [...DOMAIN, 'src/http/api', 'src/http/catalogue', 'src/http/contract', 'src/playback/session'],
  'src/http': ['src/auth', 'src/telemetry', 'src/http/door', 'src/http/sources', 'src/http/stream'],

  // Plain modules for a browser: the page's rooms know each other, and nothing of the server.
  'src/web': ['src/web/login', 'src/web/playback', 'src/web/player', 'src/web/shell'],
  'src/web/shell': ['src/web', ...WEB_PAGES, 'src/web/login'],
  'src/web/home': ['src/web', 'src/web/library', 'src/web/lists', 'src/web/login', 'src/web/playback'],
  'src/web/library': ['src/web', 'src/web/corrections', 'src/web/lists', 'src/web/login', 'src/web/playback'],
  'src/web/shows': ['src/web', 'src/web/corrections', 'src/web/library', 'src/web/lists'],
  'src/web/browse': ['src/web', 'src/web/library', 'src/web/lists'],
  'src/web/search': ['src/web', 'src/web/library'],
  'src/web/account': ['src/web', 'src/web/library', 'src/web/login'],
  'src/web/admin': ['src/web', 'src/web/library', 'src/web/login'],
  'src/web/corrections': ['src/web', 'src/web/library', 'src/web/login', 'src/web/search'],
  'src/web/lists': ['src/web'],
  'src/web/login': ['src/web'],
  'src/web/next-episode': ['src/web', 'src/web/library', 'src/web/shows'],
  'src/web/playback': ['src/web', 'src/web/player', 'src/web/seek-bar', 'src/web/subtitles'],
  'src/web/player': ['src/web', 'src/web/library', 'src/web/next-episode', 'src/web/playback', 'src/web/seek-bar', 'src/web/subtitles'],
  'src/web/seek-bar': ['src/web'],
  'src/web/subtitles': ['src/web/playback'],

  // The program: puts the rooms together.
  src: [
    ...DOMAIN,
    ...STORAGE,
    EVENTS,
    'src/auth',
    'src/auth/oidc',
    'src/auth/passkeys',
    'src/backup',
    'src/http',
    'src/http/accounts',
    'src/http/api',
    'src/http/catalogue',
    'src/http/contract',
    'src/http/delivery',
    'src/http/door',
    'src/http/sources',
    'src/http/stream',
    'src/http/viewing',
    'src/library',
    'src/library/items',
    'src/library/markers',
    'src/library/metadata',
    'src/library/providers',
    'src/library/previews',
    'src/library/scan',
    'src/library/search',
    'src/library/watch',
    'src/playback/admission',
    'src/playback/segments',
    'src/playback/session',
    'src/progress',
    'src/progress/legacy',
    'src/progress/transfer',
    'src/telemetry',
    'src/threads',
  ],

  'loadtest/client': [],
  'loadtest/machine': [],
  'loadtest/charts': ['loadtest/machine'],
  'loadtest/load': ['loadtest', 'loadtest/charts', 'loadtest/machine'],
  'loadtest/viewers': ['loadtest', 'loadtest/client', 'loadtest/machine'],
  'loadtest/watch': ['loadtest/client', 'loadtest/machine'],
  'loadtest/world': ['loadtest', 'loadtest/client', 'loadtest/machine', 'loadtest/viewers', 'loadtest/watch'],
  'loadtest/peers': ['loadtest/client', 'loadtest/machine', 'loadtest/viewers'],
  'loadtest/gate': [...LOADTEST, ...LOADTEST_WORLD, 'loadtest', 'loadtest/scenarios/serving'],
  'loadtest/scenarios': ['loadtest', ...LOADTEST, ...LOADTEST_WORLD, ...SCENARIOS],
  // From outside, but for `auth`, which measures decisions and the store in its own process.
  'loadtest/scenarios/serving': ['loadtest', ...LOADTEST, ...LOADTEST_WORLD, ...DOMAIN, 'storage', 'src/auth'],
  'loadtest/scenarios/playback': ['loadtest', ...LOADTEST, ...LOADTEST_WORLD],
  // From outside, but for `catalogue` and `search`, which measure lists and the index in their own process.
  'loadtest/scenarios/library': [
    'loadtest',
    ...LOADTEST,
    ...LOADTEST_WORLD,
    ...DOMAIN,
    'storage',
    'src/http/catalogue',
    'src/library/items',
    'src/progress',
    'src/library/metadata',
    'loadtest/scenarios/playback',
    'src/library/search',
  ],
  'loadtest/scenarios/crowds': ['loadtest', ...LOADTEST, ...LOADTEST_WORLD],
  loadtest: [...LOADTEST, ...LOADTEST_WORLD, ...SCENARIOS, 'loadtest/gate'],
};

/** The files, or the folder, that may import each of these. */
const ONLY_IMPORTERS: Readonly<Record<string, readonly string[]>> = {
  'uWebSockets.js': ['src/http/door/server.ts'],
  piscina: ['src/threads/transport-streams.ts', 'src/threads/worker-pool.ts'],
  lmdb: ['storage/'],
  '@parcel/watcher': ['src/library/watch/root-watch.ts'],
  execa: ['workers/programs/spawner.ts'],
  sax: ['src/library/metadata/xml.ts'],
  'hls-parser': ['src/playback/offer/playlist-text.ts'],
  xstate: ['actors/', 'workers/sessions/', 'src/web/playback/playback-machine.js', 'src/web/next-episode/next-episode-machine.js'],
  // Everybody else knows `MediaHosts`; the doctor is a program of its own.
  'src/threads/worker-pool.ts': ['src/main.ts', 'src/doctor.ts'],
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

const FILES = TOPS.flatMap(top =>
  readdirSync(join(ROOT, top), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && /\.(ts|js|mjs)$/.test(entry.name))
    .map(entry => relative(ROOT, join(entry.parentPath, entry.name))),
);

type Import = { readonly file: string; readonly specifier: string; readonly target: string };

/** Of types and of values, and those that are made while running. */
const IMPORTS: readonly Import[] = FILES.flatMap(file => {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const found = text.matchAll(/(?:^|\n)(?:import|export)[^'"\n;]*?(?:[^;'"]*?from )?'([^']+)'|import\('([^']+)'\)/g);
  return [...found].map(match => {
    const specifier = match[1] ?? match[2] ?? '';
    const alias = ALIASES.find(([prefix]) => specifier.startsWith(prefix));
    const isOwn = specifier.startsWith('.');
    const target = alias ? specifier.replace(alias[0], alias[1]) : isOwn ? join(file, '..', specifier) : specifier;
    return { file, specifier, target };
  });
});

const roomOf = (path: string): string => (path in MAY_IMPORT ? path : dirname(path));
const isOurs = (path: string): boolean => TOPS.some(top => path.startsWith(`${top}/`));

test('architecture: imports point the way that docs/architecture.md says, room by room', () => {
  assert.ok(IMPORTS.length > 500, `only ${IMPORTS.length} imports were seen: the scan is broken`);
  const strange = FILES.filter(file => !(roomOf(file) in MAY_IMPORT));
  assert.deepEqual(strange, [], 'a room that the table does not know');
  const wrong = IMPORTS.filter(({ file, target }) => {
    const [from, to] = [roomOf(file), roomOf(target)];
    return isOurs(target) && from !== to && MAY_IMPORT[from]?.includes(to) !== true;
  });
  assert.deepEqual(
    wrong.map(({ file, specifier }) => `${file} → ${specifier}`),
    [],
  );
});

test('architecture: each of the large libraries, and the pool of threads, has named importers', () => {
  // Peers in loadtest stand beside the product and need the bare library.
  const found = IMPORTS.filter(({ file }) => !file.startsWith('loadtest/'));
  for (const [name, allowed] of Object.entries(ONLY_IMPORTERS)) {
    const importers = [...new Set(found.filter(({ specifier, target }) => specifier === name || target === name).map(({ file }) => file))];
    assert.ok(importers.length > 0, `${name} is imported nowhere`);
    assert.deepEqual(
      importers.filter(file => !allowed.some(one => file.startsWith(one))),
      [],
      name,
    );
  }
});

test('architecture: no files import each other in a circle, not even types', () => {
  assert.deepEqual(circles(), []);
});

test('architecture: no room is crowded', () => {
  const crowded = [...Map.groupBy(FILES, file => dirname(file))].filter(([, files]) => files.length > MAX_FILES_OF_A_ROOM);
  assert.deepEqual(
    crowded.map(([room, files]) => `${room}: ${files.length} files`),
    [],
  );
});

/** Strongly connected files (Tarjan), each group sorted. */
function circles(): string[][] {
  const targets = new Map(FILES.map(file => [file, IMPORTS.filter(one => one.file === file).map(({ target }) => target)]));
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const groups: string[][] = [];
  const visit = (file: string): void => {
    order.set(file, order.size);
    lowest.set(file, order.size - 1);
    stack.push(file);
    for (const target of targets.get(file) ?? []) {
      if (!targets.has(target)) continue;
      if (!order.has(target)) visit(target);
      else if (!stack.includes(target)) continue;
      lowest.set(file, Math.min(lowest.get(file) ?? 0, lowest.get(target) ?? 0));
    }
    if (lowest.get(file) !== order.get(file)) return;
    const group = stack.splice(stack.indexOf(file));
    if (group.length > 1 || targets.get(file)?.includes(file)) groups.push(group.sort());
  };
  for (const file of FILES) if (!order.has(file)) visit(file);
  return groups;
}
