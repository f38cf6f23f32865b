// The control connection of a session, as a client app holds it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Started } from './client.ts';

export type ControlMessage = { readonly type: string; readonly id?: string | number } & Readonly<Record<string, unknown>>;

const DEADLINE_MS = 30_000;

export class ControlSocket {
  readonly received: ControlMessage[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #socket: WebSocket;
  readonly #waiting = new Set<() => void>();

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    const closed = Promise.withResolvers<{ code: number; reason: string }>();
    this.closed = closed.promise;
    socket.addEventListener('message', ({ data }) => {
      this.received.push(JSON.parse(String(data)) as ControlMessage);
      for (const look of this.#waiting) look();
    });
    socket.addEventListener('close', ({ code, reason }) => closed.resolve({ code, reason }));
  }

  static async open(url: string, { controlUrl }: Started): Promise<ControlSocket> {
    const socket = new WebSocket(new URL(controlUrl, url.replace('http', 'ws')));
    const control = new ControlSocket(socket);
    await once(socket, 'open', { signal: AbortSignal.timeout(DEADLINE_MS) });
    return control;
  }

  send(message: object | string): void {
    this.#socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** Sends it and resolves with what answers it. */
  async ask(message: { readonly id: string | number } & Record<string, unknown>): Promise<ControlMessage> {
    this.send(message);
    return this.message(`an answer to ${JSON.stringify(message)}`, ({ id }) => id === message.id);
  }

  /** The first message, past or to come, that matches. */
  async message(what: string, matches: (message: ControlMessage) => boolean): Promise<ControlMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<ControlMessage>();
    const look = (): void => {
      const found = this.received.find(matches);
      if (found) resolve(found);
    };
    const deadline = setTimeout(
      () => reject(new Error(`not received: ${what}; last: ${JSON.stringify(this.received.at(-1))}`)),
      DEADLINE_MS,
    );
    this.#waiting.add(look);
    look();
    return promise.finally(() => {
      clearTimeout(deadline);
      this.#waiting.delete(look);
    });
  }

  close(): void {
    this.#socket.close();
  }

  async assertClosed(): Promise<void> {
    const late = Promise.withResolvers<never>();
    const deadline = setTimeout(() => late.reject(new assert.AssertionError({ message: 'the connection is still open' })), DEADLINE_MS);
    await Promise.race([this.closed, late.promise]).finally(() => clearTimeout(deadline));
  }
}
