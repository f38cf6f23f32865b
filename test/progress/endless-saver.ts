// A process that saves progress for ever, to be killed in the middle: says each write as soon as it was acknowledged, and never before.
import { writeSync } from 'node:fs';
import { type MediaId, parseUserId, type UserId } from '#domain/ids.ts';
import { openDatabase } from '#storage/database.ts';
import { aMedia } from '../storage/support.ts';
import { randomOf, savedIn } from './support.ts';

const [, , dataDir = '', from = '1', seed = '1'] = process.argv;
const database = await openDatabase(dataDir);
const saved = savedIn(database, new Map());
const random = randomOf(Number(seed));
const users = Array.from({ length: 5 }, (_, at) => parseUserId(`user-${at}`));
const films = Array.from({ length: 8 }, (_, at) => aMedia(`film-${at}`, { id: `film-${at}` as MediaId, durationMs: 1_000_000_000 }));

/** Each position is greater than all before it, over all processes. */
let position = Number(from);

async function saveOne(): Promise<void> {
  const [user, media] = [users[random(users.length)] as UserId, films[random(films.length)]];
  if (media === undefined) return;
  const positionMs = position++;
  // Its time is its position: what comes later is later.
  const update = { positionMs, updatedAtMs: positionMs };
  if (random(3) === 0) await saved.save(user, media, update);
  else await saved.beat(user, media, update);
  writeSync(1, `${user} ${media.id} ${positionMs}\n`);
}

/** As many at once as there are players. */
async function goOn(): Promise<never> {
  for (;;) await saveOne();
}

await Promise.all(Array.from({ length: 20 }, goOn));
