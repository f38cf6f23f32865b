// A bare uWebSockets.js server, in a process of its own: answers /<name> with the bytes of a file, from memory, and nothing else.
// usage: node memory-server.ts <name>=<file> …; prints its port.

import { App, type HttpResponse, us_socket_local_port } from 'uWebSockets.js';
import { readFileSync } from 'node:fs';

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

/** Only what the socket takes at once: the rest stays where it is until it can be written. */
function answer(response: HttpResponse, bytes: Buffer): void {
  let isAborted = false;
  response.onAborted(() => {
    isAborted = true;
  });
  const start = response.getWriteOffset();
  const [isTaken] = response.tryEnd(bytes, bytes.byteLength);
  if (isTaken) return;
  response.onWritable(offset => {
    if (isAborted) return true;
    const [isRestTaken] = response.tryEnd(bytes.subarray(offset - start), bytes.byteLength);
    return isRestTaken;
  });
}
