// A player without a picture, in real time: it buffers ahead, chooses rungs, plays, stalls, seeks and reports as hls.js does.

import { nowMs } from '../client/http-client.ts';
import type { LeanAnswer, LeanConnection } from '../client/lean-connection.ts';
import type { Account } from './account.ts';
import { PlaybackClock } from './playback-clock.ts';
import { type Piece, type PlaylistBook, piecesOfFile, type Rung } from './playlist-book.ts';
import { Throughput } from './throughput.ts';
import type { Delivery, Started } from './viewer.ts';

export type PlayerOptions = {
  readonly account: Account;
  readonly session: Started;
  readonly delivery: Delivery;
  readonly positionMs: number;
  readonly book: PlaylistBook;
  /** Fetches on until so much is buffered; a segment is enough to begin. */
  readonly bufferTargetS: number;
  /** A rung's name for good, or by bandwidth. */
  readonly rung: string | 'auto';
  /** Sends its state in request headers (CMCD, CTA-5004). */
  readonly reportsCmcd: boolean;
  readonly onSegment: (segment: SegmentFacts) => void;
};

export type SegmentFacts = { readonly atMs: number; readonly waitMs: number; readonly bytes: number };

export type PlayerFacts = {
  readonly playedMs: number;
  readonly stalls: number;
  readonly settledStalls: number;
  readonly stalledMs: number;
  readonly ttffMs: number | null;
  readonly seekMs: readonly number[];
  readonly bufferedSeeks: number;
  readonly switches: number;
  readonly retries: number;
  readonly heartbeats: number;
  /** The reason why the player gave up; null when it did not. */
  readonly failure: string | null;
};

type Track = {
  readonly kind: 'v' | 'a' | 'av';
  folder: string;
  pieces: readonly Piece[];
  next: number;
};

const HEARTBEAT_MS = 10_000;
const RETRY_FIRST_MS = 250;
const RETRY_MOST_MS = 4_000;
/** As hls.js, which gives a fragment a minute or so. */
const GIVE_UP_AFTER_MS = 60_000;

export class Player {
  readonly #options: PlayerOptions;
  readonly #connection: LeanConnection;
  readonly #clock: PlaybackClock;
  readonly #throughput = new Throughput();
  readonly #wantedAtMs = nowMs();
  readonly #seekMs: number[] = [];
  #tracks: Track[] = [];
  #rungs: readonly Rung[] = [];
  #rung: Rung | null = null;
  #seekingSinceMs: number | null = null;
  #heartbeatAtMs = nowMs() + HEARTBEAT_MS;
  /** The number of the last jump: answers to requests from before it are dropped. */
  #generation = 0;
  #isStopped = false;
  #wake: () => void = () => undefined;
  #ttffMs: number | null = null;
  #bufferedSeeks = 0;
  #switches = 0;
  #retries = 0;
  #heartbeats = 0;
  #failure: string | null = null;

  constructor(options: PlayerOptions, connection: LeanConnection) {
    this.#options = options;
    this.#connection = connection;
    const { session, positionMs } = options;
    this.#clock = new PlaybackClock({ positionS: positionMs / 1000, endS: session.durationMs / 1000, nowMs: nowMs() });
  }

