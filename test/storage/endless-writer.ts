// A process that writes for ever, to be killed in the middle. Says how far it has surely come.
import { mediaIdFor, newLibraryId, newUserId } from '#domain/ids.ts';
import { openDatabase } from '#storage/database.ts';

const [, , dataDir = ''] = process.argv;
const database = await openDatabase(dataDir);
const userId = newUserId();
process.stdout.write(`${userId}\n`);
const libraryId = newLibraryId();
for (let count = 1; ; count++) {
  const writes = Array.from({ length: 50 }, (_, index) =>
    database.progress.put(userId, mediaIdFor(libraryId, `${count}/${index}`), {
      positionMs: index,
      durationMs: 50,
      watched: false,
      updatedAtMs: count,
    }),
  );
  await Promise.all(writes);
  process.stdout.write(`${count}\n`);
}
