// The web player's files over a real socket: what is served, under which policy, and that nothing else is.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join, relative } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { webRoutes } from '#http/api/web.ts';
import { type FrontDoor, type Log, startServer } from '#http/door/server.ts';
import { createPlaybackMachine } from '#src/web/playback/playback-machine.js';
import { statusOf } from '#src/web/playback/playback-state.js';

const WEB_FOLDER = new URL('../../../src/web/', import.meta.url);
const DEADLINE_MS = 5_000;

let door: FrontDoor;

before(async () => {
  const silent = () => undefined;
  const log: Log = { debug: silent, warn: silent, error: silent };
  const authenticate = () => {
    throw new Error('the web player needs no token');
  };
  door = await startServer({ host: '127.0.0.1', port: 0, routes: webRoutes(), sockets: [], authenticate, corsOrigins: [], log });
});

after(() => door.close(1_000));

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(door.url + path, { headers, signal: AbortSignal.timeout(DEADLINE_MS) });

/** The status for a path exactly as written: fetch would resolve `..` before sending it. */
function statusOfRawPath(path: string): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  const { hostname, port } = new URL(door.url);
  const sent = request({ hostname, port, path, timeout: DEADLINE_MS }, response => {
    response.resume();
    resolve(response.statusCode);
  });
  sent.on('timeout', () => sent.destroy(new Error('no answer in time')));
  sent.on('error', reject);
  sent.end();
  return promise;
}

test('web: the start page and every address of the player give the same document', async () => {
  const document = await readFile(new URL('index.html', WEB_FOLDER), 'utf8');
  for (const path of ['/', '/index.html', '/login', '/film/abc-123_x', '/watch/abc-123_x?t=1000']) {
    const response = await get(path);
    assert.equal(response.status, 200, path);
    assert.equal(response.headers.get('content-type'), 'text/html; charset=utf-8', path);
    assert.equal(await response.text(), document, path);
  }
});

/** Paths below the folder, with forward slashes. */
async function webFiles(): Promise<string[]> {
  const entries = await readdir(WEB_FOLDER, { recursive: true, withFileTypes: true });
  return entries.filter(entry => entry.isFile()).map(entry => relative(fileURLToPath(WEB_FOLDER), join(entry.parentPath, entry.name)));
}

test('web: every file of the folder is served as it is, with a type that browsers run', async () => {
  const names = await webFiles();
  assert.ok(names.includes('app.js') && names.includes('player/player.js'));
  for (const name of names) {
    const response = await get(`/${name}`);
    assert.equal(response.status, 200, name);
    assert.deepEqual(Buffer.from(await response.arrayBuffer()), await readFile(new URL(name, WEB_FOLDER)), name);
    if (name.endsWith('.js')) assert.equal(response.headers.get('content-type'), 'text/javascript; charset=utf-8', name);
  }
});

test('web: every module that a module imports is served', async () => {
  const names = (await webFiles()).filter(name => name.endsWith('.js'));
  const imported = new Set<string>();
  for (const name of names) {
    const text = await readFile(new URL(name, WEB_FOLDER), 'utf8');
    for (const [, near, far] of text.matchAll(/from '(\.[^']+)'|(?:import\(|from )'(\/vendor[^']+)'/g))
      imported.add(new URL(near ?? far ?? '', `${door.url}/${name}`).pathname);
  }
  assert.ok(imported.has('/vendor/hls.js') && imported.has('/vendor/xstate.js') && imported.has('/api.js'));
  for (const path of imported) assert.equal((await get(path)).status, 200, path);
});

test('web: hls.js is served as a module', async () => {
  const response = await get('/vendor/hls.js');
  assert.equal(response.headers.get('content-type'), 'text/javascript; charset=utf-8');
  assert.match(await response.text(), / as default[,}]/);
});

test('web: xstate is served as a module with what the playback machine is built from', async () => {
  const response = await get('/vendor/xstate.js');
  assert.equal(response.headers.get('content-type'), 'text/javascript; charset=utf-8');
  const served = await import(`data:text/javascript;base64,${Buffer.from(await response.text()).toString('base64')}`);
  const machine = createPlaybackMachine(served);
  assert.equal(statusOf(served.createActor(machine).start().getSnapshot()).name, 'starting');
});

test('web: nothing that is not listed is served, however the path is written', async () => {
  const paths = [
    '/web.ts',
    '/vendor/hls.js.map',
    '/vendor/',
    '/film',
    '/film/a/b',
    '/../package.json',
    '/..%2fpackage.json',
    '/%2e%2e/http/web.ts',
    '/vendor/../../../package.json',
    '//etc/passwd',
    '/style.css/..%2f..%2fcli.ts',
  ];
  for (const path of paths) assert.equal(await statusOfRawPath(path), 404, path);
});

test('web: a file that did not change is not sent again', async () => {
  const first = await get('/app.js');
  const etag = first.headers.get('etag') ?? '';
  assert.match(etag, /^"[\w-]{20,}"$/);
  assert.equal(first.headers.get('cache-control'), 'no-cache');
  const again = await get('/app.js', { 'if-none-match': etag });
  assert.equal(again.status, 304);
  assert.equal(await again.text(), '');
  assert.notEqual((await get('/style.css')).headers.get('etag'), etag);
});

test('web: the page may run and reach nothing but its own server', async () => {
  for (const path of ['/', '/app.js', '/vendor/hls.js', '/vendor/xstate.js']) {
    const { headers } = await get(path);
    const policy = new Map((headers.get('content-security-policy') ?? '').split('; ').map(part => [part.split(' ', 1)[0], part]));
    assert.equal(policy.get('default-src'), "default-src 'none'", path);
    assert.equal(policy.get('script-src'), "script-src 'self'", path);
    assert.equal(policy.get('style-src'), "style-src 'self'", path);
    assert.equal(policy.get('connect-src'), "connect-src 'self'", path);
    assert.equal(policy.get('media-src'), "media-src 'self' blob:", path);
    assert.equal(policy.get('frame-ancestors'), "frame-ancestors 'none'", path);
    assert.equal(headers.get('x-content-type-options'), 'nosniff', path);
    assert.equal(headers.get('referrer-policy'), 'no-referrer', path);
  }
});

test('web: the document has no inline script, style or handler, which the policy would refuse', async () => {
  const document = await readFile(new URL('index.html', WEB_FOLDER), 'utf8');
  assert.doesNotMatch(document, /<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=/);
});
