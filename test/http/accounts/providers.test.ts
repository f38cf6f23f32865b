// Signing in with a real OpenID provider on loopback: redirects, cookies, PKCE and the exchange, as a browser goes through them.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { authRoutes } from '#http/accounts/auth.ts';
import { providerRoutes } from '#http/accounts/providers.ts';
import { RequestAudit } from '#http/accounts/request-audit.ts';
import { ClientAddresses } from '#http/contract/client-address.ts';
import { startServer } from '#http/door/server.ts';
import { ProviderAccounts } from '#src/auth/oidc/provider-accounts.ts';
import type { ProviderSettings } from '#src/auth/oidc/provider-settings.ts';
import { ProviderSignIns } from '#src/auth/oidc/sign-ins.ts';
import { SetupGuard } from '#src/auth/setup-guard.ts';
import { makeWorldWithAdmin } from '../../auth/support.ts';

type Person = Readonly<Record<string, unknown>>;

const PEOPLE: Readonly<Record<string, Person>> = {
  anna: { preferred_username: 'anna', email: 'anna@example.org', email_verified: true, groups: ['family', 'admins'] },
  bob: { preferred_username: 'Root', email: 'bob@example.org', email_verified: false, groups: ['family'] },
  eve: { preferred_username: 'eve', email: 'eve@example.org', email_verified: true, groups: [] },
};

/** As a browser keeps them: by host, without a word about paths but ours. */
class Browser {
  readonly #jars = new Map<string, Map<string, string>>();

  async get(url: string): Promise<Response> {
    const response = await fetch(url, { redirect: 'manual', headers: { cookie: this.cookies(url) }, signal: AbortSignal.timeout(60_000) });
    const jar = this.#jars.get(new URL(url).host) ?? new Map<string, string>();
    this.#jars.set(new URL(url).host, jar);
    for (const line of response.headers.getSetCookie()) {
      const [name = '', value = ''] = (line.split(';')[0] ?? '').split(/=(.*)/s);
      jar.set(name, value);
    }
    return response;
  }

