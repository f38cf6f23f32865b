// Passkeys: made by who is signed in, and signed in with by anybody who has one. Options and answers are those of WebAuthn's own JSON forms.
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server';
import Type from 'typebox';
import { FerriteError } from '#domain/errors.ts';
import { requireCaller } from '#http/contract/caller.ts';
import { type Route, route } from '#http/contract/route.ts';
import type { AuthService } from '#src/auth/auth.ts';
import type { Passkeys } from '#src/auth/passkeys/passkeys.ts';
import { requireRelyingParty } from '#src/auth/passkeys/relying-party.ts';
import type { Passkey } from '#storage/records/accounts/passkeys.ts';
import { LoginAnswer } from './auth.ts';
import { type RequestAudit, userSubject } from './request-audit.ts';

const NO_STORE = { 'Cache-Control': 'no-store' };

const Text = Type.String({ maxLength: 16_384 });
const Extensions = Type.Optional(Type.Record(Type.String({ maxLength: 100 }), Type.Unknown(), { maxProperties: 50 }));
const credentialFields = {
  id: Type.String({ minLength: 1, maxLength: 1_400, pattern: '^[A-Za-z0-9_-]+$' }),
  rawId: Type.String({ maxLength: 1_400 }),
  type: Type.Literal('public-key'),
  authenticatorAttachment: Type.Optional(Type.Union([Type.String({ maxLength: 40 }), Type.Null()])),
  clientExtensionResults: Extensions,
};
const Registration = Type.Object({
  ...credentialFields,
  /** What its owner calls it. */
  name: Type.Optional(Type.String({ minLength: 1, maxLength: 100, pattern: '\\S' })),
  response: Type.Object({
    clientDataJSON: Text,
    attestationObject: Type.String({ maxLength: 65_536 }),
    authenticatorData: Type.Optional(Text),
    transports: Type.Optional(Type.Array(Type.String({ maxLength: 40 }), { maxItems: 10 })),
    publicKeyAlgorithm: Type.Optional(Type.Integer()),
    publicKey: Type.Optional(Type.Union([Text, Type.Null()])),
  }),
});
const Assertion = Type.Object({
  ...credentialFields,
  response: Type.Object({
    clientDataJSON: Text,
    authenticatorData: Text,
    signature: Text,
    userHandle: Type.Optional(Type.Union([Type.String({ maxLength: 200 }), Type.Null()])),
  }),
});
const PasskeyAnswer = Type.Object({
  id: Type.String(),
  name: Type.String(),
  createdAtMs: Type.Integer(),
  lastUsedAtMs: Type.Union([Type.Integer(), Type.Null()]),
});
const Options = Type.Record(Type.String(), Type.Unknown());

export type PasskeyParts = {
  readonly auth: AuthService;
  readonly passkeys: Passkeys;
  readonly audit: RequestAudit;
  /** Empty: as each request's Host says. */
  readonly publicUrl: string;
};

export const passkeyRoutes = (parts: PasskeyParts): Route[] => [
  registerOptions(parts),
  registerVerify(parts),
  loginOptions(parts),
  loginVerify(parts),
  listMine(parts),
  removeMine(parts),
];

const partyOf = ({ publicUrl }: PasskeyParts, { header }: { readonly header: (name: string) => string }) =>
  requireRelyingParty(publicUrl, header('host'));

const registerOptions = (parts: PasskeyParts): Route =>
  route({
    method: 'POST',
    path: '/api/v1/auth/passkeys/register/options',
    auth: 'user',
    summary: 'What a browser needs to make a passkey for the caller (PublicKeyCredentialCreationOptionsJSON); good for five minutes',
    responses: { 200: Options, 400: 'The server is called by an address: set FERRITE_PUBLIC_URL' },
    handler: async request => {
      const { userId: id, username } = requireCaller(request);
      const party = partyOf(parts, request);
      const options = await parts.passkeys.registrationOptions({ id, username }, party, parts.audit.addressOf(request));
      return { status: 200, headers: NO_STORE, json: options };
    },
  });

