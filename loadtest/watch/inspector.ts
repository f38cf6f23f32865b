// A running server through Node's own inspector: collects its garbage, loses one of its threads, moves its clock. The product needs no switch for it.
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

type Message = {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly sessionId?: string };
  readonly error?: { readonly message: string };
};

const DEADLINE_MS = 20_000;
const STEP_MS = 50;

/** Settings of the server's process with which the signal opens the inspector at a known port. */
export const inspectable = (port: number): Readonly<Record<string, string>> => ({ NODE_OPTIONS: `--inspect-port=127.0.0.1:${port}` });

export class Inspector {
  readonly #socket: WebSocket;
  /** Sessions of the threads. */
  readonly #threads = new Set<string>();
  #lastId = 0;

  static async attach(serverPid: number, port: number): Promise<Inspector> {
    process.kill(serverPid, 'SIGUSR1');
    const socket = new WebSocket(await address(port));
    await once(socket, 'open', { signal: AbortSignal.timeout(DEADLINE_MS) });
    const inspector = new Inspector(socket);
    await inspector.#call('NodeWorker.enable', { waitForDebuggerOnStart: false });
    return inspector;
  }

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', event => {
      const { method, params } = parse(event);
      if (params?.sessionId === undefined) return;
      if (method === 'NodeWorker.attachedToWorker') this.#threads.add(params.sessionId);
      if (method === 'NodeWorker.detachedFromWorker') this.#threads.delete(params.sessionId);
    });
  }

  /** Of the main thread and of every other. */
  async collectGarbage(): Promise<void> {
    await this.#call('HeapProfiler.collectGarbage', {});
    for (const thread of this.#threads) await this.#callThread(thread, 'HeapProfiler.collectGarbage', {});
  }

  /** One of the threads dies of an uncaught exception. */
  async loseThread(): Promise<void> {
    const [thread] = this.#threads;
    if (thread === undefined) throw new Error('the server has no thread');
    const gone = this.#next(({ method, params }) => method === 'NodeWorker.detachedFromWorker' && params?.sessionId === thread);
    await this.#callThread(thread, 'Runtime.evaluate', { expression: "setImmediate(() => { throw new Error('lost by chaos'); })" });
    await gone;
  }

  /** The time of day jumps for the whole process (Date.now), as after a correction or a suspended machine. */
  async moveClock(byMs: number): Promise<void> {
    const expression = `{ const real = globalThis.realNow ?? Date.now; globalThis.realNow = real; Date.now = () => real() + ${byMs}; }`;
    await this.#call('Runtime.evaluate', { expression });
    for (const thread of this.#threads) await this.#callThread(thread, 'Runtime.evaluate', { expression });
  }

  close(): void {
    this.#socket.close();
  }

  async #call(method: string, params: object): Promise<void> {
    const id = ++this.#lastId;
    const answered = this.#next(message => message.id === id);
    this.#socket.send(JSON.stringify({ id, method, params }));
    const { error } = await answered;
    if (error) throw new Error(`the inspector refused ${method}: ${error.message}`);
  }

  async #callThread(sessionId: string, method: string, params: object): Promise<void> {
    const received = this.#next(
      message => message.method === 'NodeWorker.receivedMessageFromWorker' && message.params?.sessionId === sessionId,
    );
    const message = JSON.stringify({ id: ++this.#lastId, method, params });
    await this.#call('NodeWorker.sendMessageToWorker', { sessionId, message });
    await received;
  }

  #next(matches: (message: Message) => boolean): Promise<Message> {
    const { promise, resolve, reject } = Promise.withResolvers<Message>();
    const deadline = setTimeout(() => reject(new Error('the inspector did not answer')), DEADLINE_MS);
    const listener = (event: MessageEvent): void => {
      const message = parse(event);
      if (matches(message)) resolve(message);
    };
    this.#socket.addEventListener('message', listener);
    return promise.finally(() => {
      clearTimeout(deadline);
      this.#socket.removeEventListener('message', listener);
    });
  }
}

async function address(port: number): Promise<string> {
  const giveUpAtMs = performance.now() + DEADLINE_MS;
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${port}/json/list`).catch(() => null);
    const [target] = response ? ((await response.json()) as { webSocketDebuggerUrl: string }[]) : [];
    if (target) return target.webSocketDebuggerUrl;
    if (performance.now() > giveUpAtMs) throw new Error('the inspector does not listen');
    await delay(STEP_MS);
  }
}

const parse = (event: MessageEvent): Message => JSON.parse(String(event.data)) as Message;