  get positionMs(): number {
    return Math.round(this.#clock.positionS * 1000);
  }

  get bufferedAheadS(): number {
    this.#clock.advance(nowMs());
    return this.#clock.bufferedAheadS;
  }

  get rung(): string | null {
    return this.#rung?.name ?? null;
  }

  get state(): string {
    return this.#clock.state;
  }

  get facts(): PlayerFacts {
    this.#clock.advance(nowMs());
    return {
      ...this.#clock.facts,
      ttffMs: this.#ttffMs,
      seekMs: this.#seekMs,
      bufferedSeeks: this.#bufferedSeeks,
      switches: this.#switches,
      retries: this.#retries,
      heartbeats: this.#heartbeats,
      failure: this.#failure,
    };
  }

  /** Plays until the player is stopped, the film ends or it gives up; failures are in its facts. */
  async play(): Promise<void> {
    try {
      while (!this.#isStopped && this.#clock.state !== 'ended') await this.#step();
    } catch (error) {
      this.#giveUp(error);
    } finally {
      this.#clock.pause(nowMs());
      this.#connection.close();
    }
  }

  pause(): void {
    this.#clock.pause(nowMs());
    this.#wake();
  }

  resume(): void {
    this.#clock.resume(nowMs());
    this.#wake();
  }

  /** True when the buffer held the target. */
  seek(positionMs: number): boolean {
    const atMs = nowMs();
    if (this.#clock.seek(positionMs / 1000, atMs)) {
      this.#bufferedSeeks++;
      return true;
    }
    this.#generation++;
    this.#seekingSinceMs = atMs;
    for (const track of this.#tracks) track.next = indexAt(track, positionMs / 1000);
    this.#connection.abort();
    this.#wake();
    return false;
  }

  /** From the next segment on. Resolves as `play` does when that fails for good. */
  async switchTo(name: string): Promise<void> {
    const rung = this.#rungs.find(one => one.name === name);
    if (rung && rung !== this.#rung) await this.#persist(() => this.#takeRung(rung)).catch(error => this.#giveUp(error));
  }

  get rungs(): readonly Rung[] {
    return this.#rungs;
  }

  /** Stops the player; its session is ended by the caller. */
  stop(): void {
    this.#isStopped = true;
    this.#connection.close();
    this.#wake();
  }

  #giveUp(error: unknown): void {
    if (!this.#isStopped) this.#failure ??= error instanceof Error ? error.message : String(error);
  }

  async #step(): Promise<void> {
    const atMs = nowMs();
    this.#clock.advance(atMs);
    if (atMs >= this.#heartbeatAtMs) return this.#heartbeat();
    if (this.#tracks.length === 0) {
      await this.#persist(() => this.#openStream());
      return;
    }
    const track = this.#emptiestTrack();
    if (!track) return this.#rest(atMs);
    if (track.kind === 'v' && this.#options.rung === 'auto') await this.#adapt();
    await this.#fetchNext(track);
  }

  /** Null when enough is buffered, or all there is. */
  #emptiestTrack(): Track | null {
    if (this.#clock.bufferedAheadS >= this.#options.bufferTargetS) return null;
    const unfinished = this.#tracks.filter(({ next, pieces }) => next < pieces.length);
    return unfinished.toSorted((a, b) => nextStartS(a) - nextStartS(b))[0] ?? null;
  }

  async #rest(atMs: number): Promise<void> {
    const untilHeartbeatMs = this.#heartbeatAtMs - atMs;
    const isPlaying = this.#clock.state === 'playing';
    const tooMuchS = this.#clock.bufferedAheadS - this.#options.bufferTargetS;
    const isAllBuffered = this.#tracks.every(({ next, pieces }) => next >= pieces.length);
    const untilRoomMs = !isPlaying ? untilHeartbeatMs : (isAllBuffered ? this.#clock.bufferedAheadS : Math.max(tooMuchS, 0)) * 1000 + 1;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, Math.min(untilHeartbeatMs, untilRoomMs));
    this.#wake = resolve;
    await promise;
    clearTimeout(timer);
    this.#wake = () => undefined;
  }

  async #openStream(): Promise<void> {
    const { session, delivery, book, rung } = this.#options;
    const folder = session.streamUrl.replace(/[^/]+$/, '');
    if (delivery === 'direct') {
      const name = session.streamUrl.slice(folder.length);
      const { header } = await this.#get(session.streamUrl, { headers: { Range: 'bytes=0-0' } });
      const bytes = Number(header('content-range')?.split('/')[1]);
      this.#tracks = [this.#trackAt({ kind: 'av', folder, pieces: piecesOfFile(name, bytes, session.durationMs / 1000), next: 0 })];
      return;
    }
    const main = book.main((await this.#get(session.streamUrl, { keepsBody: true })).body);
    const first = main.rungs.find(({ name }) => name === rung) ?? main.rungs[0];
    if (!first) throw new Error('there is no rung');
    const video = this.#trackAt({ kind: 'v', ...(await this.#openRendition(first.uri)), next: 0 });
    const audio = main.audioUri === null ? null : this.#trackAt({ kind: 'a', ...(await this.#openRendition(main.audioUri)), next: 0 });
    this.#rungs = main.rungs;
    this.#rung = first;
    this.#tracks = audio ? [video, audio] : [video];
  }

  /** Its playlist and its init segment; the buffer stays. */
  async #takeRung(rung: Rung): Promise<void> {
    const opened = await this.#openRendition(rung.uri);
    const track = this.#tracks.find(({ kind }) => kind === 'v');
    if (!track) return;
    // A copied rendition has boundaries of its own: the next segment is found by time.
    const next = track.next < track.pieces.length ? indexAt(opened, nextStartS(track)) : opened.pieces.length;
    Object.assign(track, opened, { next });
    this.#rung = rung;
    this.#switches++;
  }

  async #openRendition(uri: string): Promise<Pick<Track, 'folder' | 'pieces'>> {
    const address = this.#options.session.streamUrl.replace(/[^/]+$/, '') + uri;
    const folder = address.replace(/[^/]+$/, '');
    const { initName, pieces } = this.#options.book.media((await this.#get(address, { keepsBody: true })).body);
    await this.#get(folder + initName, {});
    return { folder, pieces };
  }

  #trackAt(track: Track): Track {
    track.next = indexAt(track, this.#clock.positionS);
    return track;
  }

  /** As the web player: begins with the rung that the server lists first, and has no estimate before the first segment. */
  async #adapt(): Promise<void> {
    if (this.#ttffMs === null) return;
    const current = this.#rung?.bandwidthBps ?? null;
    const rate = this.#throughput.choose(
      this.#rungs.map(({ bandwidthBps }) => bandwidthBps),
      current,
    );
    const rung = this.#rungs.find(({ bandwidthBps }) => bandwidthBps === rate);
    if (rung && rung !== this.#rung) await this.#persist(() => this.#takeRung(rung));
  }

  async #fetchNext(track: Track): Promise<void> {
    const generation = this.#generation;
    const piece = track.pieces[track.next];
    if (!piece) return;
    const answer = await this.#persist(() => this.#get(track.folder + piece.name, { headers: this.#segmentHeaders(track, piece) }));
    if (!answer || generation !== this.#generation) return;
    const waitMs = answer.lastByteAtMs - answer.sentAtMs;
    // The server's own time is not the line's: hls.js leaves it out as well.
    this.#throughput.sample(answer.bodyBytes, answer.lastByteAtMs - answer.firstByteAtMs);
    this.#options.onSegment({ atMs: answer.lastByteAtMs, waitMs, bytes: answer.bodyBytes });
    track.next++;
    this.#buffered();
  }

  #buffered(): void {
    const atMs = nowMs();
    const before = this.#clock.bufferedToS;
    this.#clock.buffered(Math.min(...this.#tracks.map(bufferedToS)), atMs);
    if (this.#clock.bufferedToS <= before) return;
    this.#ttffMs ??= atMs - this.#wantedAtMs;
    if (this.#seekingSinceMs !== null) this.#seekMs.push(atMs - this.#seekingSinceMs);
    this.#seekingSinceMs = null;
  }

  #segmentHeaders(track: Track, piece: Piece): Record<string, string> {
    const range: Record<string, string> = piece.range === null ? {} : { Range: piece.range };
    return this.#options.reportsCmcd ? { ...range, ...this.#cmcd(track, piece) } : range;
  }

  #cmcd({ kind }: Track, { startS, endS }: Piece): Record<string, string> {
    const hundreds = (value: number): number => Math.round(value / 100) * 100;
    const ahead = hundreds(this.#clock.bufferedAheadS * 1000);
    const bitrate = this.#rung ? `br=${Math.round(this.#rung.bandwidthBps / 1000)},` : '';
    const isStarving = this.#clock.state === 'stalled';
    return {
      'CMCD-Object': `${bitrate}d=${Math.round((endS - startS) * 1000)},ot=${kind}`,
      'CMCD-Request': `bl=${ahead},mtp=${hundreds(this.#throughput.bps / 1000)}${this.#ttffMs === null ? ',su' : ''}`,
      'CMCD-Session': `sf=h,sid="${this.#options.session.sessionId}",st=v`,
      ...(isStarving ? { 'CMCD-Status': 'bs' } : {}),
    };
  }

  async #heartbeat(): Promise<void> {
    const { account, session } = this.#options;
    const { stalls, stalledMs } = this.#clock.facts;
    const state = { playing: 'playing', ended: 'playing', paused: 'paused', waiting: 'buffering', stalled: 'buffering' }[this.#clock.state];
    const stats = {
      rebufferCount: stalls,
      rebufferMs: Math.round(stalledMs),
      bufferMs: Math.round(this.#clock.bufferedAheadS * 1000),
      rung: this.rung,
      bandwidthBps: Math.round(Math.min(this.#throughput.bps, 1e10)),
    };
    const json = { positionMs: this.positionMs, state, stats };
    const path = `/api/v1/sessions/${session.sessionId}/heartbeat`;
    this.#heartbeatAtMs += HEARTBEAT_MS;
    await this.#persist(async () => {
      const answer = await account.send(this.#connection, path, { method: 'POST', json });
      if (answer.status !== 200) throw new StatusError(answer);
      this.#heartbeats++;
    });
  }

  async #get(path: string, call: { headers?: Record<string, string>; keepsBody?: boolean }): Promise<LeanAnswer> {
    const answer = await this.#connection.send(path, call);
    if (answer.status !== 200 && answer.status !== 206) throw new StatusError(answer);
    return answer;
  }

  /** Retries the request after growing pauses, as players do; null when the player jumped or stopped meanwhile. @throws when the retries took too long */
  async #persist<T>(attempt: () => Promise<T>): Promise<T | null> {
    const generation = this.#generation;
    const giveUpAtMs = nowMs() + GIVE_UP_AFTER_MS;
    for (let waitMs = RETRY_FIRST_MS; ; waitMs = Math.min(waitMs * 2, RETRY_MOST_MS)) {
      try {
        return await attempt();
      } catch (error) {
        if (this.#isStopped || generation !== this.#generation) return null;
        const isFinal = error instanceof StatusError && !error.isTemporary;
        if (isFinal || nowMs() > giveUpAtMs) throw error;
        this.#retries++;
        const { promise, resolve } = Promise.withResolvers<void>();
        const timer = setTimeout(resolve, waitMs);
        this.#wake = resolve;
        await promise;
        clearTimeout(timer);
        if (this.#isStopped || generation !== this.#generation) return null;
      }
    }
  }
}

class StatusError extends Error {
  readonly isTemporary: boolean;
  constructor({ status }: LeanAnswer) {
    super(`status ${status}`);
    this.isTemporary = status === 429 || status >= 500;
  }
}

const nextStartS = ({ pieces, next }: Track): number => pieces[next]?.startS ?? Number.POSITIVE_INFINITY;

const bufferedToS = ({ pieces, next }: Track): number => (next === 0 ? 0 : (pieces[next - 1]?.endS ?? 0));

function indexAt({ pieces }: Pick<Track, 'pieces'>, positionS: number): number {
  return Math.max(
    0,
    pieces.findLastIndex(({ startS }) => startS <= positionS + 0.0005),
  );
}
