// Every route with what no client should send: never a 5xx, and the server goes on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '../support/client.ts';
import { rawRequest } from '../support/raw-request.ts';
import { startServer, temporaryFolder } from '../support/server.ts';

const TEXTS = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '\ud800',
  '\udfff\ud800',
  '\ufdfa'.repeat(64),
  '\ufdfa'.repeat(200),
  '😀'.repeat(150),
  'x'.repeat(3_000),
  'é'.repeat(2_500),
  '__proto__',
  'constructor',
  '../../etc/passwd',
  '%00',
  '%',
  '%ff',
  '\r\nX: y',
  '1e999',
  '-1',
  'null',
  '\u202e',
  '\ufeff',
  '[]',
];
const VALUES: unknown[] = [
  ...TEXTS,
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  -1e308,
  Number.MAX_SAFE_INTEGER + 2,
  [],
  {},
  [[]],
  ['a'],
  { a: { b: [1] } },
  [null],
  { length: 1e9 },
  { toString: 'x' },
  Array.from({ length: 5_000 }, () => 1),
];
const BODIES = [
  '',
  '{',
  'null',
  '[]',
  '"a"',
  '1',
  '1e999',
  '{"a":1e999}',
  `${'['.repeat(30_000)}${']'.repeat(30_000)}`,
  `${'{"a":'.repeat(8_000)}1${'}'.repeat(8_000)}`,
  '{"__proto__":{"admin":true}}',
  '{"username":1,"username":2}',
  '\ufeff{}',
  '{"a":"\\ud800"}',
  `{"a":"${'x'.repeat(70_000)}"}`,
];

type Operation = {
  requestBody?: { content: Record<string, { schema: { properties?: Record<string, unknown> } }> };
  parameters?: { name: string; in: string }[];
};

test('nasty input: no route answers it with a 5xx', { timeout: 540_000 }, async t => {
  const server = await startServer(t, { library: await temporaryFolder(t), env: { FERRITE_WORKERS: '1', FERRITE_WARM_ENCODERS: '0' } });
  const client = await Client.signIn(server.url);
  const { paths } = JSON.parse((await client.bytes('/openapi.json')).toString()) as { paths: Record<string, Record<string, Operation>> };
  const faults: string[] = [];
  let asked = 0;
  const ask = async (method: string, path: string, body?: string): Promise<void> => {
    const headers = {
      authorization: `Bearer ${client.accessToken}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    const { status, text } = await rawRequest(server.url, { method, path, headers, ...(body === undefined ? {} : { body }) });
    asked += 1;
    if (status >= 500) faults.push(`${method} ${path.slice(0, 80)} ${body?.slice(0, 80)}: ${status} ${text.slice(0, 120)}`);
  };
  for (const [template, operations] of Object.entries(paths)) {
    for (const [name, operation] of Object.entries(operations)) {
      const method = name.toUpperCase();
      // What ends the login that asks is left to the unit tests.
      if (!['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].includes(method) || template.includes('logout') || template === '/readyz') continue;
      const plain = template.replaceAll(/\{[^}]+\}/g, 'abcdefghijkl').replace('*', 'main.m3u8');
      if (template.includes('{'))
        for (const text of TEXTS) await ask(method, template.replaceAll(/\{[^}]+\}/g, encode(text)).replace('*', encode(text)));
      for (const parameter of operation.parameters ?? [])
        if (parameter.in === 'query')
          for (const text of [...TEXTS, cursorOf(['name', 'x'.repeat(1_300)]), cursorOf(['\ufdfa'.repeat(60), 1e308, null])])
            await ask(method, `${plain}?${parameter.name}=${encode(text)}`);
      const schema = Object.values(operation.requestBody?.content ?? {})[0]?.schema;
      if (schema === undefined) continue;
      for (const body of BODIES) await ask(method, plain, body);
      const fields = Object.keys(schema.properties ?? {});
      for (const value of VALUES) {
        await ask(method, plain, JSON.stringify(Object.fromEntries(fields.map(field => [field, value]))));
        for (const field of fields) await ask(method, plain, JSON.stringify({ ...good(fields), [field]: value }));
      }
    }
  }
  assert.deepEqual([...new Set(faults)], []);
  assert.ok(asked > 1_000, `${asked} requests`);
  assert.equal((await client.fetch('/readyz')).status, 200);
});

/** As a browser would, and lone surrogates as bytes that are no UTF-8. */
const encode = (text: string): string => (text.isWellFormed() ? encodeURIComponent(text) : '%ed%a0%80');
const cursorOf = (key: unknown[]): string => Buffer.from(JSON.stringify(key)).toString('base64url');
const good = (fields: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    fields
      .filter(field => ['username', 'password', 'currentPassword', 'mediaId', 'refreshToken'].includes(field))
      .map(field => [field, 'abcdefghijkl']),
  );
