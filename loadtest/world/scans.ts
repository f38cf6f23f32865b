// Scans of a server's libraries as its administrator sees them.
import { setTimeout as delay } from 'node:timers/promises';
import type { Remote } from '../scenario.ts';

export type ScanFacts = {
  readonly state: string;
  readonly probed: number;
  readonly failed: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
};

const LOOK_MS = 50;
const REQUEST_DEADLINE_MS = 30_000;

export class Scans {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  #library = '';

  /** Of its only library. */
  static async of(remote: Remote): Promise<Scans> {
    const scans = await Scans.#signedIn(remote);
    const { items } = (await scans.#call('GET', '/api/v1/libraries')) as { items: { id: string }[] };
    scans.#library = `/api/v1/libraries/${items[0]?.id}`;
    return scans;
  }

  /** Of another library, whose first scan begins now. */
  static async ofNew(remote: Remote, name: string, folder: string): Promise<Scans> {
    const scans = await Scans.#signedIn(remote);
    const { id } = (await scans.#call('POST', '/api/v1/libraries', { name, kind: 'movies', paths: [folder] })) as { id: string };
    scans.#library = `/api/v1/libraries/${id}`;
    return scans;
  }

  static async #signedIn({ url, username, password }: Remote): Promise<Scans> {
    const body = JSON.stringify({ username, password });
    const headers = { 'content-type': 'application/json' };
    const login = await fetch(`${url}/api/v1/auth/login`, { method: 'POST', body, headers });
    const { accessToken } = (await login.json()) as { accessToken: string };
    return new Scans(url, accessToken);
  }

  private constructor(url: string, accessToken: string) {
    this.#url = url;
    this.#headers = { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' };
  }

  async start(): Promise<void> {
    await this.#call('POST', `${this.#library}/scan`);
  }

  async facts(): Promise<ScanFacts> {
    return (await this.#call('GET', `${this.#library}/scan`)) as ScanFacts;
  }

  async ended(deadlineMs: number): Promise<ScanFacts> {
    const giveUpAtMs = performance.now() + deadlineMs;
    for (;;) {
      const facts = await this.facts();
      if (facts.state !== 'running') return facts;
      if (performance.now() > giveUpAtMs) throw new Error('the scan did not end in time');
      await delay(LOOK_MS);
    }
  }

  /** Takes the library away; its running scan ends. */
  async remove(): Promise<void> {
    await this.#call('DELETE', this.#library);
  }

  async #call(method: string, path: string, body?: object): Promise<unknown> {
    const signal = AbortSignal.timeout(REQUEST_DEADLINE_MS);
    const answer = await fetch(this.#url + path, { method, headers: this.#headers, signal, body: body ? JSON.stringify(body) : null });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status}`);
    return answer.status === 204 ? null : await answer.json();
  }
}
