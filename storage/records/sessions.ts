// What a playback session was given when it started, so that it outlives its thread and the server. Single writer: the main thread.
import type { SessionId } from '#domain/ids.ts';
import type { SessionRecord } from '#domain/session.ts';
import type { Environment } from '#storage/environment.ts';
import type { Family } from '#storage/migrations.ts';
import type { Table } from '#storage/table.ts';

export const SESSIONS: Family = {
  name: 'sessions',
  encoding: 'msgpack',
  format: 3,
  upgrades: [
    ({ key, value }) => ({ key, value: { ...(value as object), splitIndex: null } }),
    ({ key, value }) => {
      const session = value as SessionRecord;
      return { key, value: { ...session, offer: { ...session.offer, subtitles: [], subtitleTrack: null } } };
    },
  ],
  indexes: [],
};

export class SessionRepository {
  readonly #sessions: Table<SessionId, SessionRecord>;

  constructor(environment: Environment) {
    this.#sessions = environment.table(SESSIONS.name);
  }

  get(id: SessionId): SessionRecord | undefined {
    return this.#sessions.get(id);
  }

  list(): SessionRecord[] {
    return [...this.#sessions.entries()].map(({ value }) => value);
  }

  async put(session: SessionRecord): Promise<void> {
    await this.#sessions.put(session.id, session);
  }

  async remove(id: SessionId): Promise<void> {
    await this.#sessions.remove(id);
  }
}
