// A bare uWebSockets.js server, in a process of its own: answers /<name> with the bytes of a file, from memory, and nothing else.
// usage: node memory-server.ts <name>=<file> …; prints its port.

import { App, type HttpResponse, us_socket_local_port } from 'uWebSockets.js';
import { readFileSync } from 'node:fs';

/** Well within the 10 s after which the library gives up a reader whose connection takes nothing. */
const KEEP_EVERY_MS = 4_000;

/** Readers whose connection has no room for the rest. */
const waiting = new Set<HttpResponse>();

const app = App();
for (const argument of process.argv.slice(2)) {
  const [name = '', file = ''] = argument.split('=');
  const bytes = readFileSync(file);
  app.get(`/${name}`, response => answer(response, bytes));
}
app.listen('127.0.0.1', 0, socket => {
  if (!socket) throw new Error('no free port');
  console.log(us_socket_local_port(socket));
});

// As the product does for a paused player: a slow reader is kept. Resuming sets the library's timeout anew.
setInterval(() => {
  for (const response of waiting) {
    response.pause();
    response.resume();
  }
}, KEEP_EVERY_MS);

/** Only what the socket takes at once: the rest stays where it is until it can be written. */
function answer(response: HttpResponse, bytes: Buffer): void {
  response.onAborted(() => void waiting.delete(response));
  const start = response.getWriteOffset();
  const [isTaken] = response.tryEnd(bytes, bytes.byteLength);
  if (isTaken) return;
  waiting.add(response);
  response.onWritable(offset => {
    // Gone: there is nothing to write to.
    if (!waiting.has(response)) return true;
    const [isRestTaken] = response.tryEnd(bytes.subarray(offset - start), bytes.byteLength);
    if (isRestTaken) waiting.delete(response);
    return isRestTaken;
  });
}
