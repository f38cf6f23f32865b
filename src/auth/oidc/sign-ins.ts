// Sign-ins with a provider while they are under way. Each belongs to the browser that began it, which shows a secret in a cookie at every step.
import { createHash, timingSafeEqual } from 'node:crypto';
import { FerriteError } from '#domain/errors.ts';
import type { UserId } from '#domain/ids.ts';
import { Pending } from '../pending.ts';
import { OidcProvider, type SignInSecrets } from './provider.ts';
import type { Account, ProviderAccounts } from './provider-accounts.ts';
import type { ProviderSettings } from './provider-settings.ts';

const UNDER_WAY_MS = 10 * 60_000;
/** From the callback to the page that asks for its tokens. */
const GRANT_MS = 60_000;

type UnderWay = { readonly providerId: string; readonly secrets: SignInSecrets; readonly redirectUri: string; readonly browser: string };
type Grant = { readonly userId: UserId; readonly providerId: string; readonly browser: string };

export type Callback = { readonly providerId: string; readonly query: string; readonly browserSecret: string; readonly address: string };

export class ProviderSignIns {
  readonly #providers: ReadonlyMap<string, OidcProvider>;
  readonly #accounts: ProviderAccounts;
  readonly #underWay: Pending<UnderWay>;
  readonly #grants: Pending<Grant>;

  constructor(settings: readonly ProviderSettings[], accounts: ProviderAccounts, now: () => number) {
    this.#providers = new Map(settings.map(one => [one.id, new OidcProvider(one, now)]));
    this.#accounts = accounts;
    this.#underWay = new Pending(UNDER_WAY_MS, now);
    this.#grants = new Pending(GRANT_MS, now);
  }

  list(): readonly ProviderSettings[] {
    return [...this.#providers.values()].map(({ settings }) => settings);
  }

  /** Where the browser goes. @throws NOT_FOUND, PROVIDER_FAILED */
  async begin(
    providerId: string,
    { redirectUri, browserSecret, address }: { redirectUri: string; browserSecret: string; address: string },
  ): Promise<URL> {
    const provider = this.#provider(providerId);
    const secrets = OidcProvider.newSecrets();
    const state = this.#underWay.begin({ providerId, secrets, redirectUri, browser: digest(browserSecret) }, address);
    return await provider.authorizationUrl(secrets, { state, redirectUri });
  }

  /**
   * Who came back, and a code with which the page gets its tokens: once, soon, and in the browser that began.
   * @throws NOT_FOUND, SIGN_IN_REFUSED, PROVIDER_FAILED
   */
  async finish({ providerId, query, browserSecret, address }: Callback): Promise<Account & { readonly code: string }> {
    const provider = this.#provider(providerId);
    const parameters = new URLSearchParams(query);
    const state = parameters.get('state') ?? '';
    const begun = this.#underWay.take(state);
    if (begun === undefined || begun.providerId !== providerId || !isSame(begun.browser, digest(browserSecret))) throw notBegun();
    const callback = new URL(begun.redirectUri);
    callback.search = parameters.toString();
    const claims = await provider.redeem(callback, begun.secrets, state);
    const account = await this.#accounts.accountOf(provider.settings, claims);
    const code = this.#grants.begin({ userId: account.user.id, providerId, browser: begun.browser }, address);
    return { ...account, code };
  }

  /** @throws SIGN_IN_REFUSED */
  redeem(code: string, browserSecret: string): Pick<Grant, 'userId' | 'providerId'> {
    const grant = this.#grants.take(code);
    if (grant === undefined || !isSame(grant.browser, digest(browserSecret))) throw notBegun();
    return grant;
  }

  #provider(id: string): OidcProvider {
    const provider = this.#providers.get(id);
    if (provider === undefined) throw new FerriteError('NOT_FOUND', 'there is no such sign-in provider');
    return provider;
  }
}

const digest = (secret: string): string => createHash('sha256').update(secret).digest('base64url');
const isSame = (a: string, b: string): boolean => timingSafeEqual(Buffer.from(a), Buffer.from(b));
const notBegun = (): FerriteError => new FerriteError('SIGN_IN_REFUSED', 'this sign-in was not begun in this browser, or took too long');
