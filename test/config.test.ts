import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ConfigError, loadConfig, SETTINGS } from '#src/config.ts';
import { temporaryFolder } from './support/run-tool.ts';

const CLI = fileURLToPath(new URL('../src/cli.ts', import.meta.url));

function mistakes(environment: Record<string, string>): readonly string[] {
  try {
    loadConfig(environment);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.mistakes;
  }
  assert.fail('the settings were taken');
}

test('config: nothing at all is a complete configuration', () => {
  const config = loadConfig({ PATH: '/bin', HOME: '/root' });
  assert.deepEqual([config.host, config.port, config.targetMs, config.admin, config.libraries], ['127.0.0.1', 8096, 2_000, null, []]);
  assert.equal(config.dataDir, resolve('data'));
  assert.equal(config.cacheDir, resolve('data/cache'));
  assert.ok(Object.isFrozen(config));
});

test('config: every setting can be given', () => {
  const config = loadConfig({
    FERRITE_HOST: '::',
    FERRITE_PORT: '0',
    FERRITE_DATA_DIR: '/srv/ferrite',
    FERRITE_CACHE_DIR: 'segments',
    FERRITE_PREVIEWS_MAX_BYTES: '7',
    FERRITE_CACHE_MAX_BYTES: '0',
    FERRITE_CACHE_MEMORY_BYTES: '1048576',
    FERRITE_LIBRARY: 'movies=/a:/b,shows=/c=d',
    FERRITE_LIBRARY_ROOTS: '/srv:/mnt/films',
    FERRITE_TMDB_KEY: 'of tmdb',
    FERRITE_TVDB_KEY: 'of tvdb',
    FERRITE_TMDB_URL: 'http://127.0.0.1:1',
    FERRITE_TVDB_URL: 'http://127.0.0.1:2',
    FERRITE_METADATA_LANGUAGE: 'de-DE',
    FERRITE_ADMIN_USERNAME: 'root',
    FERRITE_ADMIN_PASSWORD: 'pass=word ',
    FERRITE_WORKERS: '3',
    FERRITE_PROFILE: 'throughput',
    FERRITE_MAX_TRANSCODES: '7',
    FERRITE_PREDICT_RATES: 'no',
    FERRITE_WATCH: 'poll',
    FERRITE_WATCH_POLL_MS: '60000',
    FERRITE_FIND_MARKERS: 'no',
    FERRITE_ADMISSION_TIMEOUT_MS: '600000',
    FERRITE_WARM_ENCODERS: '0',
    FERRITE_HARDWARE: 'vaapi',
    FERRITE_CODECS: 'av1, hevc',
    FERRITE_WATCHED_PERCENT: '85',
    FERRITE_RESUME_FROM_MS: '10000',
    FERRITE_RESUME_UNTIL_PERCENT: '97',
    FERRITE_FFMPEG: '/opt/ffmpeg',
    FERRITE_FFPROBE: '/opt/ffprobe',
    FERRITE_CORS_ORIGINS: 'https://a.example, https://b.example',
    FERRITE_PUBLIC_URL: 'https://films.example.org/',
    FERRITE_OIDC_HOME_ISSUER: 'https://id.example.org',
    FERRITE_OIDC_HOME_CLIENT_ID: 'films',
    FERRITE_TRUSTED_PROXIES: '127.0.0.1, 10.0.0.0/8',
    FERRITE_METRICS_TOKEN: 'of the metrics',
    FERRITE_MAX_CONNECTIONS: '500',
    FERRITE_MAX_CONNECTIONS_PER_ADDRESS: '40',
    FERRITE_SHARED_CACHE_MS: '1000',
    FERRITE_ISSUERS: 'https://id.example|https://id.example/jwks|ferrite',
    FERRITE_LOG_LEVEL: 'silent',
  });
  assert.deepEqual(config, {
    host: '::',
    port: 0,
    dataDir: '/srv/ferrite',
    cacheDir: resolve('segments'),
    previewsMaxBytes: 7,
    cacheMaxBytes: 0,
    cacheMemoryBytes: 1_048_576,
    libraryRoots: ['/srv', '/mnt/films'],
    providers: {
      tmdb: { key: 'of tmdb', url: 'http://127.0.0.1:1' },
      tvdb: { key: 'of tvdb', url: 'http://127.0.0.1:2' },
      language: 'de-DE',
    },
    libraries: [
      { kind: 'movies', paths: ['/a', '/b'] },
      { kind: 'shows', paths: ['/c=d'] },
    ],
    admin: { username: 'root', password: 'pass=word ' },
    workers: 3,
    targetMs: 6_000,
    maxTranscodes: 7,
    queue: { timeoutMs: 600_000, maxWaiting: 1_000, maxWaitingPerUser: 100 },
    maxSessionsPerUser: 1_000,
    warmEncoders: 0,
    hardware: ['vaapi'],
    codecs: ['hevc', 'av1'],
    findsMarkers: false,
    predictsRates: false,
    watch: { mode: 'poll', pollMs: 60_000 },
    progressRules: { watchedPercent: 85, resumeFromMs: 10_000, resumeUntilPercent: 97 },
    ffmpegPath: '/opt/ffmpeg',
    ffprobePath: '/opt/ffprobe',
    corsOrigins: ['https://a.example', 'https://b.example'],
    publicUrl: 'https://films.example.org',
    signInProviders: [
      {
        id: 'home',
        label: 'Home',
        issuer: 'https://id.example.org',
        clientId: 'films',
        clientSecret: '',
        scopes: 'openid profile email',
        create: 'never',
        createClaim: null,
        adminClaim: null,
        linksByEmail: false,
      },
    ],
    trustedProxies: ['127.0.0.1', '10.0.0.0/8'],
    metricsToken: 'of the metrics',
    maxConnections: 500,
    maxConnectionsPerAddress: 40,
    sharedCacheMs: 1000,
    segmentMode: 'auto',
    issuers: [{ issuer: 'https://id.example', jwksUrl: 'https://id.example/jwks', audience: 'ferrite' }],
    logLevel: 'silent',
  });
});

