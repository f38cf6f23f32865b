// The generated interface document.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import Type from 'typebox';
import { openApiDocument } from '#http/contract/openapi.ts';
import { type Route, route, type SocketRoute } from '#http/contract/route.ts';

const Media = Type.Object({ mediaId: Type.String(), durationMs: Type.Integer() });

const routes: Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/media',
    auth: 'user',
    summary: 'Searches the library',
    query: Type.Object({ limit: Type.Integer({ default: 50 }), libraryId: Type.String(), query: Type.Optional(Type.String()) }),
    responses: { 200: Type.Object({ items: Type.Array(Media) }) },
    handler: () => ({ status: 200, json: {} }),
  }),
  route({
    method: 'PATCH',
    path: '/api/v1/users/:userId',
    auth: 'admin',
    summary: 'Changes a user',
    body: Type.Object({ enabled: Type.Boolean() }),
    responses: { 204: 'Changed.' },
    handler: () => ({ status: 204, empty: true }),
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/users/:userId',
    auth: 'admin',
    summary: 'Deletes a user',
    responses: { 204: 'Deleted.' },
    handler: () => ({ status: 204, empty: true }),
  }),
  route({
    method: 'GET',
    path: '/stream/:sessionId/:token/*',
    auth: 'none',
    summary: 'Playlists and segments',
    responses: { 200: 'Bytes.' },
    handler: () => ({ status: 204, empty: true }),
  }),
];

const sockets: SocketRoute[] = [
  {
    path: '/api/v1/sessions/:id/control',
    summary: 'Controls a session',
    message: Type.Object({ type: Type.Literal('ping') }),
    authorize: () => null,
    open: () => ({ message() {}, close() {} }),
  },
];

/** As a client reads it. */
const published = (): unknown => JSON.parse(JSON.stringify(openApiDocument(routes, sockets)));

function at(value: unknown, ...path: string[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (typeof inner === 'object' && inner !== null ? Object.entries(inner).find(([name]) => name === key)?.[1] : undefined),
    value,
  );
}

test('paths, parameters, bodies and answers come from the routes', () => {
  const document = published();
  assert.equal(at(document, 'openapi'), '3.1.0');
  const search = at(document, 'paths', '/api/v1/media', 'get');
  assert.deepEqual(at(search, 'security'), [{ bearer: [] }]);
  assert.deepEqual(at(search, 'parameters'), [
    { name: 'limit', in: 'query', required: false, schema: { type: 'integer', default: 50 } },
    { name: 'libraryId', in: 'query', required: true, schema: { type: 'string' } },
    { name: 'query', in: 'query', required: false, schema: { type: 'string' } },
  ]);
  assert.deepEqual(at(search, 'responses', '200', 'content', 'application/json', 'schema', 'required'), ['items']);
  assert.equal(at(search, 'responses', 'default', 'content', 'application/problem+json', 'schema', '$ref'), '#/components/schemas/Problem');
  const change = at(document, 'paths', '/api/v1/users/{userId}', 'patch');
  assert.deepEqual(at(change, 'requestBody', 'content', 'application/json', 'schema', 'required'), ['enabled']);
  assert.deepEqual(at(change, 'responses', '204'), { description: 'Changed.' });
  assert.deepEqual(at(change, 'parameters'), [{ name: 'userId', in: 'path', required: true, schema: { type: 'string' } }]);
  assert.ok(at(document, 'paths', '/api/v1/users/{userId}', 'delete'));
  const stream = at(document, 'paths', '/stream/{sessionId}/{token}/{rest}', 'get');
  assert.equal(at(stream, 'security'), undefined);
  assert.equal(Array.isArray(at(stream, 'parameters')), true);
});

test('every operation has its own id', () => {
  const ids = JSON.stringify(published()).match(/"operationId":"[^"]+"/g) ?? [];
  assert.equal(ids.length, routes.length);
  assert.equal(new Set(ids).size, ids.length);
});

test('problems list every code, and WebSocket messages are described', () => {
  const document = published();
  const codes = at(document, 'components', 'schemas', 'Problem', 'properties', 'code', 'enum');
  assert.ok(Array.isArray(codes) && codes.includes('OVERLOADED') && !codes.includes('CANCELLED'));
  assert.deepEqual(at(document, 'x-websockets', '/api/v1/sessions/{id}/control', 'send', 'properties', 'type', 'const'), 'ping');
});
