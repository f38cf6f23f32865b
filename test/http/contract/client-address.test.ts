import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClientAddresses, proxyMistake } from '#http/contract/client-address.ts';

const PROXY = '10.0.0.1';
const trusting = new ClientAddresses(['10.0.0.0/8', '192.0.2.9', '2001:db8:ffff::/48']);

const CASES: readonly [what: string, from: string, headers: Record<string, string>, client: string][] = [
  ['no proxy', '203.0.113.5', {}, '203.0.113.5'],
  ['somebody who claims to be one', '203.0.113.5', { 'x-forwarded-for': '1.2.3.4' }, '203.0.113.5'],
  ['one proxy', PROXY, { 'x-forwarded-for': '203.0.113.5' }, '203.0.113.5'],
  ['a client that lied to it', PROXY, { 'x-forwarded-for': '1.2.3.4, 203.0.113.5' }, '203.0.113.5'],
  ['two proxies', PROXY, { 'x-forwarded-for': '1.2.3.4, 203.0.113.5, 192.0.2.9' }, '203.0.113.5'],
  ['ports', PROXY, { 'x-forwarded-for': '203.0.113.5:4711' }, '203.0.113.5'],
  ['IPv6', '2001:db8:ffff::1', { 'x-forwarded-for': '2001:db8::7' }, '2001:db8::7'],
  ['Forwarded', PROXY, { forwarded: 'for=1.2.3.4;proto=http, proto=https;For="[2001:db8::7]:4711";by=10.0.0.1' }, '2001:db8::7'],
  ['both, of one mind', PROXY, { forwarded: 'for=203.0.113.5', 'x-forwarded-for': '203.0.113.5' }, '203.0.113.5'],
  ['both, one of them by the client', PROXY, { forwarded: 'for=1.2.3.4', 'x-forwarded-for': '203.0.113.5' }, PROXY],
  ['nothing of use', PROXY, { 'x-forwarded-for': 'unknown' }, PROXY],
  ['proxies only', PROXY, { 'x-forwarded-for': '10.1.1.1' }, '10.1.1.1'],
];

for (const [what, from, headers, client] of CASES)
  test(`client address: ${what}`, () =>
    assert.equal(
      trusting.of(from, name => headers[name] ?? ''),
      client,
    ));

test('client address: nobody is believed where no proxy is named', () => {
  assert.equal(
    new ClientAddresses([]).of('127.0.0.1', () => '1.2.3.4'),
    '127.0.0.1',
  );
});

test('client address: what is neither an address nor a network is named', () => {
  for (const good of ['127.0.0.1', '::1', '10.0.0.0/8', 'fd00::/8']) assert.equal(proxyMistake(good), null, good);
  for (const bad of ['proxy', '10.0.0.0/33', '10.0.0.0/', '::/129', '10.0.0.0/8/8', '10.0.0/8'])
    assert.match(proxyMistake(bad) ?? '', /neither/, bad);
});