test('config: every mistake is told at once', () => {
  const told = mistakes({
    FERRITE_PORT: '65536',
    FERRITE_PROFILE: 'fast',
    FERRITE_WORKER: '2',
    FERRITE_LIBRARY: 'music=/a',
    FERRITE_ISSUERS: 'a|b',
    FERRITE_ADMIN_USERNAME: 'root',
  });
  assert.equal(told.length, 6);
  for (const name of ['FERRITE_PORT', 'FERRITE_PROFILE', 'FERRITE_WORKER', 'FERRITE_LIBRARY', 'FERRITE_ISSUERS', 'FERRITE_ADMIN_PASSWORD'])
    assert.ok(
      told.some(mistake => mistake.startsWith(`${name} `)),
      name,
    );
});

for (const [wrong, meant] of [
  ['FERRITE_WORKER', 'FERRITE_WORKERS'],
  ['FERRITE_MAX_TRANSCODE', 'FERRITE_MAX_TRANSCODES'],
  ['FERRITE_LOGLEVEL', 'FERRITE_LOG_LEVEL'],
  ['FERRITE_FFPROB', 'FERRITE_FFPROBE'],
  ['FERRITE_DATADIR', 'FERRITE_DATA_DIR'],
] as const) {
  test(`config: ${wrong} suggests ${meant}`, () =>
    assert.deepEqual(mistakes({ [wrong]: '1' }), [`${wrong} is not a setting; did you mean ${meant}?`]));
}

for (const [name, bad, good] of [
  ['FERRITE_PORT', ['-1', '65536', '80.5', '8e3', '0x50', ' 80', '', 'http'], ['0', '65535']],
  ['FERRITE_CACHE_MEMORY_BYTES', ['1048575', '9007199254740993'], ['1048576']],
  ['FERRITE_WORKERS', ['257'], ['0', '256']],
  ['FERRITE_ADMISSION_TIMEOUT_MS', ['600001'], ['0']],
  ['FERRITE_PROFILE', ['', 'LATENCY', 'toString'], ['latency', 'throughput']],
  ['FERRITE_LOG_LEVEL', ['verbose'], ['trace']],
  ['FERRITE_LIBRARY', ['movies', 'movies=', '=/a', 'movies:/a'], ['', 'movies=/a']],
  ['FERRITE_ISSUERS', ['a', 'a||c'], ['', 'a|b|c']],
] as const) {
  test(`config: the bounds of ${name}`, () => {
    for (const value of bad) assert.equal(mistakes({ [name]: value }).length, 1, JSON.stringify(value));
    for (const value of good) loadConfig({ [name]: value });
  });
}

test('config: a file gives settings, and the environment wins over it', async t => {
  const path = join(await temporaryFolder(t), 'ferrite.conf');
  await writeFile(path, '# our server\n\n  FERRITE_PORT = 9000\r\nFERRITE_HOST=0.0.0.0\nFERRITE_FFMPEG=/opt/a=b\n');
  const config = loadConfig({ FERRITE_CONFIG: path, FERRITE_HOST: '::1' });
  assert.deepEqual([config.port, config.host, config.ffmpegPath], [9000, '::1', '/opt/a=b']);
});

test('config: a file is checked like the environment', async t => {
  const path = join(await temporaryFolder(t), 'ferrite.conf');
  await writeFile(path, 'FERRITE_PORT=many\nPORT=80\nFERRITE_HOSTS\n');
  const told = mistakes({ FERRITE_CONFIG: path });
  assert.deepEqual(
    told.map(mistake => mistake.split(' ')[0]),
    ['PORT', 'FERRITE_HOSTS', 'FERRITE_PORT'],
  );
  assert.match(told[1] ?? '', /did you mean FERRITE_HOST\?/);
});

test('config: a file that is not there is a mistake, and the others are still told', () => {
  const told = mistakes({ FERRITE_CONFIG: '/does/not/exist', FERRITE_PORT: 'x' });
  assert.equal(told.length, 2);
});

test('config: names that every object has are no settings', () => {
  assert.equal(mistakes({ FERRITE_: '1' }).length, 1);
  assert.ok(!Object.hasOwn(SETTINGS, 'toString'));
});

async function run(
  args: readonly string[],
  environment: Record<string, string>,
): Promise<{ code: unknown; stderr: string; stdout: string }> {
  const child = spawn(process.execPath, [CLI, ...args], { env: { PATH: process.env.PATH ?? '', ...environment }, timeout: 120_000 });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code, stdout, stderr };
}

test('config: a server with mistakes in its settings tells all of them and exits with 2', async t => {
  const dataDir = join(await temporaryFolder(t), 'data');
  const { code, stderr, stdout } = await run(['serve'], { FERRITE_DATA_DIR: dataDir, FERRITE_PORT: 'x', FERRITE_PROFIL: 'latency' });
  assert.equal(code, 2);
  assert.equal(stdout, '');
  assert.deepEqual(stderr.trim().split('\n').sort(), [
    'FERRITE_PORT must be a whole number from 0 to 65535',
    'FERRITE_PROFIL is not a setting; did you mean FERRITE_PROFILE?',
  ]);
});

test('config: an unknown command tells the usage and exits with 2', async () => {
  const { code, stderr } = await run(['server'], {});
  assert.equal(code, 2);
  assert.match(stderr, /^usage: /);
});
