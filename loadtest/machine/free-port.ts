// A free port, for a server that has to be started again on the same one.
import { createServer } from 'node:net';

/** Below the range that outgoing connections are given. */
const FIRST = 20_000;
const COUNT = 10_000;

export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    const probe = createServer();
    const isFree = await new Promise<boolean>(resolve =>
      probe.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true)),
    );
    await new Promise(resolve => probe.close(resolve));
    if (isFree) return port;
  }
}
