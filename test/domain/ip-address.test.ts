import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressGroup, formatAddress } from '#domain/ip-address.ts';

const GROUPS: readonly [string, string][] = [
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['0000:0000:0000:0000:0000:ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:0db8:0001:0002:ffff:ffff:ffff:ffff', '2001:db8:1:2'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['::1', '0:0:0:0'],
  ['', ''],
];

for (const [address, group] of GROUPS) {
  test(`ip address: ${address || 'no address'} counts as ${group || 'one'}`, () => assert.equal(addressGroup(address), group));
}

test('ip address: is written from its bytes, an IPv4 address the same however it arrived', () => {
  assert.equal(formatAddress(Uint8Array.from([192, 0, 2, 1])), '192.0.2.1');
  assert.equal(formatAddress(Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 1])), '192.0.2.1');
  assert.equal(formatAddress(Uint8Array.from([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])), '2001:db8:0:0:0:0:0:1');
});
