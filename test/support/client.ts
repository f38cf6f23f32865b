// A client app: signs in, starts sessions, reads playlists and fetches segments as any player would.
import assert from 'node:assert/strict';
import HLS from 'hls-parser';
import { checkInit, checkPlaylists } from './conformance/stream.ts';
import { until } from './processes.ts';
import { ADMIN } from './server.ts';

export type Problem = {
  readonly code: string;
  readonly status: number;
  readonly detail: string;
  readonly errors?: { path: string; message: string }[];
};
export type MediaItem = {
  readonly id: string;
  readonly title: string;
  readonly width: number;
  readonly height: number;
  readonly durationMs: number;
};
export type Started = {
  readonly sessionId: string;
  readonly delivery: string;
  readonly reasons: readonly string[];
  readonly streamUrl: string;
  readonly controlUrl: string;
  readonly startPositionMs: number;
  readonly durationMs: number;
  readonly ladder: readonly { readonly rung: string; readonly bandwidthBps: number; readonly codecs: string }[];
};

export type Rendition = {
  /** `video/720p`, `audio/0`. */
  readonly path: string;
  readonly text: string;
  readonly targetDurationS: number;
  /** By segment; one that is offered as two chunks has the sum of both. */
  readonly durationsS: readonly number[];
  /** As the playlist lists them. */
  readonly entries: readonly { readonly uri: string; readonly durationS: number }[];
  readonly isIndependent: boolean;
};

export class Client {
  readonly url: string;
  accessToken = '';

  constructor(url: string) {
    this.url = url;
  }

  static async signIn(url: string, credentials = ADMIN): Promise<Client> {
    const client = new Client(url);
    const tokens = await client.call<{ accessToken: string }>('POST', '/api/v1/auth/login', credentials);
    client.accessToken = tokens.accessToken;
    return client;
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(new URL(path, this.url), { ...init, signal: init.signal ?? AbortSignal.timeout(120_000) });
  }

  request(method: string, path: string, body?: unknown): Promise<Response> {
    const headers: Record<string, string> = this.accessToken === '' ? {} : { authorization: `Bearer ${this.accessToken}` };
    if (body === undefined) return this.fetch(path, { method, headers });
    return this.fetch(path, { method, headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(body) });
  }

  /** The JSON answer of a call that must succeed. */
  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await this.request(method, path, body);
    const text = await response.text();
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
    return (text === '' ? null : JSON.parse(text)) as T;
  }

  /** The problem of a call that must fail. */
  async problem(method: string, path: string, body?: unknown): Promise<Problem> {
    const response = await this.request(method, path, body);
    const text = await response.text();
    assert.equal(response.headers.get('content-type'), 'application/problem+json', `${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as Problem;
  }

  /** Every file, versions of one film among them. */
  async media(): Promise<MediaItem[]> {
    return (await this.call<{ items: MediaItem[] }>('GET', '/api/v1/media?limit=200&versions=apart')).items;
  }

  /** That very file, whatever other versions there are of its film. */
  start(mediaId: string, options: Record<string, unknown> = {}): Promise<Started> {
    return this.call('POST', '/api/v1/sessions', { mediaId, exact: true, client: { profile: 'web-chrome' }, ...options });
  }

  stop(sessionId: string): Promise<null> {
    return this.call('DELETE', `/api/v1/sessions/${sessionId}`);
  }

  /** The metrics as they are now. The server collects them once a second: the first text that differs was collected after the call. */
  async metrics(): Promise<string> {
    const read = async (): Promise<string> => (await this.bytes('/metrics')).toString();
    const kept = await read();
    return until('metrics of this moment', async () => {
      const text = await read();
      return text !== kept && text;
    });
  }

  async bytes(path: string): Promise<Buffer> {
    const response = await this.fetch(path);
    const body = Buffer.from(await response.arrayBuffer());
    assert.equal(response.status, 200, `${path}: ${body.subarray(0, 300)}`);
    return body;
  }

  /** Every media playlist of a session, parsed and checked for what RFC 8216 asks of it. */
  async renditions(session: Started): Promise<Rendition[]> {
    const text = (await this.bytes(session.streamUrl)).toString();
    const main = HLS.parse(text);
    assert.ok(main.isMasterPlaylist);
    const paths = new Set(
      main.variants
        .filter(({ isIFrameOnly }) => !isIFrameOnly)
        .flatMap(variant => [variant.uri, ...variant.audio.map(({ uri }) => uri ?? '')]),
    );
    const renditions = await Promise.all([...paths].map(path => this.#rendition(session, path)));
    const findings = checkPlaylists(text, new Map([...paths].map((path, at) => [path, renditions[at]?.text ?? ''])));
    assert.deepEqual(
      findings.filter(({ level }) => level === 'error'),
      [],
    );
    return renditions;
  }

  async #rendition(session: Started, uri: string): Promise<Rendition> {
    assert.ok(!/^(\/|https?:)/.test(uri), 'URIs are relative');
    const text = (await this.bytes(base(session) + uri)).toString();
    const playlist = HLS.parse(text);
    assert.ok(!playlist.isMasterPlaylist && playlist.endlist && playlist.playlistType === 'VOD');
    return {
      path: uri.replace('/index.m3u8', ''),
      text,
      targetDurationS: playlist.targetDuration,
      durationsS: wholeDurationsS(playlist.segments),
      entries: playlist.segments.map(({ uri, duration }) => ({ uri, durationS: duration })),
      isIndependent: playlist.independentSegments === true,
    };
  }

  async init(session: Started, path: string): Promise<Buffer> {
    const uri = `${base(session)}${path}/init.mp4`;
    const bytes = await this.bytes(uri);
    assert.deepEqual(checkInit({ uri, bytes, contentType: 'video/mp4', encoding: '' }), []);
    return bytes;
  }

  segment(session: Started, path: string, index: number): Promise<Buffer> {
    return this.bytes(`${base(session)}${path}/${index}.m4s`);
  }
}

export const base = (session: Started): string => session.streamUrl.replace(/[^/]+$/, '');

/** `<n>.0.m4s` and `<n>.1.m4s` are segment n. */
function wholeDurationsS(entries: readonly { uri: string; duration: number }[]): number[] {
  const durationsS: number[] = [];
  for (const { uri, duration } of entries) {
    const index = Number.parseInt(uri, 10);
    durationsS[index] = (durationsS[index] ?? 0) + duration;
  }
  return durationsS;
}
