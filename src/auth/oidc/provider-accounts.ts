// Whose account a provider's user has here: the one that is linked, one that is named by the verified e-mail address, or one made by rule.
import { FerriteError } from '#domain/errors.ts';
import { newUserId } from '#domain/ids.ts';
import type { User } from '#domain/media.ts';
import type { UserRepository } from '#storage/records/users.ts';
import type { UserAdministration } from '../accounts/user-administration.ts';
import { isUsername } from '../credentials.ts';
import { externalUsernames, isSubject } from '../external-issuers.ts';
import { NO_PASSWORD } from '../passwords.ts';
import type { Claims } from './provider.ts';
import type { ClaimRule, ProviderSettings } from './provider-settings.ts';

export type Account = { readonly user: User; readonly isNew: boolean; readonly isLinked: boolean };

export class ProviderAccounts {
  readonly #users: UserRepository;
  readonly #administration: UserAdministration;
  readonly #now: () => number;

  constructor(users: UserRepository, administration: UserAdministration, now: () => number) {
    this.#users = users;
    this.#administration = administration;
    this.#now = now;
  }

  /** @throws SIGN_IN_REFUSED */
  async accountOf(settings: ProviderSettings, claims: Claims): Promise<Account> {
    if (!isSubject(claims.sub)) throw refused('the provider names a user whom no store can keep');
    const identity = { issuer: settings.issuer, subject: claims.sub };
    if (this.#users.isRemoved(identity)) throw refused('the account was removed');
    const account = await this.#find(settings, claims);
    if (!account.user.enabled) throw refused('the account is disabled');
    return { ...account, user: await this.#withRole(account.user, settings, claims) };
  }

  async #find(settings: ProviderSettings, claims: Claims): Promise<Account> {
    const identity = { issuer: settings.issuer, subject: claims.sub };
    const linked = this.#users.findByIdentity(identity);
    if (linked !== undefined) return { user: linked, isNew: false, isLinked: false };
    const named = settings.linksByEmail && claims.email_verified === true ? this.#users.findByUsername(text(claims.email)) : undefined;
    if (named !== undefined) return { user: await this.#users.linkIdentity(identity, named.id), isNew: false, isLinked: true };
    const mayBeMade = settings.create === 'always' || (settings.create === 'claim' && holds(settings.createClaim, claims));
    if (!mayBeMade) throw refused('there is no account for this user, and none is made');
    const user = await this.#users.createForIdentity(identity, {
      id: newUserId(),
      username: this.#freeName(settings, claims),
      role: holds(settings.adminClaim, claims) ? 'admin' : 'viewer',
      enabled: true,
      passwordHash: NO_PASSWORD,
      tokenGeneration: 0,
      createdAtMs: this.#now(),
    });
    return { user, isNew: true, isLinked: true };
  }

  /** What the provider calls the user, where nobody here is called so. */
  #freeName({ issuer }: ProviderSettings, claims: Claims): string {
    const [readable, certain] = externalUsernames(issuer, claims.sub);
    const wanted = [text(claims.preferred_username), text(claims.email), readable ?? ''];
    return wanted.find(name => name !== '' && isUsername(name) && this.#users.findByUsername(name) === undefined) ?? certain;
  }

  /** Where the provider has a say in it. There is always one administrator left. */
  async #withRole(user: User, { adminClaim }: ProviderSettings, claims: Claims): Promise<User> {
    const role = holds(adminClaim, claims) ? 'admin' : 'viewer';
    if (adminClaim === null || user.role === role) return user;
    try {
      await this.#administration.update(user.id, { role });
    } catch (error) {
      if (!(error instanceof FerriteError) || error.code !== 'CONFLICT') throw error;
    }
    return this.#users.get(user.id) ?? user;
  }
}

/** A claim is a word, or a list of them. */
function holds(rule: ClaimRule | null, claims: Claims): boolean {
  if (rule === null) return false;
  const told = Object.hasOwn(claims, rule.claim) ? claims[rule.claim] : undefined;
  return Array.isArray(told) ? told.includes(rule.value) : String(told) === rule.value;
}

const text = (claim: unknown): string => (typeof claim === 'string' ? claim : '');
const refused = (message: string): FerriteError => new FerriteError('SIGN_IN_REFUSED', message);
