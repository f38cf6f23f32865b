// Writes fragments to an encoder's stdin, no faster than the encoder reads.
import type { Socket } from 'node:net';
import type { FedProgram } from '#workers/programs/run-tool.ts';

/** Ends when all is written or the encoder is gone. Throws what the fragments throw. */
export async function pour(header: Buffer, fragments: AsyncIterable<Buffer>, { socket, spawned }: FedProgram): Promise<void> {
  await spawned;
  if (!socket.destroyed) socket.write(header);
  for await (const fragment of fragments) {
    if (socket.destroyed) return;
    if (!socket.write(fragment)) await room(socket);
  }
  if (!socket.destroyed) socket.end();
}

function room(socket: Socket): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
    if (socket.destroyed) done();
  });
}
