// A thread that reads progress whenever it is told that there is some: with or without refreshing its view first.
import { parentPort, workerData } from 'node:worker_threads';
import { parseMediaId, parseUserId } from '#domain/ids.ts';
import { openDatabase } from '#storage/database.ts';

const { dataDir, userId, mediaId, refreshes } = workerData;
const database = await openDatabase(dataDir, { readOnly: true });
const read = () => database.progress.get(parseUserId(userId), parseMediaId(mediaId))?.updatedAtMs ?? null;
read();
parentPort?.on('message', message => {
  if (message === 'close') {
    void database.close().then(() => parentPort?.close());
    return;
  }
  if (refreshes) database.refresh();
  parentPort?.postMessage(read());
  // Pins the view again, as a busy thread does.
  read();
});
parentPort?.postMessage('ready');