const registerVerify = (parts: PasskeyParts): Route =>
  route({
    method: 'POST',
    path: '/api/v1/auth/passkeys/register/verify',
    auth: 'user',
    summary: 'Keeps a passkey that was made with the options (RegistrationResponseJSON, with a `name`)',
    body: Registration,
    responses: { 201: PasskeyAnswer, 400: 'It could not be verified', 409: 'It is known already, or the account has too many' },
    handler: async request => {
      const { userId } = requireCaller(request);
      const { name = 'Passkey', ...response } = request.body;
      const party = partyOf(parts, request);
      const passkey = await parts.passkeys.register(userId, response as unknown as RegistrationResponseJSON, { name: name.trim(), party });
      await parts.audit.note(request, 'passkey-added', { subject: subjectOf(passkey) });
      return { status: 201, headers: NO_STORE, json: describe(passkey) };
    },
  });

const loginOptions = (parts: PasskeyParts): Route =>
  route({
    method: 'POST',
    path: '/api/v1/auth/passkeys/login/options',
    auth: 'none',
    summary:
      'What a browser needs to sign in with a passkey, without a name (PublicKeyCredentialRequestOptionsJSON); good for five minutes',
    responses: { 200: Options, 400: 'The server is called by an address: set FERRITE_PUBLIC_URL' },
    handler: async request => {
      const options = await parts.passkeys.loginOptions(partyOf(parts, request), parts.audit.addressOf(request));
      return { status: 200, headers: NO_STORE, json: options };
    },
  });

const loginVerify = (parts: PasskeyParts): Route =>
  route({
    method: 'POST',
    path: '/api/v1/auth/passkeys/login/verify',
    auth: 'none',
    summary: 'Signs in with what the browser answered to the options (AuthenticationResponseJSON)',
    body: Assertion,
    responses: { 200: LoginAnswer, 401: 'PASSKEY_REFUSED: unknown, of a disabled account, or not for this challenge' },
    handler: async request => {
      const { auth, passkeys, audit } = parts;
      const { userHandle, ...signed } = request.body.response;
      const response = { ...request.body, response: { ...signed, ...(userHandle == null ? {} : { userHandle }) } };
      const assertion = response as unknown as AuthenticationResponseJSON;
      try {
        const tokens = await auth.beginLogin(await passkeys.login(assertion, partyOf(parts, request)));
        if (tokens === null) throw new FerriteError('PASSKEY_REFUSED', 'the passkey was not accepted');
        await audit.note(request, 'sign-in', { actor: tokens.user, detail: 'passkey' });
        return { status: 200, headers: NO_STORE, json: tokens };
      } catch (error) {
        const owner = passkeys.ownerOf(assertion);
        const user = owner === null ? undefined : auth.users.findById(owner);
        // An unknown passkey costs nothing to send, and would fill the log.
        if (user !== undefined && error instanceof FerriteError && error.code === 'PASSKEY_REFUSED')
          await audit.note(request, 'sign-in-failed', { subject: userSubject(user), detail: 'passkey' });
        throw error;
      }
    },
  });

const listMine = ({ passkeys }: PasskeyParts): Route =>
  route({
    method: 'GET',
    path: '/api/v1/me/passkeys',
    auth: 'user',
    summary: "The caller's passkeys",
    responses: { 200: Type.Object({ items: Type.Array(PasskeyAnswer), nextCursor: Type.Null() }) },
    handler: request => {
      const items = passkeys.ofUser(requireCaller(request).userId).map(describe);
      return { status: 200, headers: NO_STORE, json: { items, nextCursor: null } };
    },
  });

const removeMine = ({ passkeys, audit }: PasskeyParts): Route =>
  route({
    method: 'DELETE',
    path: '/api/v1/me/passkeys/:passkeyId',
    auth: 'user',
    summary: "Removes one of the caller's passkeys: nobody signs in with it any more",
    responses: { 204: 'Removed', 404: 'NOT_FOUND' },
    handler: async request => {
      const removed = await passkeys.remove(requireCaller(request).userId, request.params.passkeyId);
      await audit.note(request, 'passkey-removed', { subject: subjectOf(removed) });
      return { status: 204, empty: true };
    },
  });

const describe = ({ id, name, createdAtMs, lastUsedAtMs }: Passkey) => ({ id, name, createdAtMs, lastUsedAtMs });
const subjectOf = ({ id, name }: Passkey) => ({ kind: 'passkey', id, name }) as const;
