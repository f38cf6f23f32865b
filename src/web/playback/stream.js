// The stream of a playback: the session that plays with its delivery, and the one that is open but not taken yet. Reports as events of the machine.
import { ApiError } from '../api.js';
import { explain } from '../messages.js';
import { createDelivery } from './delivery-choice.js';
import { HlsDelivery } from './hls-delivery.js';

/** @typedef {import('./session.js').PlaybackSession} PlaybackSession */
/** @typedef {import('./playback-state.js').Report} Report */
/** @typedef {{ tell(report: Report): void, onSwap(): void, onChange(): void }} StreamListener */

export class Stream {
  #video;
  #hls;
  #listener;
  /** Open at the server; the stream of another session still plays. @type {PlaybackSession | null} */
  #opened = null;
  /** @type {PlaybackSession | null} */
  #session = null;
  /** @type {ReturnType<typeof createDelivery> | null} */
  #delivery = null;

  /**
   * @param {HTMLVideoElement} video
   * @param {'native' | 'mse' | 'none'} hls how the browser plays HLS
   * @param {StreamListener} listener
   */
  constructor(video, hls, listener) {
    this.#video = video;
    this.#hls = hls;
    this.#listener = listener;
  }

  get session() {
    return this.#session;
  }

  get delivery() {
    return this.#delivery;
  }

  /**
   * @param {(options: { signal: AbortSignal, onWait: (message: string) => void }) => Promise<PlaybackSession>} start
   * @returns {() => void} gives the session up
   */
  open(start) {
    const given = new AbortController();
    const { signal } = given;
    const onWait = (/** @type {string} */ message) => signal.aborted || this.#tell({ type: 'session.delayed', message });
    start({ signal, onWait }).then(
      session => {
        if (signal.aborted) return session.stop();
        this.#opened = session;
        const { delivery, startPositionMs } = session.info;
        this.#tell({ type: 'session.opened', delivery, startPositionMs });
      },
      error => {
        if (signal.aborted) return;
        this.#tell({ type: 'session.refused', message: error instanceof ApiError ? error.message : explain('INTERNAL', '') });
      },
    );
    return () => given.abort();
  }

  /** Replaces the session and its delivery by those of the opened session. @param {string | null} preferredRung */
  take(preferredRung) {
    const session = this.#opened;
    if (session === null) return;
    this.#opened = null;
    this.#listener.onSwap();
    this.end();
    this.#session = session;
    this.#follow(session);
    this.#delivery = createDelivery(this.#video, session, this.#hls, this.#listenerFor(session));
    if (this.#delivery instanceof HlsDelivery) this.#delivery.preferredRung = preferredRung;
  }

  /** @param {number} positionMs */
  async attach(positionMs) {
    const delivery = this.#delivery;
    try {
      this.#session?.begin();
      await delivery?.attach(positionMs);
      if (delivery === this.#delivery) this.#tell({ type: 'delivery.attached' });
    } catch {
      if (delivery === this.#delivery) this.#tell({ type: 'delivery.failed', code: 'INTERNAL', message: explain('INTERNAL', '') });
    }
  }

  /** The video element shows nothing afterwards; the facts of the session stay. */
  abandon() {
    this.#listener.onSwap();
    this.end();
    this.#delivery = null;
  }

  /** @param {number} positionMs */
  jump(positionMs) {
    if (this.#delivery === null) return;
    this.#video.currentTime = positionMs / 1000;
    this.#delivery.resumeLoading();
  }

  end() {
    this.#session?.stop();
    this.#delivery?.detach();
  }

  /** @param {Report} report */
  #tell(report) {
    this.#listener.tell(report);
  }

  /** @param {PlaybackSession} session */
  #follow(session) {
    const tell = this.#tellOf(session);
    session.addEventListener('lost', () => tell({ type: 'session.lost', message: explain('SESSION_NOT_FOUND', '') }));
    session.addEventListener('revoked', () => tell({ type: 'session.revoked', message: explain('REVOKED', '') }));
    session.addEventListener('queue', event => tell({ type: 'session.queued', turn: event instanceof CustomEvent ? event.detail : null }));
  }

  /** @param {PlaybackSession} session @returns {import('./delivery.js').DeliveryListener} */
  #listenerFor(session) {
    const tell = this.#tellOf(session);
    return {
      onTrouble: code => tell({ type: 'delivery.troubled', message: `${explain(code, '')} Trying again…` }),
      onRecovered: () => tell({ type: 'delivery.recovered' }),
      onLost: () => tell({ type: 'session.lost', message: explain('SESSION_NOT_FOUND', '') }),
      onFailure: code => tell({ type: 'delivery.failed', code, message: explain(code, '') }),
      onChange: () => this.#listener.onChange(),
    };
  }

  /** A session that was replaced is heard no more. @param {PlaybackSession} session @returns {(report: Report) => void} */
  #tellOf(session) {
    return report => {
      if (session === this.#session) this.#tell(report);
    };
  }
}
