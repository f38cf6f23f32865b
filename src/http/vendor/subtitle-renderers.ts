// What draws subtitles as they were authored in the page: libass (JASSUB) and presentation graphics (libpgs), served from their packages and from nowhere else.
import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Reply, type Route, route } from '#http/contract/route.ts';

type Headers = Readonly<Record<string, string>>;

const SCRIPT = 'text/javascript; charset=utf-8';
const JASSUB = new URL('../', import.meta.resolve('jassub'));
const LIBPGS = new URL('./', import.meta.resolve('libpgs'));

/** The glue of WebAssembly makes functions of text, which only this worker may: the page that starts it has the policy of pages. */
const WORKER_POLICY = "default-src 'none'; script-src 'self' 'unsafe-eval'; connect-src 'self'";

/** Name → file and type. Read from disk as they are sent: most viewers never need them. */
const FILES: Readonly<Record<string, readonly [file: URL, contentType: string]>> = {
  'jassub-worker.js': [new URL('dist/jassub-worker.js', JASSUB), SCRIPT],
  'jassub-worker.wasm': [new URL('dist/jassub-worker.wasm', JASSUB), 'application/wasm'],
  'jassub-worker-modern.wasm': [new URL('dist/jassub-worker-modern.wasm', JASSUB), 'application/wasm'],
  'jassub-font.woff2': [new URL('dist/default.woff2', JASSUB), 'font/woff2'],
  'libpgs.js': [new URL('libpgs.js', LIBPGS), SCRIPT],
  'libpgs-worker.js': [new URL('libpgs.worker.js', LIBPGS), SCRIPT],
};

export function subtitleRendererRoutes(pageHeaders: Headers): Route[] {
  const files = Object.entries(FILES).map(([name, [file, contentType]]) => {
    const headers = name === 'jassub-worker.js' ? { ...pageHeaders, 'Content-Security-Policy': WORKER_POLICY } : pageHeaders;
    return vendorRoute(name, fileReply(name, file, contentType, headers));
  });
  // The package's module without the polyfill that its bundle carries, which has another licence and is of use to no browser that we serve.
  const module = readFileSync(new URL('src/jassub.js', JASSUB), 'utf8').replace("import 'rvfc-polyfill'", '');
  const bytes = Buffer.from(module);
  return [...files, vendorRoute('jassub.js', { status: 200, bytes, contentType: SCRIPT, headers: pageHeaders })];
}

function fileReply(name: string, file: URL, contentType: string, headers: Headers): Reply {
  const path = fileURLToPath(file);
  const { size, mtimeMs } = statSync(path);
  const etag = `"${name}-${size.toString(36)}-${Math.trunc(mtimeMs).toString(36)}"`;
  return { status: 200, headers, file: { path, byteLength: size, etag, lastModifiedMs: Math.trunc(mtimeMs), contentType } };
}

const vendorRoute = (name: string, reply: Reply): Route =>
  route({
    method: 'GET',
    path: `/vendor/${name}`,
    auth: 'none',
    summary: 'A part of the web player',
    responses: { 200: 'the file' },
    handler: () => reply,
  });
