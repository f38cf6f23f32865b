// A user of the server under load: signs in, makes other users, starts and ends sessions.
import { type LeanAnswer, type LeanCall, LeanConnection } from '../client/lean-connection.ts';
import type { Remote } from '../scenario.ts';
import type { Delivery, MediaItem, Started } from './viewer.ts';

export type StartRequest = {
  readonly mediaId: string;
  readonly delivery: Delivery;
  readonly positionMs: number;
  /** 0: as the source is. */
  readonly maxHeight: number;
};

const NO_LIMIT = 0;
const START_DEADLINE_MS = 120_000;
/** The most that the list tells at once. */
const PAGE = 200;

type Call = Omit<LeanCall, 'headers' | 'keepsBody'>;

/** The server said no. */
export class Refused extends Error {
  readonly status: number;
  readonly retryAfterS: number | null;
  constructor(answer: LeanAnswer) {
    super(`refused with ${answer.status}: ${answer.body.slice(0, 300)}`);
    this.name = 'Refused';
    this.status = answer.status;
    const retryAfter = answer.header('retry-after');
    this.retryAfterS = retryAfter === null ? null : Number(retryAfter);
  }
}

export class Account {
  readonly #remote: Remote;
  #accessToken: string;

  static async signIn(remote: Remote): Promise<Account> {
    return new Account(remote, await signIn(remote));
  }

  private constructor(remote: Remote, accessToken: string) {
    this.#remote = remote;
    this.#accessToken = accessToken;
  }

  get url(): string {
    return this.#remote.url;
  }

  get headers(): Readonly<Record<string, string>> {
    return { Authorization: `Bearer ${this.#accessToken}` };
  }

  /** New viewers, each signed in. Only administrators may. */
  async createViewers(count: number): Promise<Account[]> {
    const connection = new LeanConnection(this.url);
    try {
      const made: Account[] = [];
      for (let number = 1; number <= count; number++) {
        const credentials = { username: `viewer-${number}`, password: `a password for viewer ${number}` };
        const json = { ...credentials, role: 'viewer' };
        const answer = await this.send(connection, '/api/v1/users', { method: 'POST', json });
        if (answer.status !== 201) throw new Refused(answer);
        made.push(await Account.signIn({ url: this.url, ...credentials }));
      }
      return made;
    } finally {
      connection.close();
    }
  }

  /** The whole library, however many pages the list of it has. */
  async media(): Promise<readonly MediaItem[]> {
    const connection = new LeanConnection(this.url);
    try {
      const all: MediaItem[] = [];
      for (let cursor: string | null = ''; cursor !== null; ) {
        const after = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
        const page = parseMedia(await this.send(connection, `/api/v1/media?versions=apart&limit=${PAGE}${after}`));
        all.push(...page.items);
        cursor = page.nextCursor;
      }
      return all;
    } finally {
      connection.close();
    }
  }

  /** @throws Refused */
  async start(connection: LeanConnection, { mediaId, delivery, positionMs, maxHeight }: StartRequest): Promise<Started> {
    const capabilities = maxHeight === NO_LIMIT ? {} : { maxHeight };
    const json = { mediaId, exact: true, delivery, startPositionMs: positionMs, client: { profile: 'web-chrome', capabilities } };
    const answer = await this.send(connection, '/api/v1/sessions', { method: 'POST', json, deadlineMs: START_DEADLINE_MS });
    if (answer.status !== 201) throw new Refused(answer);
    return JSON.parse(answer.body) as Started;
  }

  /** Resolves when the session and its processes are gone. */
  async stop(connection: LeanConnection, { sessionId }: Started): Promise<void> {
    const answer = await this.send(connection, `/api/v1/sessions/${sessionId}`, { method: 'DELETE' });
    if (answer.status !== 204) throw new Refused(answer);
  }

  /** Resolves when the server has acknowledged the progress. */
  async saveProgress(mediaId: string, positionMs: number): Promise<void> {
    const connection = new LeanConnection(this.url);
    try {
      const json = { positionMs, updatedAtMs: Date.now() };
      const path = `/api/v1/media/${mediaId}/progress`;
      const answer = await this.send(connection, path, { method: 'PUT', json });
      if (answer.status !== 200) throw new Refused(answer);
    } finally {
      connection.close();
    }
  }

  async json(path: string): Promise<unknown> {
    const connection = new LeanConnection(this.url);
    try {
      const answer = await this.send(connection, path);
      if (answer.status !== 200) throw new Refused(answer);
      return JSON.parse(answer.body) as unknown;
    } finally {
      connection.close();
    }
  }

  /** Repeats the request after a new login when the token has expired: a long load outlives its token. */
  async send(connection: LeanConnection, path: string, call: Call = {}): Promise<LeanAnswer> {
    const ask = (): Promise<LeanAnswer> => connection.send(path, { ...call, headers: this.headers, keepsBody: true });
    const answer = await ask();
    if (answer.status !== 401) return answer;
    this.#accessToken = await signIn(this.#remote);
    return ask();
  }
}

async function signIn({ url, username, password }: Remote): Promise<string> {
  const connection = new LeanConnection(url);
  try {
    const json = { username, password };
    return parseAccessToken(await connection.send('/api/v1/auth/login', { method: 'POST', json, keepsBody: true }));
  } finally {
    connection.close();
  }
}

function parseAccessToken(answer: LeanAnswer): string {
  if (answer.status !== 200) throw new Refused(answer);
  return (JSON.parse(answer.body) as { accessToken: string }).accessToken;
}

type MediaPage = { readonly items: readonly MediaItem[]; readonly nextCursor: string | null };

function parseMedia(answer: LeanAnswer): MediaPage {
  if (answer.status !== 200) throw new Refused(answer);
  return JSON.parse(answer.body) as MediaPage;
}
