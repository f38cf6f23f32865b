// One OpenID provider: where it sends users to, and what it says of who came back. Authorization code with PKCE, state and nonce.
import * as client from 'openid-client';
import { FerriteError } from '#domain/errors.ts';
import type { ProviderSettings } from './provider-settings.ts';

/** What of the provider's own words is looked at; anything else is a claim for rules. */
export type Claims = Readonly<Record<string, unknown>> & { readonly sub: string };

export type SignInSecrets = { readonly nonce: string; readonly codeVerifier: string };

const TIMEOUT_S = 10;
/** What a provider says of itself is asked anew after this. */
const KEPT_MS = 3_600_000;

export class OidcProvider {
  readonly settings: ProviderSettings;
  readonly #now: () => number;
  #known: { readonly configuration: Promise<client.Configuration>; readonly atMs: number } | null = null;

  constructor(settings: ProviderSettings, now: () => number) {
    this.settings = settings;
    this.#now = now;
  }

  static newSecrets(): SignInSecrets {
    return { nonce: client.randomNonce(), codeVerifier: client.randomPKCECodeVerifier() };
  }

  /** Where the user's browser goes. @throws PROVIDER_FAILED */
  async authorizationUrl(
    { nonce, codeVerifier }: SignInSecrets,
    { state, redirectUri }: { state: string; redirectUri: string },
  ): Promise<URL> {
    return await this.#asking(async () =>
      client.buildAuthorizationUrl(await this.#configuration(), {
        redirect_uri: redirectUri,
        scope: this.settings.scopes,
        code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: 'S256',
        state,
        nonce,
      }),
    );
  }

  /** Who came back. `callback`: the address that the provider sent the browser to. @throws PROVIDER_FAILED, SIGN_IN_REFUSED */
  async redeem(callback: URL, { nonce, codeVerifier }: SignInSecrets, state: string): Promise<Claims> {
    // The user's own no, or the provider's.
    if (callback.searchParams.has('error')) throw new FerriteError('SIGN_IN_REFUSED', 'the provider did not sign the user in');
    return await this.#asking(async () => {
      const configuration = await this.#configuration();
      const checks = { pkceCodeVerifier: codeVerifier, expectedNonce: nonce, expectedState: state, idTokenExpected: true };
      const tokens = await client.authorizationCodeGrant(configuration, callback, checks);
      const claims = tokens.claims();
      if (claims === undefined) throw new Error('the provider gave no ID token');
      if (configuration.serverMetadata().userinfo_endpoint === undefined) return claims;
      // Most tell of a user here alone.
      return { ...(await client.fetchUserInfo(configuration, tokens.access_token, claims.sub)), ...claims };
    });
  }

  #configuration(): Promise<client.Configuration> {
    const known = this.#known;
    if (known !== null && this.#now() - known.atMs < KEPT_MS) return known.configuration;
    const { issuer, clientId, clientSecret } = this.settings;
    const url = new URL(issuer);
    const configuration = client.discovery(
      url,
      clientId,
      clientSecret === '' ? {} : clientSecret,
      clientSecret === '' ? client.None() : client.ClientSecretBasic(clientSecret),
      // On this machine alone: the settings refuse any other address without TLS.
      {
        timeout: TIMEOUT_S,
        execute: [client.enableNonRepudiationChecks, ...(url.protocol === 'http:' ? [client.allowInsecureRequests] : [])],
      },
    );
    const fresh = { configuration, atMs: this.#now() };
    this.#known = fresh;
    configuration.catch(() => {
      if (this.#known === fresh) this.#known = null;
    });
    return configuration;
  }

  async #asking<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (cause) {
      throw cause instanceof FerriteError
        ? cause
        : new FerriteError('PROVIDER_FAILED', 'the sign-in provider did not answer as it should', { cause });
    }
  }
}
