// Signing in and out, the caller's own account, and the keys others verify our tokens with.
import Type from 'typebox';
import { FerriteError } from '#domain/errors.ts';
import { requireCaller } from '#http/contract/caller.ts';
import { type Route, route } from '#http/contract/route.ts';
import type { AuthService } from '#src/auth/auth.ts';
import { PASSWORD_RULE, USERNAME_RULE } from '#src/auth/credentials.ts';
import { TokenReused } from '#src/auth/logins.ts';
import type { SetupGuard } from '#src/auth/setup-guard.ts';
import { type RequestAudit, userSubject } from './request-audit.ts';
import { describeUser, PublicUserSchema, UserAnswer } from './users.ts';

/** No cache may keep tokens and passwords (RFC 6749, 5.1). */
const NO_STORE = { 'Cache-Control': 'no-store' };

const NewCredentials = Type.Object({ username: Type.String(USERNAME_RULE), password: Type.String(PASSWORD_RULE) });
const FirstAdministrator = Type.Object({
  ...NewCredentials.properties,
  code: Type.Optional(Type.String({ maxLength: 40, description: 'The one-time code from the log; see codeRequired of GET /api/v1/setup' })),
});
/** Bounds only: the answer tells neither which names exist nor the rules for passwords. */
const Credentials = Type.Object({ username: Type.String({ maxLength: 200 }), password: Type.String({ maxLength: 1000 }) });
export const LoginAnswer = Type.Object({
  accessToken: Type.String(),
  refreshToken: Type.String(),
  tokenType: Type.Literal('Bearer'),
  expiresInMs: Type.Integer(),
  user: PublicUserSchema,
});
const KeySet = Type.Object({
  keys: Type.Array(
    Type.Object({ kty: Type.String(), crv: Type.String(), x: Type.String(), kid: Type.String(), alg: Type.String(), use: Type.String() }),
  ),
});

export const authRoutes = (auth: AuthService, guard: SetupGuard, audit: RequestAudit): Route[] => [
  getSetup(auth, guard),
  postSetup(auth, guard, audit),
  postLogin(auth, audit),
  postRefresh(auth, audit),
  postLogout(auth, audit),
  getKeySet(auth),
  getMe(auth),
  ...(['POST', 'PUT'] as const).map(method => changeMyPassword(method, auth, audit)),
];

const getSetup = (auth: AuthService, guard: SetupGuard): Route =>
  route({
    method: 'GET',
    path: '/api/v1/setup',
    auth: 'none',
    summary: 'Whether the first administrator has yet to be made',
    responses: { 200: Type.Object({ required: Type.Boolean(), codeRequired: Type.Boolean() }) },
    handler: ({ header }) => {
      const required = auth.isSetupRequired();
      return { status: 200, headers: NO_STORE, json: { required, codeRequired: required && guard.asksFor(header) } };
    },
  });

const postSetup = (auth: AuthService, guard: SetupGuard, audit: RequestAudit): Route =>
  route({
    method: 'POST',
    path: '/api/v1/setup',
    auth: 'none',
    summary: 'Make the first administrator',
    body: FirstAdministrator,
    responses: { 201: PublicUserSchema, 403: 'The code from the log is missing or wrong', 409: 'There is an administrator already' },
    handler: async request => {
      const { code, ...credentials } = request.body;
      // Who is set up tells nothing about a code.
      if (auth.isSetupRequired()) guard.check(request.header, code);
      const administrator = await auth.setup(credentials);
      await audit.note(request, 'set-up', { subject: userSubject(administrator) });
      return { status: 201, headers: NO_STORE, json: administrator };
    },
  });

