// Passkeys as the browser makes them and as the server's JSON has them (WebAuthn Level 3).

/** Only in secure contexts, and where the browser reads the server's JSON by itself. */
export const hasPasskeys = () => typeof PublicKeyCredential === 'function' && 'parseCreationOptionsFromJSON' in PublicKeyCredential;

/** @param {any} answer the options, or what holds them and names the ceremony @returns {Promise<unknown>} what the server verifies */
export async function createPasskey(answer) {
  const { options, rest } = split(answer);
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  return { ...rest, ...asJson(await navigator.credentials.create({ publicKey }), rest) };
}

/** @param {any} answer */
function split(answer) {
  if (answer.options === undefined) return { options: answer, rest: null };
  const { options, ...rest } = answer;
  return { options, rest };
}

/** @param {Credential | null} credential @param {unknown} rest */
function asJson(credential, rest) {
  if (!(credential instanceof PublicKeyCredential)) throw new DOMException('No passkey was made.', 'NotAllowedError');
  const json = credential.toJSON();
  return rest === null ? json : { response: json };
}
