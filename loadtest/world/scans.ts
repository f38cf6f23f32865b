// Scans of a server's only library as its administrator sees them.
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
const REQUEST_DEADLINE_MS = 10_000;

export class Scans {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  #path = '';

  static async of(remote: Remote): Promise<Scans> {
    const { url, username, password } = remote;
    const body = JSON.stringify({ username, password });
    const headers = { 'content-type': 'application/json' };
    const login = await fetch(`${url}/api/v1/auth/login`, { method: 'POST', body, headers });
    const { accessToken } = (await login.json()) as { accessToken: string };
    const scans = new Scans(url, accessToken);
    const { items } = await scans.#call<{ items: { id: string }[] }>('GET', '/api/v1/libraries');
    scans.#path = `/api/v1/libraries/${items[0]?.id}/scan`;
    return scans;
  }

  private constructor(url: string, accessToken: string) {
    this.#url = url;
    this.#headers = { authorization: `Bearer ${accessToken}` };
  }

  async start(): Promise<void> {
    await this.#call('POST', this.#path);
  }

  facts(): Promise<ScanFacts> {
    return this.#call('GET', this.#path);
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

  async #call<T>(method: string, path: string): Promise<T> {
    const signal = AbortSignal.timeout(REQUEST_DEADLINE_MS);
    const answer = await fetch(this.#url + path, { method, headers: this.#headers, signal });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status}`);
    return (await answer.json()) as T;
  }
}
