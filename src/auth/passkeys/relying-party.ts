// Whom a passkey is for: the server under the name that its viewers know, which a browser holds against the page it shows.
import { isIP } from 'node:net';
import { FerriteError } from '#domain/errors.ts';
import { isLoopback } from '../setup-guard.ts';

/** `id`: the name of the host, without port. `origins`: those of pages that may ask for it. */
export type RelyingParty = { readonly id: string; readonly origins: readonly string[] };

/**
 * As FERRITE_PUBLIC_URL says; without it, as the request's Host does: a browser refuses to make or use a passkey on a page of another
 * name, so that a Host that was made up leads to none that anybody has. Null: by an address alone there are no passkeys.
 */
export function relyingPartyOf(publicUrl: string, host: string): RelyingParty | null {
  const base = publicUrl === '' ? `https://${host}` : publicUrl;
  if (!URL.canParse(base)) return null;
  const { hostname, origin, host: named } = new URL(base);
  if (hostname === '' || isIP(hostname.replace(/^\[|\]$/g, '')) !== 0) return null;
  if (publicUrl !== '') return { id: hostname, origins: [origin] };
  // Only on the machine itself is a page without TLS one that a browser trusts with passkeys.
  return { id: hostname, origins: isLoopback(hostname) ? [origin, `http://${named}`] : [origin] };
}

/** @throws INVALID_REQUEST where there can be none */
export function requireRelyingParty(publicUrl: string, host: string): RelyingParty {
  const found = relyingPartyOf(publicUrl, host);
  if (found === null)
    throw new FerriteError('INVALID_REQUEST', 'passkeys need a server that is called by its name: set FERRITE_PUBLIC_URL');
  return found;
}
