// Every setting: one line each with its meaning, default and bounds. The environment and the file of FERRITE_CONFIG are read once, every mistake is told at once.
import { readFileSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { isProviderSetting, PROVIDER_SETTING_FORM, type ProviderSettings, readProviders } from './auth/oidc/provider-settings.ts';
import { HARDWARE_KINDS, type HardwareKind } from './domain/encoders.ts';
import { proxyMistake } from './http/contract/client-address.ts';

type Setting<T> = { readonly meaning: string; readonly fallback: string; readonly parse: (text: string) => T };

const GIB = 1024 ** 3;

function text(meaning: string, fallback: string): Setting<string> {
  return { meaning, fallback, parse: value => value };
}

function integer(meaning: string, fallback: string, minimum: number, maximum: number): Setting<number> {
  return {
    meaning,
    fallback,
    parse: value => {
      const number = Number(value);
      if (!/^-?\d+$/.test(value) || number < minimum || number > maximum)
        throw new Error(`must be a whole number from ${minimum} to ${maximum}`);
      return number;
    },
  };
}

function oneOf<const T extends string>(meaning: string, fallback: T, choices: readonly T[]): Setting<T> {
  return {
    meaning,
    fallback,
    parse: value => {
      const found = choices.find(choice => choice === value);
      if (found === undefined) throw new Error(`must be one of ${choices.join(', ')}`);
      return found;
    },
  };
}

export type LibrarySetting = { readonly kind: 'movies' | 'shows'; readonly paths: readonly string[] };

const libraries: Setting<readonly LibrarySetting[]> = {
  meaning: 'libraries made on first start: `movies=/path[:/path…],shows=/path`; empty: the sample film',
  fallback: '',
  parse: value =>
    value
      .split(',')
      .filter(part => part !== '')
      .map(part => {
        const [kind, paths] = part.split(/=(.*)/s);
        if ((kind !== 'movies' && kind !== 'shows') || !paths) throw new Error('must look like movies=/path[:/path],shows=/path');
        return { kind, paths: paths.split(':').map(path => resolve(path)) };
      }),
};

const roots: Setting<readonly string[]> = {
  meaning: 'folders that libraries may lie in, and that administrators are shown to choose from: `/path[:/path…]`',
  fallback: '/',
  parse: value => {
    const paths = value.split(':').filter(path => path !== '');
    if (paths.length === 0 || paths.some(path => !isAbsolute(path))) throw new Error('must be absolute paths');
    return paths;
  },
};

const list: Setting<readonly string[]> = {
  meaning:
    'origins that browsers may call from, comma separated; `*` for any, but for what changes something without a token, such as a sign-in: that takes our own page or a listed origin',
  fallback: '*',
  parse: value =>
    value
      .split(',')
      .map(origin => origin.trim())
      .filter(origin => origin !== ''),
};

const issuers: Setting<readonly { issuer: string; jwksUrl: string; audience: string }[]> = {
  meaning: 'other issuers whose access tokens are taken: `issuer|jwksUrl|audience`, comma separated',
  fallback: '',
  parse: value =>
    value
      .split(',')
      .filter(part => part !== '')
      .map(part => {
        const [issuer, jwksUrl, audience] = part.split('|');
        if (!issuer || !jwksUrl || !audience) throw new Error('must look like issuer|jwksUrl|audience');
        return { issuer, jwksUrl, audience };
      }),
};

const publicUrl: Setting<string> = {
  meaning:
    'where viewers find the server, such as `https://films.example.org`: passkeys are made for that name, and sign-in providers send users back there; empty: as the `Host` of each request says',
  fallback: '',
  parse: value => {
    if (value === '') return value;
    const url = URL.canParse(value) ? new URL(value) : null;
    if (
      url === null ||
      !/^https?:$/.test(url.protocol) ||
      url.pathname !== '/' ||
      url.search !== '' ||
      url.hash !== '' ||
      url.username !== ''
    )
      throw new Error('must be an address such as https://films.example.org, without a path');
    return url.origin;
  },
};

const proxies: Setting<readonly string[]> = {
  meaning:
    'proxies before this server, as addresses or networks, comma separated: what they say in `X-Forwarded-For` or `Forwarded` of where a request comes from is believed',
  fallback: '',
  parse: value => {
    const entries = value
      .split(',')
      .map(entry => entry.trim())
      .filter(entry => entry !== '');
    const mistakes = entries.flatMap(entry => proxyMistake(entry) ?? []);
    if (mistakes.length > 0) throw new Error(`is not a list of addresses: ${mistakes.join('; ')}`);
    return entries;
  },
};

const CODEC_CHOICES = ['hevc', 'av1'] as const;

const codecs: Setting<'auto' | readonly (typeof CODEC_CHOICES)[number][]> = {
  meaning:
    'codecs beside H.264 that pictures are encoded to for players that take them: `auto` (where hardware makes them, or many cores are idle), `off`, or `hevc`, `av1`, `hevc,av1` whatever it costs',
  fallback: 'auto',
  parse: value => {
    if (value === 'auto') return value;
    if (value === 'off') return [];
    const named = value.split(',').map(name => name.trim());
    const known = CODEC_CHOICES.filter(codec => named.includes(codec));
    if (known.length === 0 || known.length !== new Set(named).size)
      throw new Error(`must be auto, off, or some of ${CODEC_CHOICES.join(', ')}`);
    return known;
  },
};

export const SETTINGS = {
  FERRITE_HOST: text('address the front door listens on', '127.0.0.1'),
  FERRITE_PORT: integer('TCP port of the front door; 0 picks a free one', '8096', 0, 65_535),
  FERRITE_DATA_DIR: text('LMDB, keys, posters', './data'),
  FERRITE_CACHE_DIR: text('finished segments; empty: `cache` in the data folder', ''),
  FERRITE_PREVIEWS_MAX_BYTES: integer(
    'most bytes of small pictures for the seek bar on disk; 0: none are made',
    String(4 * GIB),
    0,
    Number.MAX_SAFE_INTEGER,
  ),
  FERRITE_CACHE_MAX_BYTES: integer('most bytes of finished segments on disk', String(10 * GIB), 0, Number.MAX_SAFE_INTEGER),
  FERRITE_CACHE_MEMORY_BYTES: integer(
    'most bytes of finished segments in memory',
    String(256 * 1024 * 1024),
    1024 * 1024,
    Number.MAX_SAFE_INTEGER,
  ),
  FERRITE_LIBRARY: libraries,
  FERRITE_LIBRARY_ROOTS: roots,
  FERRITE_TMDB_KEY: text('key for themoviedb.org, asked in the background for what films and shows are about; empty: it is not asked', ''),
  FERRITE_TVDB_KEY: text('the same for thetvdb.com', ''),
  FERRITE_TMDB_URL: text('where themoviedb.org, or a cache of it, is asked', 'https://api.themoviedb.org'),
  FERRITE_TVDB_URL: text('where thetvdb.com, or a cache of it, is asked', 'https://api4.thetvdb.com'),
  FERRITE_METADATA_LANGUAGE: text('language of what themoviedb.org tells, as BCP 47', 'en-US'),
  FERRITE_ADMIN_USERNAME: text('first administrator, made on first start; empty: made in the browser', ''),
  FERRITE_ADMIN_PASSWORD: text('password of the first administrator', ''),
  FERRITE_WORKERS: integer('session host threads; 0: one less than there are cores', '0', 0, 256),
  FERRITE_PROFILE: oneOf('`latency` (2 s segments) or `throughput` (6 s)', 'latency', ['latency', 'throughput']),
  FERRITE_MAX_TRANSCODES: integer(
    'pictures encoded at once, whatever their size; 0: as many as the machine was measured to encode',
    '0',
    0,
    10_000,
  ),
  FERRITE_ADMISSION_TIMEOUT_MS: integer('longest wait of a start for encoding capacity, in milliseconds', '10000', 0, 600_000),
  FERRITE_MAX_QUEUE: integer('sessions that may wait for encoding capacity; a further one is refused at once', '1000', 0, 100_000),
  FERRITE_MAX_QUEUE_PER_USER: integer('of these, sessions of one user', '100', 0, 100_000),
  FERRITE_MAX_SESSIONS_PER_USER: integer('open sessions of one user', '1000', 1, 1_000_000),
  FERRITE_WARM_ENCODERS: integer('most idle ffmpeg processes that a session host thread keeps ready to encode; 0: none', '4', 0, 64),
  FERRITE_HARDWARE: oneOf(
    'encoders of graphics hardware that are tried at start, and make the pictures where they work, software where they fail: `auto` (all kinds), `off`, or one kind',
    'auto',
    ['auto', 'off', ...HARDWARE_KINDS],
  ),
  FERRITE_CODECS: codecs,
  FERRITE_PREDICT_RATES: oneOf(
    'some seconds of each new film are encoded in the background, at low priority, to offer rungs of the rates that it will have; `no`: rungs are those of any film',
    'yes',
    ['yes', 'no'],
  ),
  FERRITE_WATCHED_PERCENT: integer('how much of a film a viewer has seen when it counts as watched, in percent', '90', 50, 100),
  FERRITE_RESUME_FROM_MS: integer('who has seen less of a film starts at its beginning again, in milliseconds', '30000', 0, 3_600_000),
  FERRITE_RESUME_UNTIL_PERCENT: integer('who has seen more of a film than that starts at its beginning again, in percent', '95', 50, 100),
  FERRITE_WATCH: oneOf(
    'how changes of the libraries’ folders are noticed: `auto` (by the system’s events, where it has any), `poll` (they are looked through now and then), `off` (by scans alone)',
    'auto',
    ['auto', 'poll', 'off'],
  ),
  FERRITE_WATCH_POLL_MS: integer(
    'how often a folder is looked through that no events come from, such as a network share, in milliseconds',
    '300000',
    1_000,
    86_400_000,
  ),
  FERRITE_FIND_MARKERS: oneOf(
    'the beginning and the end of each episode are listened to in the background, at low priority, to find what a season has in common: intros and credits that can be skipped; `no`: only chapters tell of them',
    'yes',
    ['yes', 'no'],
  ),
  FERRITE_FFMPEG: text('the ffmpeg binary', 'ffmpeg'),
  FERRITE_FFPROBE: text('the ffprobe binary', 'ffprobe'),
  FERRITE_PUBLIC_URL: publicUrl,
  FERRITE_CORS_ORIGINS: list,
  FERRITE_TRUSTED_PROXIES: proxies,
  FERRITE_METRICS_TOKEN: text('what `/metrics` is asked for with, as a Bearer token; empty: everybody may read it', ''),
  FERRITE_MAX_CONNECTIONS: integer(
    'most open connections; one more is answered 503. Never more than the limit of open files allows',
    '20000',
    1,
    10_000_000,
  ),
  FERRITE_MAX_CONNECTIONS_PER_ADDRESS: integer(
    'most open connections of one address (IPv6: of its /64), on Linux; one more is answered 503. Never more than half of all; loopback and `FERRITE_TRUSTED_PROXIES` may have any number',
    '2000',
    1,
    10_000_000,
  ),
  FERRITE_SHARED_CACHE_MS: integer(
    'how long a shared cache (CDN) may answer for a stream address without asking, in milliseconds: a revocation takes as long there; 0: only the viewer’s own cache may keep it',
    '0',
    0,
    86_400_000,
  ),
  FERRITE_SEGMENT_TYPE: oneOf(
    'what media segments are called: `mp4` for `video/mp4` and `audio/mp4`, `iso.segment` for `video/iso.segment`; `auto`: the latter for the players of Apple',
    'auto',
    ['auto', 'mp4', 'iso.segment'],
  ),
  FERRITE_ISSUERS: issuers,
  FERRITE_LOG_LEVEL: oneOf('pino level', 'info', ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']),
} satisfies Record<string, Setting<unknown>>;

type SettingName = keyof typeof SETTINGS;
type Values = { readonly [N in SettingName]: ReturnType<(typeof SETTINGS)[N]['parse']> };

export type Config = Readonly<ReturnType<typeof toConfig>>;

/** Everything that is wrong with the settings, one line each. */
export class ConfigError extends Error {
  readonly mistakes: readonly string[];
  constructor(mistakes: readonly string[]) {
    super(mistakes.join('\n'));
    this.name = 'ConfigError';
    this.mistakes = mistakes;
  }
}

/** @throws ConfigError with every mistake. The environment wins over the file. */
export function loadConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const mistakes: string[] = [];
  const given = { ...readFile(environment.FERRITE_CONFIG, mistakes), ...ferriteNames(environment) };
  for (const name of Object.keys(given)) {
    if (name.startsWith('FERRITE_OIDC_') && !isProviderSetting(name))
      mistakes.push(`${name} is not a setting: it must be ${PROVIDER_SETTING_FORM}`);
    else if (!Object.hasOwn(SETTINGS, name) && !isProviderSetting(name))
      mistakes.push(`${name} is not a setting; did you mean ${nearest(name)}?`);
  }
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(SETTINGS)) {
    try {
      values[name] = setting.parse(given[name] ?? setting.fallback);
    } catch (error) {
      mistakes.push(`${name} ${error instanceof Error ? error.message : 'is not valid'}`);
    }
  }
  if (given.FERRITE_ADMIN_USERNAME && !given.FERRITE_ADMIN_PASSWORD)
    mistakes.push('FERRITE_ADMIN_PASSWORD is missing beside FERRITE_ADMIN_USERNAME');
  const providers = readProviders(given, mistakes);
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  return Object.freeze(toConfig(values as Values, providers));
}

