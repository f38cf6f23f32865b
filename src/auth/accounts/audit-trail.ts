// Notes security events. That one could not be noted is told, and keeps nobody from signing in or out.
import type { AuditEvent } from '#domain/access/audit.ts';
import type { AuditRepository } from '#storage/records/accounts/audit.ts';
import type { Page, PageRequest } from '#storage/records/page.ts';

export class AuditTrail {
  readonly #events: AuditRepository;
  readonly #now: () => number;
  readonly #onFailed: (error: unknown) => void;
  readonly #writes = new Set<Promise<void>>();

  constructor(events: AuditRepository, now: () => number, onFailed: (error: unknown) => void) {
    this.#events = events;
    this.#now = now;
    this.#onFailed = onFailed;
  }

  /** Resolves when it is stored, or could not be. */
  async note(event: Omit<AuditEvent, 'atMs'>): Promise<void> {
    const write = this.#events
      .add({ ...event, atMs: this.#now() })
      .catch(this.#onFailed)
      .finally(() => this.#writes.delete(write));
    this.#writes.add(write);
    await write;
  }

  /** Newest first. */
  list(request: PageRequest, matches: (event: AuditEvent) => boolean): Page<AuditEvent> {
    return this.#events.list(request, matches);
  }

  /** Resolves when everything is stored. To be called before the database is closed. */
  async close(): Promise<void> {
    await Promise.all(this.#writes);
  }
}
