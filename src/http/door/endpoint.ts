// Turns the list of routes into a table: one row a path shape, one endpoint a method, and the answers for methods that a path does not have.
import { STREAM_PREFIX } from '#domain/addresses.ts';
import { FerriteError } from '#domain/errors.ts';
import { problemReply } from '#http/contract/problem.ts';
import type { Reply, Route } from '#http/contract/route.ts';
import { type Check, compileCheck, compileQueryCheck, invalidField } from '#http/contract/validation.ts';
import type { CrossOrigin } from './cross-origin.ts';
import type { HttpRequest } from './transport.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

const MAX_BODY_BYTES = 64 * 1024;

/** A route with its schemas compiled. */
export type Endpoint = {
  readonly path: string;
  readonly kind: 'api' | 'stream';
  readonly auth: Route['auth'];
  readonly paramNames: readonly string[];
  /** How many slashes stand before the text of a trailing `*`; 0 where the path has none. */
  readonly restFrom: number;
  readonly parseQuery: ((query: string) => unknown) | null;
  readonly parseBody: Check | null;
  readonly takesBeacon: boolean;
  readonly maxBodyBytes: number;
  readonly atOnce: NonNullable<Route['atOnce']> | null;
  readonly handler: Route['handler'];
};

type PathRow = {
  /** The path as the socket library's router wants it, parameters numbered: it would take two names for two paths. */
  readonly pattern: string;
  readonly byMethod: ReadonlyMap<string, Endpoint>;
  /** For every other method. */
  readonly otherwise: Endpoint;
};

/** The most specific path decides; a method that it lacks is 405, even where a wildcard would have taken it. */
export function tabulate(routes: readonly Route[], crossOrigin: CrossOrigin): PathRow[] {
  const byPattern = Map.groupBy(routes, route => toPattern(route.path));
  return [...byPattern].map(([pattern, rows]) => toRow(pattern, rows, crossOrigin));
}

/** An endpoint of the server itself: without authentication and without a body. */
export function plainEndpoint(path: string, handler: () => Reply): Endpoint {
  return {
    path,
    kind: kindOf(path),
    auth: 'none',
    ...readPath(path),
    parseQuery: null,
    parseBody: null,
    takesBeacon: false,
    maxBodyBytes: MAX_BODY_BYTES,
    atOnce: null,
    handler,
  };
}

export function toPattern(path: string): string {
  let count = 0;
  return path.replace(/:[^/]+/g, () => `:${count++}`);
}

/** The path's parameters as the client wrote them, percent-decoded, as opaque text. */
export function readParams({ paramNames, restFrom }: Endpoint, req: HttpRequest): Record<string, string> {
  const params: Record<string, string> = {};
  for (let index = 0; index < paramNames.length; index++) {
    const name = paramNames[index] ?? '';
    params[name] = decode(name, req.getParameter(index) ?? '');
  }
  if (restFrom > 0) params.rest = decode('rest', textAfterSlash(req.getUrl(), restFrom));
  return params;
}

function toRow(pattern: string, routes: readonly Route[], crossOrigin: CrossOrigin): PathRow {
  const byMethod = new Map<string, Endpoint>();
  for (const route of routes) {
    if (byMethod.has(route.method)) throw new Error(`two routes for ${route.method} ${route.path}`);
    byMethod.set(route.method, compile(route));
  }
  const path = routes[0]?.path ?? pattern;
  const get = byMethod.get('GET');
  if (get !== undefined && !byMethod.has('HEAD')) byMethod.set('HEAD', get);
  const allowed = METHODS.filter(method => byMethod.has(method) || method === 'OPTIONS');
  const preflight = { status: 204, empty: true, headers: crossOrigin.preflight(allowed) } as const;
  byMethod.set(
    'OPTIONS',
    plainEndpoint(path, () => preflight),
  );
  const refused = new FerriteError('METHOD_NOT_ALLOWED', `use ${allowed.join(', ')}`);
  return { pattern, byMethod, otherwise: plainEndpoint(path, () => problemReply(refused, { Allow: allowed.join(', ') })) };
}

function compile({ path, auth, query, body, maxBodyBytes = MAX_BODY_BYTES, takesBeacon, atOnce, handler }: Route): Endpoint {
  return {
    path,
    kind: kindOf(path),
    auth,
    ...readPath(path),
    parseQuery: query === undefined ? null : compileQueryCheck(query),
    parseBody: body === undefined ? null : compileCheck(body),
    takesBeacon: takesBeacon === true,
    maxBodyBytes,
    atOnce: atOnce ?? null,
    handler,
  };
}

const kindOf = (path: string): Endpoint['kind'] => (path.startsWith(STREAM_PREFIX) ? 'stream' : 'api');

function readPath(path: string): Pick<Endpoint, 'paramNames' | 'restFrom'> {
  const segments = path.split('/');
  return {
    paramNames: segments.filter(segment => segment.startsWith(':')).map(segment => segment.slice(1)),
    restFrom: segments.at(-1) === '*' ? segments.length - 1 : 0,
  };
}

function textAfterSlash(url: string, slashCount: number): string {
  let position = -1;
  for (let count = 0; count < slashCount; count++) position = url.indexOf('/', position + 1);
  return url.slice(position + 1);
}

function decode(name: string, text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalidField(`/${name}`, 'is not valid percent-encoding');
  }
}
