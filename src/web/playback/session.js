// One playback session at the server: started, kept alive by heartbeats (WebSocket, else HTTP), told of seeks and statistics, stopped.
import { ApiError, request } from '../api.js';
import { ControlSocket } from './control-socket.js';

/** Longer than the server's admission queue may hold the answer back. */
const START_TIMEOUT_MS = 45_000;

/** @typedef {'playing' | 'paused' | 'buffering'} PlayState */
/** @typedef {{ positionMs: number, state: PlayState, playbackRate: number, stats: Record<string, unknown> }} Snapshot */
/** The position in the queue for a transcoder. @typedef {{ position: number, estimatedWaitMs: number | null }} Turn */
/** @typedef {{ rung: string, width: number, height: number, bandwidthBps: number, codecs: string }} Rung */
/**
 * @typedef {{ sessionId: string, mediaId?: string, delivery: 'direct' | 'remux' | 'transcode', reasons: string[], streamUrl?: string, queue?: Turn | null, controlUrl: string,
 *   startPositionMs: number, durationMs: number, heartbeatIntervalMs: number, queueWaitMs: number,
 *   tracks: { video: any[], audio: any[], subtitles: any[] }, ladder: Rung[], previews?: import('../seek-bar/preview-tiles.js').Previews | null }} SessionInfo
 */

/**
 * Events: `lost` (ended or expired at the server), `revoked`, `queue` (detail: a Turn, or null when the session's turn has come), `refused` (detail: ApiError; only while the session waits for its turn), `moved` (new stream URL), `limited` (another `maxRung`).
 */
export class PlaybackSession extends EventTarget {
  #info;
  #streamUrl;
  /** @type {() => Snapshot} */
  #snapshot;
  /** @type {ControlSocket | null} */
  #control = null;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #heartbeatTimer;
  /** @type {Promise<'alive' | 'lost' | 'unreachable'> | null} */
  #checking = null;
  #ended = false;
  /** The machine does not keep up with the rungs above it. @type {string | null} */
  maxRung = null;

  /**
   * @param {SessionInfo} info
   * @param {() => Snapshot} snapshot
   */
  constructor(info, snapshot) {
    super();
    this.#info = info;
    this.#streamUrl = info.streamUrl ?? '';
    this.#snapshot = snapshot;
  }

  /**
   * @param {object} body of `POST /api/v1/sessions`
   * @param {() => Snapshot} snapshot
   * @param {AbortSignal} signal
   */
  static async start(body, snapshot, signal) {
    const info = await request('POST', '/api/v1/sessions', { body, signal, timeoutMs: START_TIMEOUT_MS, prefer: 'respond-async' });
    return new PlaybackSession({ ...info, ladder: info.ladder ?? [], reasons: info.reasons ?? [] }, snapshot);
  }