function toConfig(values: Values, providers: readonly ProviderSettings[]) {
  const dataDir = resolve(values.FERRITE_DATA_DIR);
  return {
    host: values.FERRITE_HOST,
    port: values.FERRITE_PORT,
    dataDir,
    cacheDir: values.FERRITE_CACHE_DIR === '' ? join(dataDir, 'cache') : resolve(values.FERRITE_CACHE_DIR),
    previewsMaxBytes: values.FERRITE_PREVIEWS_MAX_BYTES,
    cacheMaxBytes: values.FERRITE_CACHE_MAX_BYTES,
    cacheMemoryBytes: values.FERRITE_CACHE_MEMORY_BYTES,
    libraries: values.FERRITE_LIBRARY,
    libraryRoots: values.FERRITE_LIBRARY_ROOTS,
    providers: {
      tmdb: { key: values.FERRITE_TMDB_KEY, url: values.FERRITE_TMDB_URL },
      tvdb: { key: values.FERRITE_TVDB_KEY, url: values.FERRITE_TVDB_URL },
      language: values.FERRITE_METADATA_LANGUAGE,
    },
    admin:
      values.FERRITE_ADMIN_USERNAME === '' ? null : { username: values.FERRITE_ADMIN_USERNAME, password: values.FERRITE_ADMIN_PASSWORD },
    workers: values.FERRITE_WORKERS,
    targetMs: values.FERRITE_PROFILE === 'latency' ? 2_000 : 6_000,
    maxTranscodes: values.FERRITE_MAX_TRANSCODES,
    queue: {
      timeoutMs: values.FERRITE_ADMISSION_TIMEOUT_MS,
      maxWaiting: values.FERRITE_MAX_QUEUE,
      maxWaitingPerUser: values.FERRITE_MAX_QUEUE_PER_USER,
    },
    maxSessionsPerUser: values.FERRITE_MAX_SESSIONS_PER_USER,
    warmEncoders: values.FERRITE_WARM_ENCODERS,
    hardware: hardwareOf(values.FERRITE_HARDWARE),
    codecs: values.FERRITE_CODECS,
    findsMarkers: values.FERRITE_FIND_MARKERS === 'yes',
    predictsRates: values.FERRITE_PREDICT_RATES === 'yes',
    progressRules: {
      watchedPercent: values.FERRITE_WATCHED_PERCENT,
      resumeFromMs: values.FERRITE_RESUME_FROM_MS,
      resumeUntilPercent: values.FERRITE_RESUME_UNTIL_PERCENT,
    },
    watch: { mode: values.FERRITE_WATCH, pollMs: values.FERRITE_WATCH_POLL_MS },
    ffmpegPath: values.FERRITE_FFMPEG,
    ffprobePath: values.FERRITE_FFPROBE,
    publicUrl: values.FERRITE_PUBLIC_URL,
    corsOrigins: values.FERRITE_CORS_ORIGINS,
    trustedProxies: values.FERRITE_TRUSTED_PROXIES,
    metricsToken: values.FERRITE_METRICS_TOKEN,
    maxConnections: values.FERRITE_MAX_CONNECTIONS,
    maxConnectionsPerAddress: values.FERRITE_MAX_CONNECTIONS_PER_ADDRESS,
    sharedCacheMs: values.FERRITE_SHARED_CACHE_MS,
    segmentMode: values.FERRITE_SEGMENT_TYPE,
    issuers: values.FERRITE_ISSUERS,
    /** Of FERRITE_OIDC_<NAME>_…, which no table can list. */
    signInProviders: providers,
    logLevel: values.FERRITE_LOG_LEVEL,
  };
}

