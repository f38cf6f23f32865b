// Signing in with another provider (OpenID Connect): the browser is sent there, comes back, and the page exchanges a code for its tokens.
// No token is ever part of an address: the code stands in the fragment, which browsers send to nobody.
import { randomBytes } from 'node:crypto';
import Type from 'typebox';
import { FerriteError } from '#domain/errors.ts';
import type { ClientAddresses } from '#http/contract/client-address.ts';
import { type Reply, type Route, route } from '#http/contract/route.ts';
import type { AuthService } from '#src/auth/auth.ts';
import type { ProviderSignIns } from '#src/auth/oidc/sign-ins.ts';
import { relyingPartyOf } from '#src/auth/passkeys/relying-party.ts';
import { LoginAnswer } from './auth.ts';
import { type RequestAudit, userSubject } from './request-audit.ts';

const NO_STORE = { 'Cache-Control': 'no-store' };
const OIDC = '/api/v1/auth/oidc';
const COOKIE = 'ferrite-sign-in';
const COOKIE_S = 600;
const SECRET = /^[A-Za-z0-9_-]{43}$/;

export type ProviderParts = {
  readonly auth: AuthService;
  readonly signIns: ProviderSignIns;
  readonly audit: RequestAudit;
  readonly addresses: ClientAddresses;
  /** Empty: as each request's Host says. */
  readonly publicUrl: string;
};
type Request = Parameters<Route['handler']>[0];

export const providerRoutes = (parts: ProviderParts): Route[] => [listProviders(parts), start(parts), callback(parts), exchange(parts)];

const listProviders = ({ signIns, publicUrl }: ProviderParts): Route =>
  route({
    method: 'GET',
    path: '/api/v1/auth/providers',
    auth: 'none',
    summary:
      'How one may sign in beside name and password: providers, whose `startUrl` the browser is sent to, and whether passkeys are known here',
    responses: {
      200: Type.Object({
        items: Type.Array(Type.Object({ id: Type.String(), name: Type.String(), kind: Type.Literal('oidc'), startUrl: Type.String() })),
        nextCursor: Type.Null(),
        passkeys: Type.Boolean(),
      }),
    },
    handler: ({ header }) => ({
      status: 200,
      headers: NO_STORE,
      json: {
        items: signIns.list().map(({ id, label }) => ({ id, name: label, kind: 'oidc', startUrl: `${OIDC}/${id}/start` })),
        nextCursor: null,
        passkeys: relyingPartyOf(publicUrl, header('host')) !== null,
      },
    }),
  });

const start = (parts: ProviderParts): Route =>
  route({
    method: 'GET',
    path: '/api/v1/auth/oidc/:provider/start',
    auth: 'none',
    summary: 'Sends the browser to the provider',
    responses: { 302: 'To the provider, or back to the page with what went wrong', 404: 'There is no such provider' },
    handler: async request => {
      const base = baseUrl(parts, request);
      // Several tabs of a browser share one.
      const browserSecret = secretOf(request) ?? randomBytes(32).toString('base64url');
      const redirectUri = `${base}${OIDC}/${request.params.provider}/callback`;
      try {
        const address = parts.audit.addressOf(request);
        const to = await parts.signIns.begin(request.params.provider, { redirectUri, browserSecret, address });
        const facts = ['HttpOnly', 'SameSite=Lax', `Path=${OIDC}`, `Max-Age=${COOKIE_S}`, ...(base.startsWith('https:') ? ['Secure'] : [])];
        return redirect(to.href, { 'Set-Cookie': [`${COOKIE}=${browserSecret}`, ...facts].join('; ') });
      } catch (error) {
        return backWith(error);
      }
    },
  });

const callback = (parts: ProviderParts): Route =>
  route({
    method: 'GET',
    path: '/api/v1/auth/oidc/:provider/callback',
    auth: 'none',
    summary: 'Where the provider sends the browser back to; leads to the page, with a code for `exchange` in the fragment',
    query: Type.Record(Type.String(), Type.String({ maxLength: 4_096 }), { maxProperties: 20 }),
    responses: { 302: 'To `/login#sign-in=<code>`, or `/login#sign-in-error=<code of an error>`', 404: 'There is no such provider' },
    handler: async request => {
      const { signIns, audit } = parts;
      const { provider: providerId } = request.params;
      const query = new URLSearchParams(request.query as Record<string, string>).toString();
      try {
        const address = audit.addressOf(request);
        const { user, code, isNew, isLinked } = await signIns.finish({
          providerId,
          query,
          browserSecret: secretOf(request) ?? '',
          address,
        });
        if (isNew) await audit.note(request, 'user-added', { subject: userSubject(user), detail: `by the provider ${providerId}` });
        if (isLinked) await audit.note(request, 'provider-linked', { subject: userSubject(user), detail: providerId });
        return redirect(`/login#sign-in=${code}`);
      } catch (error) {
        return backWith(error);
      }
    },
  });

const exchange = ({ auth, signIns, audit }: ProviderParts): Route =>
  route({
    method: 'POST',
    path: '/api/v1/auth/oidc/exchange',
    auth: 'none',
    summary: 'The tokens of a sign-in with a provider: for its code, once, within a minute and from the browser that began it',
    body: Type.Object({ code: Type.String({ maxLength: 100 }) }),
    responses: { 200: LoginAnswer, 403: 'SIGN_IN_REFUSED' },
    handler: async request => {
      const { userId, providerId } = signIns.redeem(request.body.code, secretOf(request) ?? '');
      const tokens = await auth.beginLogin(userId);
      if (tokens === null) throw new FerriteError('SIGN_IN_REFUSED', 'the account is disabled');
      await audit.note(request, 'sign-in', { actor: tokens.user, detail: `provider ${providerId}` });
      return { status: 200, headers: NO_STORE, json: tokens };
    },
  });

const redirect = (to: string, headers: Readonly<Record<string, string>> = {}): Reply => ({
  status: 302,
  headers: { ...NO_STORE, ...headers, Location: to },
  empty: true,
});

/** A person looks at this: the page says it in words. */
function backWith(error: unknown): Reply {
  if (!(error instanceof FerriteError) || error.code === 'NOT_FOUND') throw error;
  return redirect(`/login#sign-in-error=${error.code}`);
}

function secretOf({ header }: Pick<Request, 'header'>): string | null {
  for (const pair of header('cookie').split(';')) {
    const [name, value = ''] = pair.trim().split('=');
    if (name === COOKIE && SECRET.test(value)) return value;
  }
  return null;
}

/** As the browser knows this server: a provider sends users to no address that was not registered with it. */
function baseUrl({ publicUrl, addresses }: ProviderParts, { header, remoteAddress }: Request): string {
  if (publicUrl !== '') return publicUrl;
  const isSecure = addresses.isProxy(remoteAddress) && header('x-forwarded-proto').toLowerCase() === 'https';
  return `${isSecure ? 'https' : 'http'}://${header('host')}`;
}