  /**
   * Resolves when there is a stream to play: at once, unless every transcoder is busy. Rejects with the server's refusal.
   * @param {AbortSignal} signal
   * @param {(turn: Turn) => void} onTurn
   * @returns {Promise<void>}
   */
  waitForTurn(signal, onTurn) {
    if (this.#streamUrl !== '') return Promise.resolve();
    this.begin();
    const ended = new AbortController();
    /** @type {Promise<void>} */
    const turn = new Promise((resolve, reject) => {
      const options = { signal: ended.signal };
      this.addEventListener('moved', () => resolve(), options);
      this.addEventListener('lost', () => reject(new ApiError('SESSION_NOT_FOUND', { status: 404 })), options);
      this.addEventListener('refused', event => reject(event instanceof CustomEvent ? event.detail : event), options);
      this.addEventListener('queue', event => event instanceof CustomEvent && event.detail !== null && onTurn(event.detail), options);
      signal.addEventListener('abort', () => reject(signal.reason), options);
      if (this.#info.queue) onTurn(this.#info.queue);
    });
    return turn.finally(() => ended.abort());
  }

  get info() {
    return this.#info;
  }

  get id() {
    return this.#info.sessionId;
  }

  get streamUrl() {
    return this.#streamUrl;
  }

  /** Puts the present token into a URL made with an older one. @param {string} url */
  renewUrl(url) {
    const prefix = /\/stream\/[^/]+\/[^/]+\//;
    const now = prefix.exec(this.#streamUrl)?.[0];
    return now === undefined ? url : url.replace(prefix, now);
  }

  /** Opens the control channel and starts the heartbeat. */
  begin() {
    if (this.#control !== null) return;
    this.#control = new ControlSocket(this.#info.controlUrl, {
      onMessage: message => this.#receive(message),
      onDown: () => void this.check(),
    });
    this.#heartbeatTimer = setInterval(() => void this.#beat(), this.#info.heartbeatIntervalMs);
  }

  /**
   * Tells the server of a seek, so that it makes the segment before the player requests it.
   * @param {number} positionMs
   * @param {import('../player/seek-mode.js').SeekMode} mode
   * @returns {Promise<number | null>} where the seek lands; null when there is no answer
   */
  async hintSeek(positionMs, mode) {
    const reply = await this.#control?.ask({ type: 'seek', positionMs: Math.round(positionMs), mode });
    return typeof reply?.positionMs === 'number' ? reply.positionMs : null;
  }

  sendStats() {
    this.#control?.send({ type: 'stats', ...this.#snapshot().stats });
  }

  /** Sends the position now, not at the next beat. */
  beatNow() {
    if (!this.#ended) void this.#beat();
  }

  /** Asks the server by HTTP whether this session is still there; a renewed stream URL arrives with the answer. */
  check() {
    this.#checking ??= this.#heartbeatOverHttp().finally(() => {
      this.#checking = null;
    });
    return this.#checking;
  }

  /** Safe while the page goes away, and more than once. */
  stop() {
    if (this.#ended) return;
    const { positionMs } = this.#snapshot();
    this.#end();
    const token = new URL(this.#info.controlUrl, location.href).searchParams.get('token') ?? '';
    const body = new Blob([JSON.stringify({ positionMs: Math.round(positionMs) })], { type: 'application/json' });
    navigator.sendBeacon(`/api/v1/sessions/${encodeURIComponent(this.id)}/stop?token=${encodeURIComponent(token)}`, body);
  }

  #end() {
    this.#ended = true;
    clearInterval(this.#heartbeatTimer);
    this.#control?.close();
  }

  async #beat() {
    const control = this.#control;
    if (control?.isOpen) {
      const reply = await control.ask({ type: 'heartbeat', ...this.#body() });
      if (reply !== null || this.#ended) return;
    }
    await this.check();
  }

  /** @returns {Promise<'alive' | 'lost' | 'unreachable'>} */
  async #heartbeatOverHttp() {
    if (this.#ended) return 'lost';
    try {
      const reply = await request('POST', `/api/v1/sessions/${encodeURIComponent(this.id)}/heartbeat`, {
        body: this.#body(),
        timeoutMs: 8_000,
      });
      this.#takeStreamUrl(reply);
      return 'alive';
    } catch (error) {
      if (!(error instanceof ApiError) || ![403, 404, 410].includes(error.status)) return 'unreachable';
      this.#lose();
      return 'lost';
    }
  }

  #body() {
    const { positionMs, ...rest } = this.#snapshot();
    return { positionMs: Math.round(positionMs), ...rest };
  }

  /** @param {any} message */
  #receive(message) {
    this.#takeStreamUrl(message);
    if (message.type === 'revoked') {
      this.#end();
      this.dispatchEvent(new Event('revoked'));
    }
    if (message.type === 'error' && this.#streamUrl === '') this.#refuse(message);
    if (message.type === 'error' && ['SESSION_NOT_FOUND', 'MEDIA_CHANGED'].includes(message.code)) this.#lose();
    if (message.type === 'state' && ['stopped', 'ended', 'expired'].includes(message.state)) this.#lose();
    if (message.type === 'ladder') this.#limitRung(typeof message.maxRung === 'string' ? message.maxRung : null);
    if (message.type === 'queue') this.dispatchEvent(new CustomEvent('queue', { detail: turnIn(message) }));
  }

  /** The session's turn will not come. @param {any} message */
  #refuse({ code, retryAfterMs }) {
    this.#end();
    const detail = new ApiError(code, { status: 503, retryAfterMs: typeof retryAfterMs === 'number' ? retryAfterMs : null });
    this.dispatchEvent(new CustomEvent('refused', { detail }));
  }

  /** @param {any} reply */
  #takeStreamUrl(reply) {
    if (typeof reply?.streamUrl !== 'string' || reply.streamUrl === this.#streamUrl) return;
    this.#streamUrl = reply.streamUrl;
    this.dispatchEvent(new Event('moved'));
  }

  /** @param {string | null} rung */
  #limitRung(rung) {
    if (rung === this.maxRung) return;
    this.maxRung = rung;
    this.dispatchEvent(new Event('limited'));
  }

  #lose() {
    if (this.#ended) return;
    this.#end();
    this.dispatchEvent(new Event('lost'));
  }
}

/** @param {any} message @returns {Turn | null} */
function turnIn({ position, estimatedWaitMs }) {
  if (typeof position !== 'number' || position <= 0) return null;
  return { position, estimatedWaitMs: typeof estimatedWaitMs === 'number' ? estimatedWaitMs : null };
}
