import assert from 'node:assert/strict';
import { test } from 'node:test';
import { relyingPartyOf } from '#src/auth/passkeys/relying-party.ts';

for (const [publicUrl, host, expected] of [
  ['https://films.example.org', 'whatever.example.com', { id: 'films.example.org', origins: ['https://films.example.org'] }],
  ['https://films.example.org:8443', '', { id: 'films.example.org', origins: ['https://films.example.org:8443'] }],
  ['', 'films.example.org', { id: 'films.example.org', origins: ['https://films.example.org'] }],
  ['', 'localhost:8096', { id: 'localhost', origins: ['https://localhost:8096', 'http://localhost:8096'] }],
  ['', '192.0.2.7:8096', null],
  ['', '[::1]:8096', null],
  ['', '', null],
  ['https://192.0.2.7', 'films.example.org', null],
] as const) {
  test(`relying party: of "${publicUrl}" asked at "${host}" it is ${expected?.id ?? 'none'}`, () => {
    assert.deepEqual(relyingPartyOf(publicUrl, host), expected);
  });
}
