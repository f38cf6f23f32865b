// Makes one session host of a running server die of an uncaught exception, or never answer again, through Node's own inspector: the product needs no switch for it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { until } from './processes.ts';

type Message = {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly sessionId?: string; readonly workerInfo?: { readonly url: string } };
};

const DEADLINE_MS = 30_000;

const FAULTS = { throws: "throw new Error('lost by a test')", stalls: 'for (;;)' } as const;

/** Resolves when that thread is gone. The server must have been started with `NODE_OPTIONS=--inspect-port=127.0.0.1:<port>`: the signal opens the inspector there. */
export async function loseThread(serverPid: number, inspectorPort: number, fault: keyof typeof FAULTS = 'throws'): Promise<void> {
  process.kill(serverPid, 'SIGUSR1');
  const target = await until('the inspector to listen', () => inspectorAddress(inspectorPort), DEADLINE_MS);
  const inspector = new WebSocket(target);
  await once(inspector, 'open', { signal: AbortSignal.timeout(DEADLINE_MS) });
  try {
    // The search has a thread of its own; those of session hosts are Piscina's.
    const isHost = ({ method, params }: Message): boolean =>
      method === 'NodeWorker.attachedToWorker' && /piscina/.test(params?.workerInfo?.url ?? '');
    const thread = nextMessage(inspector, isHost);
    send(inspector, 1, 'NodeWorker.enable', { waitForDebuggerOnStart: false });
    const { params } = await thread;
    assert.ok(params?.sessionId, 'the server has a thread');
    const isGone = ({ method, params: told }: Message): boolean =>
      method === 'NodeWorker.detachedFromWorker' && told?.sessionId === params.sessionId;
    const gone = nextMessage(inspector, isGone);
    const expression = `setImmediate(() => { ${FAULTS[fault]}; })`;
    const message = JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression } });
    send(inspector, 2, 'NodeWorker.sendMessageToWorker', { sessionId: params.sessionId, message });
    await gone;
  } finally {
    inspector.close();
  }
}

async function inspectorAddress(port: number): Promise<string | null> {
  const response = await fetch(`http://127.0.0.1:${port}/json/list`).catch(() => null);
  const [target] = response ? ((await response.json()) as { webSocketDebuggerUrl: string }[]) : [];
  return target?.webSocketDebuggerUrl ?? null;
}

const send = (inspector: WebSocket, id: number, method: string, params: object): void =>
  inspector.send(JSON.stringify({ id, method, params }));

function nextMessage(inspector: WebSocket, matches: (message: Message) => boolean): Promise<Message> {
  const { promise, resolve, reject } = Promise.withResolvers<Message>();
  const deadline = setTimeout(() => reject(new Error('the inspector did not answer')), DEADLINE_MS);
  inspector.addEventListener('message', event => {
    const message = JSON.parse(String(event.data)) as Message;
    if (matches(message)) resolve(message);
  });
  return promise.finally(() => clearTimeout(deadline));
}
