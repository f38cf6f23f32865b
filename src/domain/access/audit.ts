// What is noted of the security of accounts: who did what to whom, when and from where. No secret is ever part of it.
import type { UserId } from '../ids.ts';

export const AUDIT_EVENTS = [
  'set-up',
  'sign-in',
  'sign-in-failed',
  'signed-out-everywhere',
  'token-reused',
  'user-added',
  'user-changed',
  'user-removed',
  'password-changed',
  'limits-changed',
  'group-added',
  'group-changed',
  'group-removed',
  'provider-linked',
  'passkey-added',
  'passkey-removed',
  'library-added',
  'library-removed',
] as const;
export type AuditEventName = (typeof AUDIT_EVENTS)[number];

/** What strangers can cause without end: kept apart, so that it pushes nothing else out. */
export const isStrangers = (event: AuditEventName): boolean => event === 'sign-in-failed';

export type AuditUser = { readonly id: UserId; readonly username: string };

export type AuditEvent = {
  readonly atMs: number;
  readonly event: AuditEventName;
  /** Null: nobody who was signed in, or the server itself. */
  readonly actor: AuditUser | null;
  /** What it was done to, by the name that it had. */
  readonly subject: {
    readonly kind: 'user' | 'group' | 'library' | 'passkey';
    readonly id: string;
    readonly name: string;
  } | null;
  /** Where the request came from; null: from the server's own settings. */
  readonly address: string | null;
  /** What of it, in words: which fields changed, how somebody signed in. */
  readonly detail: string | null;
};
