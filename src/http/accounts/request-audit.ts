// Notes what a request did to accounts, with who sent it and from where.
import type { AuditEvent, AuditEventName, AuditUser } from '#domain/access/audit.ts';
import type { ClientAddresses } from '#http/contract/client-address.ts';
import type { Route } from '#http/contract/route.ts';
import type { AuditTrail } from '#src/auth/accounts/audit-trail.ts';

type Sender = Pick<Parameters<Route['handler']>[0], 'caller' | 'header' | 'remoteAddress'>;

type Noted = {
  readonly subject?: AuditEvent['subject'];
  readonly detail?: string;
  /** Who has become known by the request itself, as with a sign-in. */
  readonly actor?: AuditUser | null;
};

export class RequestAudit {
  readonly #trail: AuditTrail;
  readonly #addresses: ClientAddresses;

  constructor(trail: AuditTrail, addresses: ClientAddresses) {
    this.#trail = trail;
    this.#addresses = addresses;
  }

  async note(request: Sender, event: AuditEventName, { subject = null, detail, actor }: Noted = {}): Promise<void> {
    const { caller } = request;
    const sender = caller === null ? null : { id: caller.userId, username: caller.username };
    await this.#trail.note({
      event,
      actor: actor === undefined ? sender : actor,
      subject,
      address: this.addressOf(request),
      detail: detail ?? null,
    });
  }

  addressOf({ remoteAddress, header }: Sender): string {
    return this.#addresses.of(remoteAddress, header);
  }
}

/** A user as what something was done to. */
export const userSubject = ({ id, username }: AuditUser) => ({ kind: 'user', id, name: username }) as const;
