// Passkeys in a real Chromium with an authenticator that is made of software: the page, the browser and the server agree on every byte.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { CDPSession, Page } from 'playwright-core';
import { launchBrowser } from '../support/browser.ts';
import { Client } from '../support/client.ts';
import { ADMIN, startServer, temporaryFolder } from '../support/server.ts';

type Item = { readonly id: string; readonly name: string; readonly lastUsedAtMs: number | null };
type Answer = { readonly status: number; readonly code: string };

/** Of the device itself, which knows its user; it keeps what it makes. */
const AUTHENTICATOR = {
  protocol: 'ctap2',
  transport: 'internal',
  hasResidentKey: true,
  hasUserVerification: true,
  isUserVerified: true,
  automaticPresenceSimulation: true,
} as const;

async function open(t: TestContext) {
  const scratch = await temporaryFolder(t);
  const library = join(scratch, 'films');
  await mkdir(library);
  const { url } = await startServer(t, { library, dataDir: join(scratch, 'data') });
  // An address alone has no passkeys: the machine's own name has.
  const base = url.replace('127.0.0.1', 'localhost');
  const browser = await launchBrowser(t);
  const page = await browser.newPage({ baseURL: base });
  const devices = await page.context().newCDPSession(page);
  await devices.send('WebAuthn.enable');
  const { authenticatorId } = await devices.send('WebAuthn.addVirtualAuthenticator', { options: AUTHENTICATOR });
  return { url, page, devices, authenticatorId, admin: await Client.signIn(url) };
}

async function signIn(page: Page): Promise<void> {
  await page.goto('/');
  await page.fill('input[autocomplete=username]', ADMIN.username);
  await page.fill('input[type=password]', ADMIN.password);
  await page.click('button[type=submit]');
  await page.waitForFunction(() => (globalThis as unknown as { localStorage: Storage }).localStorage.getItem('ferrite.login') !== null);
}

async function addPasskey(page: Page): Promise<void> {
  await page.goto('/account');
  await page.click('text=Add a passkey');
  await page.waitForSelector('button[aria-label^="Remove Passkey"]');
}

/** What the server says when it is sent what the browser answered to the options, with a change. */
const login = (page: Page, change: 'none' | 'twice' | 'other-challenge' | 'other-owner'): Promise<Answer[]> =>
  page.evaluate(async kind => {
    type Call = (path: string, body: unknown) => Promise<{ status: number; json: Record<string, unknown> }>;
    const call: Call = async (path, body) => {
      const response = await fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
      return { status: response.status, json: (await response.json()) as Record<string, unknown> };
    };
    // biome-ignore lint/suspicious/noExplicitAny: the types of a browser's credentials are those of no Node program
    const globals = globalThis as any;
    const options = (await call('/api/v1/auth/passkeys/login/options', {})).json;
    const used = kind === 'other-challenge' ? { ...options, challenge: 'AAAA'.repeat(8) } : options;
    const publicKey = globals.PublicKeyCredential.parseRequestOptionsFromJSON(used);
    const credential = (await globals.navigator.credentials.get({ publicKey })).toJSON();
    if (kind === 'other-owner') credential.response.userHandle = 'c29tZWJvZHktZWxzZQ';
    const answers = [await call('/api/v1/auth/passkeys/login/verify', credential)];
    if (kind === 'twice') answers.push(await call('/api/v1/auth/passkeys/login/verify', credential));
    return answers.map(({ status, json }) => ({ status, code: String(json.code ?? '') }));
  }, change);

const OK: Answer = { status: 200, code: '' };
const REFUSED: Answer = { status: 401, code: 'PASSKEY_REFUSED' };

async function credentialOf(devices: CDPSession, authenticatorId: string) {
  const { credentials } = await devices.send('WebAuthn.getCredentials', { authenticatorId });
  return credentials[0] ?? assert.fail('the authenticator has no passkey');
}

test('passkeys: one that was made signs in from the page without a name, each challenge once, and no copy of it does', async t => {
  const { url, page, devices, authenticatorId, admin } = await open(t);
  await signIn(page);
  await addPasskey(page);
  const { items } = await admin.call<{ items: Item[] }>('GET', '/api/v1/me/passkeys');
  assert.deepEqual(
    items.map(({ name, lastUsedAtMs }) => [name, lastUsedAtMs]),
    [['Passkey', null]],
  );
  const [made] = items;
  assert.ok(made);

  await page.evaluate(() => (globalThis as unknown as { localStorage: Storage }).localStorage.clear());
  await page.goto('/');
  await page.click('text=Sign in with a passkey');
  await page.waitForFunction(() => (globalThis as unknown as { localStorage: Storage }).localStorage.getItem('ferrite.login') !== null);

  assert.deepEqual(await login(page, 'twice'), [OK, REFUSED]);
  assert.deepEqual(await login(page, 'other-challenge'), [REFUSED]);
  assert.deepEqual(await login(page, 'other-owner'), [REFUSED]);
  await devices.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false });
  await assert.rejects(login(page, 'none'), /NotAllowedError/, 'the device does not know its user');
  await devices.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: true });

  // A copy of the key counts from where it was copied: behind the one that went on.
  const credential = await credentialOf(devices, authenticatorId);
  assert.ok(credential.signCount > 1);
  await devices.send('WebAuthn.removeCredential', { authenticatorId, credentialId: credential.credentialId });
  await devices.send('WebAuthn.addCredential', { authenticatorId, credential: { ...credential, signCount: 0 } });
  assert.deepEqual(await login(page, 'none'), [REFUSED]);
  await devices.send('WebAuthn.removeCredential', { authenticatorId, credentialId: credential.credentialId });
  await devices.send('WebAuthn.addCredential', { authenticatorId, credential: { ...credential, signCount: credential.signCount + 10 } });
  assert.deepEqual(await login(page, 'none'), [OK]);

  const stranger = new Client(url);
  const byAddress = await stranger.problem('POST', '/api/v1/auth/passkeys/login/options', {});
  assert.deepEqual([byAddress.status, byAddress.code], [400, 'INVALID_REQUEST']);
  assert.equal((await stranger.request('POST', '/api/v1/auth/passkeys/register/options', {})).status, 401);

  await admin.call('DELETE', `/api/v1/me/passkeys/${made.id}`);
  assert.deepEqual(await login(page, 'none'), [REFUSED]);
  const { items: events } = await admin.call<{ items: { event: string; detail: string | null }[] }>('GET', '/api/v1/audit');
  const counted = (event: string, detail: string | null) => events.filter(one => one.event === event && one.detail === detail).length;
  assert.deepEqual(
    [counted('passkey-added', null), counted('sign-in', 'passkey'), counted('sign-in-failed', 'passkey'), counted('passkey-removed', null)],
    [1, 3, 4, 1],
  );
});