const postLogin = (auth: AuthService, audit: RequestAudit): Route =>
  route({
    method: 'POST',
    path: '/api/v1/auth/login',
    auth: 'none',
    summary: 'Sign in with a user name and a password',
    body: Credentials,
    responses: {
      200: LoginAnswer,
      401: 'Wrong user name or password',
      429: 'Too many failed attempts for this name from this address; the wait grows. With the access token of a login of the same user only its own attempts count',
    },
    handler: async request => {
      const { body, header } = request;
      try {
        const tokens = await auth.login(body, audit.addressOf(request), bearer(header));
        await audit.note(request, 'sign-in', { actor: tokens.user, detail: 'password' });
        return { status: 200, headers: NO_STORE, json: tokens };
      } catch (error) {
        // What is refused unchecked costs a guesser nothing, and would fill the log. Of an unknown name nothing is kept: people type passwords there.
        if (error instanceof FerriteError && error.code === 'INVALID_CREDENTIALS') {
          const user = auth.users.find(body.username);
          await audit.note(request, 'sign-in-failed', { subject: user ? userSubject(user) : null, detail: 'password' });
        }
        throw error;
      }
    },
  });

const postRefresh = (auth: AuthService, audit: RequestAudit): Route =>
  route({
    method: 'POST',
    path: '/api/v1/auth/refresh',
    auth: 'none',
    summary: 'Prolong a login. A refresh token works once; using it again ends the login',
    body: Type.Object({ refreshToken: Type.String({ maxLength: 500 }) }),
    responses: { 200: LoginAnswer, 401: 'The token is unknown, expired, revoked or was used before' },
    handler: async request => {
      try {
        return { status: 200, headers: NO_STORE, json: await auth.refresh(request.body.refreshToken) };
      } catch (error) {
        const user = error instanceof TokenReused ? auth.users.findById(error.userId) : undefined;
        if (user !== undefined) await audit.note(request, 'token-reused', { subject: userSubject(user) });
        throw error;
      }
    },
  });

const postLogout = (auth: AuthService, audit: RequestAudit): Route =>
  route({
    method: 'POST',
    path: '/api/v1/auth/logout',
    auth: 'user',
    summary: "End this login, or with `everywhere` all of the caller's logins and stream URLs",
    body: Type.Object({ everywhere: Type.Boolean({ default: false }) }),
    responses: { 204: 'Signed out' },
    handler: async request => {
      const { body, header } = request;
      await auth.logout(bearer(header), body.everywhere ? 'everywhere' : 'this-login');
      if (body.everywhere) await audit.note(request, 'signed-out-everywhere');
      return { status: 204, headers: NO_STORE, empty: true };
    },
  });

const getKeySet = (auth: AuthService): Route =>
  route({
    method: 'GET',
    path: '/.well-known/jwks.json',
    auth: 'none',
    summary: 'The public signing keys (RFC 7517)',
    responses: { 200: KeySet },
    handler: () => ({ status: 200, headers: { 'Cache-Control': 'public, max-age=300' }, json: auth.keys.jwks() }),
  });

const getMe = (auth: AuthService): Route =>
  route({
    method: 'GET',
    path: '/api/v1/me',
    auth: 'user',
    summary: 'The caller',
    responses: { 200: UserAnswer },
    handler: request => ({ status: 200, headers: NO_STORE, json: describeUser(auth, auth.me(requireCaller(request).userId)) }),
  });

const changeMyPassword = (method: 'POST' | 'PUT', auth: AuthService, audit: RequestAudit): Route =>
  route({
    method,
    path: '/api/v1/me/password',
    auth: 'user',
    summary: "Change the caller's own password. Ends every login and stream URL of the caller and answers with a new login",
    body: Type.Object({ currentPassword: Type.String({ maxLength: 1000 }), password: Type.String(PASSWORD_RULE) }),
    responses: { 200: LoginAnswer, 401: 'The current password is wrong', 429: 'Too many failed attempts' },
    handler: async request => {
      const { userId } = requireCaller(request);
      const tokens = await auth.changePassword(userId, request.body);
      await audit.note(request, 'password-changed', { subject: userSubject(tokens.user) });
      return { status: 200, headers: NO_STORE, json: tokens };
    },
  });

const bearer = (header: (name: string) => string): string =>
  header('authorization')
    .replace(/^Bearer +/i, '')
    .trim();
