// The WebSocket of one session: connects again with backoff, matches replies to requests, and reports each time that the connection is lost.

const REPLY_TIMEOUT_MS = 5_000;
const MAX_BACKOFF_MS = 15_000;

/** @typedef {{ onMessage(message: any): void, onDown(): void }} ControlListener */

export class ControlSocket {
  #url;
  #listener;
  /** @type {WebSocket | null} */
  #socket = null;
  #failures = 0;
  #nextId = 1;
  #closed = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #reconnectTimer;
  /** @type {Map<string, { resolve: (reply: any) => void, timer: ReturnType<typeof setTimeout> }>} */
  #waiting = new Map();

  /**
   * @param {string} controlUrl
   * @param {ControlListener} listener
   */
  constructor(controlUrl, listener) {
    const url = new URL(controlUrl, location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    this.#url = url;
    this.#listener = listener;
    this.#connect();
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** @param {object} message @returns {boolean} false when there is no connection: the message is dropped */
  send(message) {
    if (this.#socket === null || !this.isOpen) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /**
   * The reply, or null when there was none in time.
   * @param {object} message
   * @returns {Promise<any>}
   */
  ask(message) {
    const id = String(this.#nextId++);
    if (!this.send({ ...message, id })) return Promise.resolve(null);
    return new Promise(resolve => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        resolve(null);
        // A connection that swallows requests is worse than none: the HTTP fallback works.
        this.#socket?.close();
      }, REPLY_TIMEOUT_MS);
      this.#waiting.set(id, { resolve, timer });
    });
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#reconnectTimer);
    this.#forgetWaiting();
    this.#socket?.close(1000);
  }

  #connect() {
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.onopen = () => {
      this.#failures = 0;
    };
    socket.onmessage = event => this.#receive(event.data);
    socket.onclose = () => {
      this.#forgetWaiting();
      if (this.#closed) return;
      this.#listener.onDown();
      const delayMs = Math.min(500 * 2 ** this.#failures++, MAX_BACKOFF_MS) * (0.75 + Math.random() / 2);
      this.#reconnectTimer = setTimeout(() => this.#connect(), delayMs);
    };
  }

  /** @param {unknown} data */
  #receive(data) {
    const message = parseMessage(data);
    if (message === null) return;
    const waiting = this.#waiting.get(String(message.id));
    if (waiting !== undefined) {
      clearTimeout(waiting.timer);
      this.#waiting.delete(String(message.id));
      waiting.resolve(message);
    }
    if (!this.#closed) this.#listener.onMessage(message);
  }

  #forgetWaiting() {
    for (const { resolve, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      resolve(null);
    }
    this.#waiting.clear();
  }
}

/** @param {unknown} data */
function parseMessage(data) {
  if (typeof data !== 'string') return null;
  try {
    const message = JSON.parse(data);
    return typeof message?.type === 'string' ? message : null;
  } catch {
    // Not of this protocol, which has one JSON object a frame.
    return null;
  }
}
