// A player without a picture: signs in, starts a session, reads its playlists and fetches the segments a viewer would see first.
import { type Answer, HttpClient, nowMs } from '../client/http-client.ts';
import type { Remote } from '../scenario.ts';

export type Delivery = 'direct' | 'remux' | 'transcode';

export type MediaItem = { readonly id: string; readonly title: string; readonly durationMs: number; readonly height: number };

export type StartRequest = {
  readonly mediaId: string;
  readonly delivery: Delivery;
  readonly positionMs: number;
  /** Capabilities that replace those of a desktop browser. */
  readonly capabilities: Readonly<Record<string, unknown>>;
};

export type Started = {
  readonly sessionId: string;
  readonly delivery: string;
  readonly streamUrl: string;
  readonly controlUrl: string;
  readonly durationMs: number;
  /** Where the session begins: in keyframe mode at the start of the segment that was asked for. */
  readonly startPositionMs: number;
};

export type MediaPlaylist = {
  /** With a slash at its end. */
  readonly folder: string;
  readonly initName: string;
  readonly segments: readonly { readonly name: string; readonly startS: number; readonly durationS: number }[];
};

/** One fetched file and its address below the session's. */
export type Fetched = { readonly path: string; readonly answer: Answer };

export type Playing = {
  readonly session: Started;
  readonly video: MediaPlaylist | null;
  readonly audio: MediaPlaylist | null;
};

/** From the press of Play until the first segment was complete, in milliseconds. */
export type StartTimes = {
  readonly answerMs: number;
  readonly playlistsMs: number;
  readonly videoMs: number;
  /** Video and audio: what a player needs to show the first frame with sound. */
  readonly ttffMs: number;
};

/** The bytes that a player requests first of a file in direct play. */
export const DIRECT_BYTES = 1024 * 1024;

export class Viewer {
  readonly http: HttpClient;
  readonly #accessToken: string;

  static async signIn({ url, username, password }: Remote): Promise<Viewer> {
    const http = new HttpClient(url);
    const answer = await http.send('/api/v1/auth/login', { method: 'POST', body: { username, password } });
    return new Viewer(http, parseAccessToken(answer));
  }

  private constructor(http: HttpClient, accessToken: string) {
    this.http = http;
    this.#accessToken = accessToken;
  }

