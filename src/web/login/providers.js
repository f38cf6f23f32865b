// Signing in with another provider: the browser is sent there, and comes back to this page with a code in the address's fragment.
import { ApiError, requestPublic } from '../api.js';
import { element } from '../dom.js';
import { saveLogin } from './login-store.js';

const CODE = /^#sign-in=([\w-]+)$/;
const FAILURE = /^#sign-in-error=([A-Z_]+)$/;

/** A button for each; none where the server can not be asked: name and password work all the same. @param {AbortSignal} signal */
export async function providerButtons(signal) {
  try {
    const { items } = await requestPublic('GET', '/api/v1/auth/providers', { signal });
    return items.map(
      /** @param {{ name: string, startUrl: string }} provider */
      ({ name, startUrl }) => {
        // Not a link: those of this origin are pages of this application.
        const go = () => location.assign(startUrl);
        return element('button', { class: 'button wide', type: 'button', onclick: go }, `Sign in with ${name}`);
      },
    );
  } catch {
    return [];
  }
}

/** Ends a sign-in that has come back. False where none has. @throws {ApiError} what went wrong with it */
export async function finishProviderSignIn() {
  const { hash } = location;
  const [code, failure] = [CODE.exec(hash)?.[1], FAILURE.exec(hash)?.[1]];
  if (code === undefined && failure === undefined) return false;
  // It is good once, and is of no use to whoever looks through the history.
  history.replaceState(null, '', `${location.pathname}${location.search}`);
  if (failure !== undefined) throw new ApiError(failure);
  saveLogin(await requestPublic('POST', '/api/v1/auth/oidc/exchange', { body: { code } }));
  return true;
}
