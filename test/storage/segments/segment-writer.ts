// A process that writes segments as fast as it can until it is killed: what its files hold is told by their names.
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { renditionKey } from '#domain/rendition.ts';
import { openDatabase } from '#storage/database.ts';
import { SegmentCache } from '#storage/segments/cache.ts';
import { aRung } from '../../support/titles.ts';
import { patternOf } from './segment-pattern.ts';

const MAX_UNWRITTEN_BYTES = 400_000;

const [dataDir, maxDiskBytes] = process.argv.slice(2);
if (dataDir === undefined || maxDiskBytes === undefined) throw new Error('usage: segment-writer <data folder> <bytes>');
const database = await openDatabase(dataDir);
const cache = await SegmentCache.open({
  dir: join(dataDir, 'cache'),
  maxDiskBytes: Number(maxDiskBytes),
  maxMemoryBytes: 1_000_000,
  index: database.segmentIndex,
  log: { warn: (facts, message) => process.stderr.write(`${message} ${JSON.stringify(facts)}\n`) },
  monotonicMs: () => performance.now(),
});
for (let turn = 0; ; turn++) {
  const key = renditionKey(`v${turn % 3}`, 2_000, aRung());
  // Anew each time around: what was evicted is written again.
  const name = turn % 400;
  cache.put({ key, name, bytes: patternOf(key, name), keepOnDisk: true, owner: null, isAwaited: false });
  // A full queue would drop segments, and the disk would be behind.
  while (cache.facts.unwrittenBytes > MAX_UNWRITTEN_BYTES) await delay(1);
  if (turn % 10 === 9) process.stdout.write(`${cache.diskBytes}\n`);
}