  /** Another viewer of the same account, with connections of its own. */
  another(): Viewer {
    return new Viewer(new HttpClient(this.http.url), this.#accessToken);
  }

  async media(): Promise<readonly MediaItem[]> {
    return parseMedia(await this.http.send('/api/v1/media?versions=apart&limit=200', { headers: this.#headers }));
  }

  /** The JSON of an answer that must be there. */
  async read<T>(path: string): Promise<T> {
    return JSON.parse((await this.http.get(path, this.#headers)).body.toString('utf8')) as T;
  }

  /** The only film of a library of one film. */
  async firstMediaId(): Promise<string> {
    const [media] = await this.media();
    if (!media) throw new Error('the library is empty');
    return media.id;
  }

  async start({ mediaId, delivery, positionMs, capabilities }: StartRequest): Promise<Started> {
    const body = { mediaId, exact: true, delivery, startPositionMs: positionMs, client: { profile: 'web-chrome', capabilities } };
    return parseStarted(await this.http.send('/api/v1/sessions', { method: 'POST', headers: this.#headers, body }));
  }

  /** Resolves when the session and all its processes are gone. */
  async stop({ sessionId }: Started): Promise<void> {
    await this.http.send(`/api/v1/sessions/${sessionId}`, { method: 'DELETE', headers: this.#headers });
  }

  /** Sends a seek hint. */
  async seekHint({ sessionId }: Started, positionMs: number): Promise<void> {
    await this.http.send(`/api/v1/sessions/${sessionId}/seek`, { method: 'POST', headers: this.#headers, body: { positionMs } });
  }

  async metrics(): Promise<string> {
    return (await this.http.get('/metrics')).body.toString('utf8');
  }

  /** Starts a session and fetches the segments that the first frame with sound needs. */
  async play(request: StartRequest): Promise<Playing & { readonly times: StartTimes; readonly fetched: readonly Fetched[] }> {
    const startedMs = nowMs();
    const session = await this.start(request);
    const answerMs = nowMs() - startedMs;
    const { streamUrl } = session;
    const opened = await openStream(this.http, { streamUrl, delivery: request.delivery, positionMs: lookedForAtMs(session) });
    const times = {
      answerMs,
      playlistsMs: opened.playlistsAtMs - startedMs,
      videoMs: opened.videoAtMs - startedMs,
      ttffMs: opened.completeAtMs - startedMs,
    };
    return { session, video: opened.video, audio: opened.audio, times, fetched: opened.fetched };
  }

  /** Fetches the segments after the start, up to `bufferS` seconds on, one after another, as a player that fills its buffer. */
  async buffer({ session, video, audio }: Playing, bufferS: number): Promise<void> {
    const fromMs = lookedForAtMs(session);
    for (const playlist of [video, audio]) {
      for (const { name } of playlist ? segmentsBetween(playlist, fromMs, fromMs + bufferS * 1000) : [])
        await this.http.get(`${playlist?.folder}${name}`);
    }
  }

  /** Jumps to another position; milliseconds until the segments there are complete. */
  async seek(playing: Playing, positionMs: number): Promise<{ readonly seekMs: number; readonly fetched: readonly Fetched[] }> {
    const startedMs = nowMs();
    const fetched = await fetchAt(this.http, playing, positionMs);
    return { seekMs: Math.max(...fetched.map(({ answer }) => answer.lastByteAtMs)) - startedMs, fetched };
  }

  close(): void {
    this.http.close();
  }

  get #headers(): Record<string, string> {
    return { authorization: `Bearer ${this.#accessToken}` };
  }
}

/** Players bear that the sum of a playlist's durations is a hair off. */
export const lookedForAtMs = ({ startPositionMs }: Started): number => startPositionMs + 1;

type Opened = Omit<Playing, 'session'> & {
  readonly fetched: readonly Fetched[];
  readonly playlistsAtMs: number;
  readonly videoAtMs: number;
  readonly completeAtMs: number;
};

/** Opens a stream address as a player does, whichever server has it. */
export async function openStream(
  http: HttpClient,
  { streamUrl, delivery, positionMs }: { streamUrl: string; delivery: Delivery; positionMs: number },
): Promise<Opened> {
  if (delivery === 'direct') {
    const answer = await http.get(streamUrl, { range: `bytes=0-${DIRECT_BYTES - 1}` });
    const atMs = answer.lastByteAtMs;
    const fetched = [{ path: streamUrl.replace(/^.*\//, ''), answer }];
    return { video: null, audio: null, fetched, playlistsAtMs: atMs, videoAtMs: atMs, completeAtMs: atMs };
  }
  const base = streamUrl.replace(/[^/]+$/, '');
  const main = await http.get(streamUrl);
  const { videoUri, audioUri } = parseMultivariant(main.body.toString('utf8'));
  const [videoList, audioList] = await Promise.all([http.get(base + videoUri), audioUri === null ? null : http.get(base + audioUri)]);
  const playlistsAtMs = nowMs();
  const video = parseMediaPlaylist(base + videoUri, videoList.body.toString('utf8'));
  const audio = audioUri !== null && audioList ? parseMediaPlaylist(base + audioUri, audioList.body.toString('utf8')) : null;
  const [videoInit, audioInit, segments] = await Promise.all([
    http.get(video.folder + video.initName),
    audio && http.get(audio.folder + audio.initName),
    fetchAt(http, { video, audio }, positionMs),
  ]);
  const fetched: Fetched[] = [
    { path: 'main.m3u8', answer: main },
    { path: videoUri, answer: videoList },
    ...(audioUri === null || !audioList ? [] : [{ path: audioUri, answer: audioList }]),
    { path: video.folder.slice(base.length) + video.initName, answer: videoInit },
    ...(audio && audioInit ? [{ path: audio.folder.slice(base.length) + audio.initName, answer: audioInit }] : []),
    ...segments.map(({ path, answer }) => ({ path: path.slice(base.length), answer })),
  ];
  const videoAtMs = Math.max(videoInit.lastByteAtMs, segments[0]?.answer.lastByteAtMs ?? 0);
  const completeAtMs = Math.max(...fetched.map(({ answer }) => answer.lastByteAtMs));
  return { video, audio, fetched, playlistsAtMs, videoAtMs, completeAtMs };
}

/** The video segment that shows `positionMs`, then the audio segment of the same time. */
async function fetchAt(http: HttpClient, { video, audio }: Omit<Playing, 'session'>, positionMs: number): Promise<Fetched[]> {
  const paths = [video, audio].flatMap(playlist => (playlist ? [playlist.folder + segmentAt(playlist, positionMs).name] : []));
  return Promise.all(paths.map(async path => ({ path, answer: await http.get(path) })));
}

export function segmentAt({ segments }: Pick<MediaPlaylist, 'segments'>, positionMs: number): MediaPlaylist['segments'][number] {
  const found = segments.findLast(({ startS }) => startS * 1000 <= positionMs);
  if (!found) throw new Error('the playlist has no segment there');
  return found;
}

/** The segments after the one that shows `fromMs`. */
const segmentsBetween = ({ segments }: MediaPlaylist, fromMs: number, toMs: number): MediaPlaylist['segments'] =>
  segments.filter(({ startS }) => startS * 1000 > fromMs && startS * 1000 < toMs);

function parseAccessToken({ status, body }: Answer): string {
  if (status !== 200) throw new Error(`signing in gave ${status}`);
  return (JSON.parse(body.toString('utf8')) as { accessToken: string }).accessToken;
}

function parseMedia({ status, body }: Answer): readonly MediaItem[] {
  if (status !== 200) throw new Error(`the list of media gave ${status}`);
  return (JSON.parse(body.toString('utf8')) as { items: MediaItem[] }).items;
}

function parseStarted({ status, body }: Answer): Started {
  if (status !== 201) throw new Error(`starting a session gave ${status}: ${body.subarray(0, 300)}`);
  return JSON.parse(body.toString('utf8')) as Started;
}

/** The first variant, with which players start, and its first audio rendition. */
function parseMultivariant(text: string): { videoUri: string; audioUri: string | null } {
  const [, videoUri] = text.match(/^#EXT-X-STREAM-INF:.*\n(.+)$/m) ?? [];
  const [, audioUri] = text.match(/^#EXT-X-MEDIA:TYPE=AUDIO.*URI="([^"]+)"/m) ?? [];
  if (videoUri === undefined) throw new Error('the multivariant playlist has no variant');
  return { videoUri, audioUri: audioUri ?? null };
}

export function parseMediaPlaylist(address: string, text: string): MediaPlaylist {
  const [, initName] = text.match(/#EXT-X-MAP:URI="([^"]+)"/) ?? [];
  if (initName === undefined) throw new Error('the media playlist has no init segment');
  let startS = 0;
  const segments = [...text.matchAll(/#EXTINF:([\d.]+).*\n(?:#.*\n)*(.+)/g)].map(([, duration, name = '']) => {
    const segment = { name, startS, durationS: Number(duration) };
    startS += segment.durationS;
    return segment;
  });
  return { folder: address.replace(/[^/]+$/, ''), initName, segments };
}
