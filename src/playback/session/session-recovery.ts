// Sessions go on after the server was restarted, and after the host that had them open was lost.

import type { MediaPlans, PlannedMedia } from '#src/playback/offer/media-plans.ts';
import type { HostNumber, MediaHosts } from '#src/threads/media-hosts.ts';
import type { Database } from '#storage/database.ts';
import { codeOf, type OpenSessions } from './open-sessions.ts';

export type RecoveryOptions = {
  readonly database: Pick<Database, 'sessions' | 'media'>;
  readonly hosts: MediaHosts;
  readonly plans: MediaPlans;
  readonly sessions: OpenSessions;
  readonly log: { info(facts: object, message: string): void; warn(facts: object, message: string): void };
};

/** After a restart, players need a moment to come back. */
const RESTART_GRACE_MS = 120_000;

export class SessionRecovery {
  readonly #options: RecoveryOptions;

  constructor(options: RecoveryOptions) {
    this.#options = options;
    const { hosts, log } = options;
    hosts.events.on('replaced', host => {
      this.#reopen(host).catch(err => log.warn({ err }, 'sessions could not be opened in the new host'));
    });
  }

  /** Opens again what was open when the server ended. */
  async restore(): Promise<void> {
    const { database, log, plans, sessions } = this.#options;
    const nowMs = Date.now();
    let restored = 0;
    for (const record of database.sessions.list()) {
      const media = database.media.get(record.mediaId);
      if (record.expiresAtMs + RESTART_GRACE_MS < nowMs || media?.version !== record.mediaVersion) {
        await database.sessions.remove(record.id);
        continue;
      }
      try {
        await sessions.open(record, plans.for(media, record.offer.targetMs));
        restored++;
      } catch (error) {
        // A session that this version can not open must not keep the server from starting.
        log.warn({ code: codeOf(error) }, 'a session could not be restored');
        sessions.forget(record);
        await database.sessions.remove(record.id);
      }
    }
    if (restored > 0) log.info({ sessions: restored }, 'sessions restored');
  }

  /** A lost host was replaced: its sessions go on there. */
  async #reopen(host: HostNumber): Promise<void> {
    const { hosts, log, plans, sessions } = this.#options;
    const theirs = sessions.list(({ record }) => hosts.owns(host, record.mediaId));
    for (const session of theirs) sessions.setStatus(session, null);
    const told = new Set<PlannedMedia['plan']>();
    // All in one turn: their segment requests go to the host right behind.
    const opened = await Promise.allSettled(
      theirs.map(async ({ record, media, positionMs }) => {
        const planned = plans.for(media, record.offer.targetMs);
        const isTold = told.has(planned.plan);
        told.add(planned.plan);
        return sessions.openInHost({ ...record, startPositionMs: positionMs }, planned, isTold ? 'told' : 'untold');
      }),
    );
    const failed = opened.filter(({ status }) => status === 'rejected').length;
    if (failed > 0) log.warn({ failed }, 'sessions could not be opened in the new host');
  }
}
