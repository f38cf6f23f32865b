// A busy thread: what it reads is written between two of its reads, in one turn. With or without refreshing its view before the second.
import { parentPort, workerData } from 'node:worker_threads';
import { parseMediaId, parseUserId } from '#domain/ids.ts';
import { openDatabase } from '#storage/database.ts';

const { dataDir, userId, mediaId, refreshes, written } = workerData;
const database = await openDatabase(dataDir, { readOnly: true });
const read = () => database.progress.get(parseUserId(userId), parseMediaId(mediaId))?.updatedAtMs ?? null;
read();
parentPort?.on('message', message => {
  if (message === 'close') {
    void database.close().then(() => parentPort?.close());
    return;
  }
  // Pins the view: for as long as this turn lasts.
  read();
  parentPort?.postMessage('pinned');
  Atomics.wait(written, 0, message - 1);
  if (refreshes) database.refresh();
  parentPort?.postMessage(read());
});
parentPort?.postMessage('ready');