const hardwareOf = (choice: Values['FERRITE_HARDWARE']): readonly HardwareKind[] =>
  choice === 'auto' ? HARDWARE_KINDS : HARDWARE_KINDS.filter(kind => kind === choice);

function ferriteNames(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const named: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (name.startsWith('FERRITE_') && name !== 'FERRITE_CONFIG' && value !== undefined) named[name] = value;
  }
  return named;
}

/** `NAME=value` lines; `#` begins a comment. */
function readFile(path: string | undefined, mistakes: string[]): Record<string, string> {
  if (path === undefined) return {};
  try {
    const lines = readFileSync(path, 'utf8')
      .split('\n')
      .map(line => line.trim());
    return Object.fromEntries(lines.filter(line => line !== '' && !line.startsWith('#')).map(line => splitLine(line)));
  } catch {
    mistakes.push('FERRITE_CONFIG names a file that can not be read');
    return {};
  }
}

function splitLine(line: string): [name: string, value: string] {
  const at = line.indexOf('=');
  return at === -1 ? [line, ''] : [line.slice(0, at).trim(), line.slice(at + 1).trim()];
}

function nearest(name: string): string {
  const distances = Object.keys(SETTINGS).map(known => [editDistance(name, known), known] as const);
  return distances.sort(([a], [b]) => a - b)[0]?.[1] ?? '';
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
