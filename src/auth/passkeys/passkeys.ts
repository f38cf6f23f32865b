// Signing in with passkeys (WebAuthn): discoverable credentials whose user was verified by the device, one challenge for each use.
import {
  type AuthenticationResponseJSON,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server';
import { FerriteError } from '#domain/errors.ts';
import type { UserId } from '#domain/ids.ts';
import type { Passkey, PasskeyRepository } from '#storage/records/accounts/passkeys.ts';
import { Pending } from '../pending.ts';
import type { RelyingParty } from './relying-party.ts';

const CHALLENGE_MS = 5 * 60_000;
const RP_NAME = 'Ferrite';

type Owner = { readonly id: UserId; readonly username: string };
/** Whose passkey is to be made; null: a sign-in, whose user is told by the passkey. */
type Challenge = { readonly userId: UserId | null };

export class Passkeys {
  readonly #records: PasskeyRepository;
  readonly #now: () => number;
  readonly #challenges: Pending<Challenge>;

  constructor(records: PasskeyRepository, now: () => number) {
    this.#records = records;
    this.#now = now;
    this.#challenges = new Pending(CHALLENGE_MS, now);
  }

  ofUser(userId: UserId): readonly Passkey[] {
    return this.#records.ofUser(userId);
  }

  async remove(userId: UserId, id: string): Promise<Passkey> {
    const removed = await this.#records.remove(userId, id);
    if (removed === undefined) throw new FerriteError('NOT_FOUND', 'the account has no such passkey');
    return removed;
  }

  registrationOptions(
    { id, username }: Owner,
    { id: rpID }: RelyingParty,
    address: string,
  ): Promise<PublicKeyCredentialCreationOptionsJSON> {
    return generateRegistrationOptions({
      rpName: RP_NAME,
      rpID,
      userName: username,
      userDisplayName: username,
      userID: new Uint8Array(Buffer.from(id)),
      challenge: this.#challenge({ userId: id }, address),
      timeout: CHALLENGE_MS,
      attestationType: 'none',
      excludeCredentials: this.#records.ofUser(id).map(({ id: known }) => ({ id: known })),
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    });
  }

  /** @throws INVALID_REQUEST, CONFLICT */
  async register(
    userId: UserId,
    response: RegistrationResponseJSON,
    { name, party }: { name: string; party: RelyingParty },
  ): Promise<Passkey> {
    const verified = await verifyRegistrationResponse({
      response,
      expectedChallenge: challenge => this.#isAnswer(challenge, userId),
      expectedOrigin: [...party.origins],
      expectedRPID: party.id,
      requireUserVerification: true,
    }).catch((cause: unknown) => {
      throw new FerriteError('INVALID_REQUEST', 'the passkey could not be verified: ask for new options and try again', { cause });
    });
    if (!verified.verified) throw new FerriteError('INVALID_REQUEST', 'the passkey could not be verified');
    const { id, publicKey, counter } = verified.registrationInfo.credential;
    const transports = response.response.transports ?? [];
    const passkey: Passkey = { id, userId, publicKey, counter, transports, name, createdAtMs: this.#now(), lastUsedAtMs: null };
    await this.#records.add(passkey);
    return passkey;
  }

  /** Names no account: the device offers those that it has for this server. */
  loginOptions({ id: rpID }: RelyingParty, address: string): Promise<PublicKeyCredentialRequestOptionsJSON> {
    return generateAuthenticationOptions({
      rpID,
      challenge: this.#challenge({ userId: null }, address),
      timeout: CHALLENGE_MS,
      userVerification: 'required',
    });
  }

  /** Whose passkey it is; null where it is nobody's. */
  ownerOf({ id }: Pick<AuthenticationResponseJSON, 'id'>): UserId | null {
    return this.#records.get(id)?.userId ?? null;
  }

  /** Who has signed in. @throws PASSKEY_REFUSED */
  async login(response: AuthenticationResponseJSON, party: RelyingParty): Promise<UserId> {
    const passkey = this.#records.get(response.id);
    if (passkey === undefined) throw refused();
    const { id, publicKey, counter, userId } = passkey;
    const { userHandle } = response.response;
    if (userHandle !== undefined && Buffer.from(userHandle, 'base64url').toString() !== userId) throw refused();
    const verified = await verifyAuthenticationResponse({
      response,
      expectedChallenge: challenge => this.#isAnswer(challenge, null),
      expectedOrigin: [...party.origins],
      expectedRPID: party.id,
      credential: { id, publicKey: new Uint8Array(publicKey), counter },
      requireUserVerification: true,
    }).catch((cause: unknown) => {
      throw refused(cause);
    });
    if (!verified.verified) throw refused();
    if (!(await this.#records.use(id, { counter: verified.authenticationInfo.newCounter, atMs: this.#now() }))) throw refused();
    return userId;
  }

  #challenge(challenge: Challenge, address: string): Uint8Array<ArrayBuffer> {
    return new Uint8Array(Buffer.from(this.#challenges.begin(challenge, address), 'base64url'));
  }

  /** Once. */
  #isAnswer(challenge: string, userId: UserId | null): boolean {
    const known = this.#challenges.take(challenge);
    return known !== undefined && known.userId === userId;
  }
}

const refused = (cause?: unknown): FerriteError => new FerriteError('PASSKEY_REFUSED', 'the passkey was not accepted', { cause });
