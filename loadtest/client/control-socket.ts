// The control connection of a session, as the web player uses it: hints where the viewer looks next.
import { once } from 'node:events';

const OPEN_DEADLINE_MS = 10_000;

export class ControlSocket {
  readonly #socket: WebSocket;

  static async open(serverUrl: string, controlUrl: string): Promise<ControlSocket> {
    const socket = new WebSocket(new URL(controlUrl, serverUrl.replace(/^http/, 'ws')));
    await once(socket, 'open', { signal: AbortSignal.timeout(OPEN_DEADLINE_MS) });
    return new ControlSocket(socket);
  }

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  seek(positionMs: number): void {
    this.#socket.send(JSON.stringify({ type: 'seek', positionMs }));
  }

  close(): void {
    this.#socket.close();
  }
}
