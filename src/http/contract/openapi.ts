// /openapi.json (OpenAPI 3.1), generated from the routes' own schemas: the document can not say anything else than the server checks.
import type { TSchema } from 'typebox';
import { ERRORS } from '#domain/errors.ts';
import type { Route, SocketRoute } from './route.ts';

const PROBLEM = { $ref: '#/components/schemas/Problem' };
const PROBLEM_ANSWER = {
  description: 'The request failed; `code` says why.',
  content: { 'application/problem+json': { schema: PROBLEM } },
};

export function openApiDocument(routes: readonly Route[], sockets: readonly SocketRoute[]): object {
  const byPath = Map.groupBy(routes, route => templateOf(route.path));
  return {
    openapi: '3.1.0',
    info: {
      title: 'Ferrite',
      version: '1',
      description: 'Streams a library of films and shows to any player.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set(routes.map(({ path }) => tagOf(path)))].map(name => ({ name })),
    paths: Object.fromEntries(
      [...byPath].map(([path, rows]) => [path, Object.fromEntries(rows.map(row => [row.method.toLowerCase(), operation(row)]))]),
    ),
    components: {
      schemas: { Problem: problemSchema() },
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
    },
    'x-websockets': Object.fromEntries(sockets.map(socket => [templateOf(socket.path), describeSocket(socket)])),
  };
}

function operation(route: Route): object {
  const parameters = [...pathParameters(route.path), ...queryParameters(route.query)];
  return {
    operationId: operationIdOf(route),
    summary: route.summary,
    tags: [tagOf(route.path)],
    ...(route.auth === 'none' ? {} : { security: [{ bearer: [] }] }),
    ...(route.auth === 'admin' ? { description: 'Administrators only.' } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body === undefined ? {} : { requestBody: { required: true, content: { 'application/json': { schema: route.body } } } }),
    responses: {
      ...Object.fromEntries(Object.entries(route.responses).map(([status, answer]) => [status, response(answer)])),
      default: PROBLEM_ANSWER,
    },
  };
}

/** A string is the description of an answer that is not JSON. */
function response(answer: TSchema | string): object {
  if (typeof answer === 'string') return { description: answer };
  const description = 'description' in answer && typeof answer.description === 'string' ? answer.description : 'The answer.';
  return { description, content: { 'application/json': { schema: answer } } };
}

function pathParameters(path: string): object[] {
  return parameterNames(path).map(name => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
}

function queryParameters(query: TSchema | undefined): object[] {
  if (query === undefined || !('properties' in query) || !isRecord(query.properties)) return [];
  const required = new Set('required' in query && Array.isArray(query.required) ? query.required : []);
  return Object.entries(query.properties).map(([name, schema]) => {
    const hasDefault = isRecord(schema) && 'default' in schema;
    return { name, in: 'query', required: required.has(name) && !hasDefault, schema };
  });
}

function describeSocket({ path, summary, message }: SocketRoute): object {
  return { summary, parameters: pathParameters(path), send: message };
}

function problemSchema(): object {
  return {
    type: 'object',
    description: 'RFC 9457, with a stable `code`.',
    required: ['type', 'title', 'status', 'detail', 'code'],
    properties: {
      type: { type: 'string' },
      title: { type: 'string' },
      status: { type: 'integer' },
      detail: { type: 'string' },
      code: { type: 'string', enum: Object.keys(ERRORS).filter(code => code !== 'CANCELLED') },
      retryAfterMs: { type: 'integer', description: 'Where retrying helps: after how long. Also as Retry-After, in whole seconds.' },
      errors: {
        type: 'array',
        description: 'Every field that was refused.',
        items: {
          type: 'object',
          required: ['path', 'message'],
          properties: { path: { type: 'string', description: 'A JSON pointer.' }, message: { type: 'string' } },
        },
      },
    },
  };
}

const templateOf = (path: string): string => path.replace(/:([^/]+)/g, '{$1}').replace(/\*$/, '{rest}');

const parameterNames = (path: string): string[] => [...templateOf(path).matchAll(/\{([^}]+)\}/g)].map(match => match[1] ?? '');

/** `/api/v1/users/:userId` belongs to `users`, `/stream/…` to `stream`, `/` to `web`. */
const tagOf = (path: string): string =>
  path
    .replace(/^\/api\/v\d+/, '')
    .split('/')
    .find(segment => /^[a-z]/.test(segment)) ?? 'web';

/** A page may be called as what its data comes from: `/search`, and `/api/v1/search`. */
function operationIdOf({ method, path, responses }: Route): string {
  const words = path
    .replace(/^\/api\/v\d+/, '')
    .replace(/\*$/, 'rest')
    .match(/[A-Za-z0-9]+/g) ?? ['root'];
  const isPage = String(responses[200]).startsWith('text/html');
  return [method.toLowerCase(), ...(isPage ? ['page'] : []), ...words].map((word, at) => (at === 0 ? word : capitalised(word))).join('');
}

const capitalised = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