  cookies(url: string): string {
    return [...(this.#jars.get(new URL(url).host) ?? [])].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  /** Follows to the first address that `isEnd` says is one. */
  async follow(from: string, isEnd: (url: string) => boolean): Promise<string> {
    let url = from;
    for (let steps = 0; steps < 12; steps++) {
      if (isEnd(url)) return url;
      const { status, headers } = await this.get(url);
      const to = headers.get('location');
      assert.ok(to !== null && status >= 300 && status < 400, `${url}: ${status}`);
      url = new URL(to, url).href;
    }
    return assert.fail(`no end from ${from}`);
  }
}

/** A provider in which `who.is` is signed in by whoever asks. */
async function startProvider(t: TestContext) {
  const who = { is: 'anna' };
  let listener: RequestListener = (_, response) => void response.writeHead(503).end();
  const server = createServer((request: IncomingMessage, response: ServerResponse) => listener(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  t.after(() => server.closeAllConnections());
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const begin = async (redirectUri: string): Promise<void> => {
    // @ts-expect-error: it has no types of its own
    const { default: Provider } = await import('oidc-provider');
    const provider = new Provider(issuer, {
      clients: [{ client_id: 'films', client_secret: 'a secret of the client', redirect_uris: [redirectUri] }],
      pkce: { required: () => true },
      claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['preferred_username', 'groups'] },
      cookies: { keys: ['for a test'] },
      features: { devInteractions: { enabled: false } },
      interactions: { url: (_: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
      findAccount: (_: unknown, id: string) => ({ accountId: id, claims: async () => ({ sub: id, ...PEOPLE[id] }) }),
      loadExistingGrant: async ({
        oidc,
      }: {
        oidc: { session: { accountId: string }; client: { clientId: string }; provider: typeof provider };
      }) => {
        const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
        grant.addOIDCScope('openid profile email');
        await grant.save();
        return grant;
      },
    });
    const answer = provider.callback();
    listener = (request, response) => {
      if (request.url?.startsWith('/interaction/')) void provider.interactionFinished(request, response, { login: { accountId: who.is } });
      else answer(request, response);
    };
  };
  return { issuer, begin, who };
}

async function open(t: TestContext, rules: Partial<ProviderSettings> = {}) {
  const world = await makeWorldWithAdmin(t);
  const { auth, database, clock } = world;
  const provider = await startProvider(t);
  const settings: ProviderSettings = {
    id: 'home',
    label: 'Home',
    issuer: provider.issuer,
    clientId: 'films',
    clientSecret: 'a secret of the client',
    scopes: 'openid profile email',
    create: 'never',
    createClaim: null,
    adminClaim: null,
    linksByEmail: false,
    ...rules,
  };
  const now = () => clock.nowMs;
  const addresses = new ClientAddresses([]);
  const audit = new RequestAudit(auth.audit, addresses);
  const signIns = new ProviderSignIns([settings], new ProviderAccounts(database.users, auth.users, now), now);
  const nothing = (): void => undefined;
  const door = await startServer({
    host: '127.0.0.1',
    port: 0,
    routes: [
      ...providerRoutes({ auth, audit, addresses, signIns, publicUrl: '' }),
      ...authRoutes(auth, new SetupGuard('127.0.0.1', nothing), audit),
    ],
    sockets: [],
    authenticate: token => auth.authenticate(token),
    corsOrigins: [],
    log: { error: nothing, warn: nothing, debug: nothing },
  });
  t.after(() => door.close(1_000));
  await provider.begin(`${door.url}/api/v1/auth/oidc/home/callback`);
  const start = `${door.url}/api/v1/auth/oidc/home/start`;
  const isPage = (url: string): boolean => url.startsWith(`${door.url}/login#`);
  const exchange = async (page: string, cookie: string) => {
    const response = await fetch(`${door.url}/api/v1/auth/oidc/exchange`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', cookie },
      body: JSON.stringify({ code: page.split('#sign-in=')[1] ?? '' }),
    });
    const body = (await response.json()) as { code?: string; user?: { id: string; username: string; role: string }; accessToken?: string };
    return { status: response.status, ...body };
  };
  /** What the page is told in the end. */
  const signIn = async (person: string): Promise<Awaited<ReturnType<typeof exchange>>> => {
    provider.who.is = person;
    const browser = new Browser();
    const page = await browser.follow(start, isPage);
    return page.includes('#sign-in=') ? await exchange(page, browser.cookies(door.url)) : { status: 0, code: page.split('=')[1] ?? '' };
  };
  return { ...world, door, start, isPage, exchange, signIn, provider };
}

test('providers: an account is made by rule, found again, and named as nobody is named here already', async t => {
  const { signIn, auth, door } = await open(t, { create: 'always' });
  const first = await signIn('anna');
  assert.deepEqual([first.status, first.user?.username, first.user?.role], [200, 'anna', 'viewer']);
  assert.equal((await auth.authenticate(first.accessToken ?? '')).userId, first.user?.id);
  assert.equal((await signIn('anna')).user?.id, first.user?.id);
  // Bob is called as the administrator is.
  const bob = await signIn('bob');
  assert.equal(bob.user?.username, 'bob@example.org');
  const providers = (await (await fetch(`${door.url}/api/v1/auth/providers`)).json()) as { items: object[] };
  assert.deepEqual(providers.items, [{ id: 'home', name: 'Home', kind: 'oidc', startUrl: '/api/v1/auth/oidc/home/start' }]);
  const events = auth.audit.list({ limit: 50, cursor: null }, () => true).items.map(({ event, detail }) => `${event} ${detail}`);
  assert.deepEqual(events.slice(0, 3), ['sign-in provider home', 'provider-linked home', 'user-added by the provider home']);

  await auth.users.update((bob.user?.id ?? '') as never, { enabled: false });
  assert.equal((await signIn('bob')).code, 'SIGN_IN_REFUSED');
  await auth.users.remove((first.user?.id ?? '') as never);
  assert.equal((await signIn('anna')).code, 'SIGN_IN_REFUSED', 'who was removed does not come back by signing in');
});

test('providers: who has no account gets none where the rule does not say so, and a claim makes an administrator', async t => {
  const never = await open(t);
  assert.equal((await never.signIn('anna')).code, 'SIGN_IN_REFUSED');
  const rule = {
    create: 'claim',
    createClaim: { claim: 'groups', value: 'family' },
    adminClaim: { claim: 'groups', value: 'admins' },
  } as const;
  const { signIn } = await open(t, rule);
  assert.equal((await signIn('eve')).code, 'SIGN_IN_REFUSED');
  assert.deepEqual([(await signIn('anna')).user?.role, (await signIn('bob')).user?.role], ['admin', 'viewer']);
});

test('providers: an account is taken over by its e-mail address only where that is allowed and verified', async t => {
  const { signIn, auth } = await open(t, { linksByEmail: true });
  const [anna] = await Promise.all(
    ['anna@example.org', 'bob@example.org'].map(username => auth.users.create({ username, role: 'viewer', enabled: true })),
  );
  assert.equal((await signIn('anna')).user?.id, anna?.id);
  assert.equal((await signIn('bob')).code, 'SIGN_IN_REFUSED', 'his address is not verified');
  const closed = await open(t);
  await closed.auth.users.create({ username: 'anna@example.org', role: 'admin', enabled: true });
  assert.equal((await closed.signIn('anna')).code, 'SIGN_IN_REFUSED');
});

test('providers: a sign-in belongs to the browser that began it, and everything of it is good once and for a while', async t => {
  const { door, start, isPage, exchange, clock } = await open(t, { create: 'always' });
  const isCallback = (url: string): boolean => url.startsWith(`${door.url}/api/v1/auth/oidc/home/callback`);
  const [mine, other] = [new Browser(), new Browser()];
  const callback = await mine.follow(start, isCallback);
  const begun = await other.get(start);
  const cookie = begun.headers.getSetCookie()[0] ?? '';
  assert.match(cookie, /^ferrite-sign-in=[\w-]{43}; HttpOnly; SameSite=Lax; Path=\/api\/v1\/auth\/oidc; Max-Age=600$/);
  assert.match(begun.headers.get('location') ?? '', /code_challenge_method=S256/);
  const refused = `${door.url}/login#sign-in-error=SIGN_IN_REFUSED`;
  assert.equal(await other.follow(callback, isPage), refused, 'of another browser');
  assert.equal(await mine.follow(callback, isPage), refused, 'its state is used up by then');
  const page = await mine.follow(start, isPage);
  assert.equal((await exchange(page, other.cookies(door.url))).status, 403, 'the code is of no use elsewhere');
  assert.equal((await exchange(page, mine.cookies(door.url))).status, 403, 'and is used up by the attempt');
  const again = await mine.follow(start, isPage);
  const [one, two] = [await exchange(again, mine.cookies(door.url)), await exchange(again, mine.cookies(door.url))];
  assert.deepEqual([one.status, two.status, two.code], [200, 403, 'SIGN_IN_REFUSED']);
  const late = await mine.follow(start, isPage);
  clock.nowMs += 61_000;
  assert.equal((await exchange(late, mine.cookies(door.url))).status, 403);
  const noUse = await mine.follow(`${door.url}/api/v1/auth/oidc/home/callback?error=access_denied&state=none`, isPage);
  assert.equal(noUse, refused);
});

test('providers: one that does not answer leads back to the page, which says so', async t => {
  const { signIn, provider } = await open(t, { issuer: 'http://127.0.0.1:9' });
  provider.who.is = 'anna';
  assert.equal((await signIn('anna')).code, 'PROVIDER_FAILED');
});
