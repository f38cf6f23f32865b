// A slow line in front of a server: everything that it sends passes one token bucket, whatever the connection. What does not fit waits at the server.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export type LinkOptions = {
  /** The server behind the line. */
  readonly url: string;
  /** Null: as fast as the machine. */
  readonly bitsPerSecond: number | null;
};

/** How often the bucket is filled: no player's clock sees so small a step. */
const TICK_MS = 5;
/** What an idle line may send at once. */
const BURST_MS = 20;
/** A turn of a connection, so that several share the line evenly: one packet of Ethernet. */
const TURN_BYTES = 1_460;
const MAX_CONNECTIONS = 64;

/** One connection: a chunk of the server's that has not been sent wholly; the server is not read meanwhile. */
type Flow = { readonly client: Socket; readonly server: Socket; rest: Buffer };

export class ThrottledLink {
  readonly #target: URL;
  readonly #listener: Server;
  readonly #flows = new Set<Flow>();
  #bitsPerSecond: number | null;
  #allowance = 0;
  #filledAtMs = performance.now();
  #timer: NodeJS.Timeout | null = null;
  #sentBytes = 0;

  static async open(options: LinkOptions): Promise<ThrottledLink> {
    const link = new ThrottledLink(options);
    link.#listener.listen(0, '127.0.0.1');
    await once(link.#listener, 'listening');
    return link;
  }

  private constructor({ url, bitsPerSecond }: LinkOptions) {
    this.#target = new URL(url);
    this.#bitsPerSecond = bitsPerSecond;
    this.#listener = createServer(client => this.#accept(client));
    this.#listener.maxConnections = MAX_CONNECTIONS;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#listener.address() as AddressInfo).port}`;
  }

  /** From the server to the player, so far. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  set bitsPerSecond(rate: number | null) {
    this.#fill();
    this.#bitsPerSecond = rate;
    this.#allowance = 0;
    this.#send();
  }

  async close(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    for (const flow of [...this.#flows]) this.#end(flow);
    this.#listener.close();
    await once(this.#listener, 'close');
  }

  #accept(client: Socket): void {
    const server = connect(Number(this.#target.port), this.#target.hostname);
    const flow: Flow = { client, server, rest: Buffer.alloc(0) };
    this.#flows.add(flow);
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', () => this.#end(flow));
    }
    client.pipe(server);
    client.on('close', () => this.#end(flow));
    client.on('drain', () => this.#send());
    server.on('data', chunk => {
      server.pause();
      flow.rest = chunk;
      this.#send();
    });
    server.on('end', () => flow.rest.byteLength === 0 && client.end());
    server.on('close', () => flow.rest.byteLength === 0 && this.#end(flow));
  }

  #end(flow: Flow): void {
    if (!this.#flows.delete(flow)) return;
    flow.client.destroy();
    flow.server.destroy();
  }

  #fill(): void {
    const nowMs = performance.now();
    const rate = this.#bitsPerSecond;
    const perMs = rate === null ? Number.POSITIVE_INFINITY : rate / 8_000;
    const most = Math.max(TURN_BYTES, perMs * BURST_MS);
    this.#allowance = rate === null ? most : Math.min(most, this.#allowance + perMs * (nowMs - this.#filledAtMs));
    this.#filledAtMs = nowMs;
  }

  /** A packet of each connection in turn, as far as the bucket goes. */
  #send(): void {
    this.#fill();
    for (;;) {
      const waiting = [...this.#flows].filter(({ rest, client }) => rest.byteLength > 0 && !client.writableNeedDrain);
      if (waiting.length === 0) return;
      for (const flow of waiting) {
        if (this.#allowance < Math.min(TURN_BYTES, flow.rest.byteLength)) {
          this.#sendLater();
          return;
        }
        this.#sendTurn(flow);
      }
    }
  }

  #sendTurn(flow: Flow): void {
    const turnBytes = this.#bitsPerSecond === null ? flow.rest.byteLength : TURN_BYTES;
    const turn = flow.rest.subarray(0, turnBytes);
    flow.rest = flow.rest.subarray(turn.byteLength);
    this.#allowance -= turn.byteLength;
    this.#sentBytes += turn.byteLength;
    flow.client.write(turn);
    if (flow.rest.byteLength > 0) return;
    if (flow.server.readableEnded || flow.server.destroyed) flow.client.end();
    else flow.server.resume();
  }

  #sendLater(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#send();
    }, TICK_MS);
  }
}
