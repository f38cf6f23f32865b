// Passkeys: made by the browser and used by it, in the JSON forms of WebAuthn that the server speaks.
import { requestPublic } from '../api.js';
import { saveLogin } from './login-store.js';

/** Only in secure contexts, and where the browser reads the server's JSON by itself. */
export const hasPasskeys = () => typeof PublicKeyCredential === 'function' && 'parseCreationOptionsFromJSON' in PublicKeyCredential;

/** @param {any} options of the server @returns {Promise<unknown>} what the server verifies */
export async function createPasskey(options) {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  return asJson(await navigator.credentials.create({ publicKey }));
}

/** With whichever passkey the user picks: no name is asked for. */
export async function signInWithPasskey() {
  const options = await requestPublic('POST', '/api/v1/auth/passkeys/login/options', { body: {} });
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  const body = asJson(await navigator.credentials.get({ publicKey }));
  saveLogin(await requestPublic('POST', '/api/v1/auth/passkeys/login/verify', { body }));
}

/** @param {Credential | null} credential */
function asJson(credential) {
  if (!(credential instanceof PublicKeyCredential)) throw new DOMException('There is no passkey.', 'NotAllowedError');
  return credential.toJSON();
}
