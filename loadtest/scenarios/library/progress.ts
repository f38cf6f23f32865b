// Progress of a viewer who has watched much, and of many viewers at once, beside the plain ways: reading all records, a transaction for each heartbeat. In this process, on a real LMDB.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { USUAL_RULES } from '#domain/catalogue/progress-rules.ts';
import { type MediaId, mediaIdFor, newLibraryId, newUserId, type ShowId } from '#domain/ids.ts';
import type { Media } from '#domain/media.ts';
import { SavedProgress } from '#src/progress/saved-progress.ts';
import { upNext } from '#src/progress/up-next.ts';
import { type Database, openDatabase } from '#storage/database.ts';
import { percentile } from '../../machine/statistics.ts';
import type { Result, Scenario, ScenarioOptions } from '../../scenario.ts';

const WATCHED = 20_000;
const BEGUN = 60;
const EPISODES_OF_A_SHOW = 50;
const PAGES = 100;
const PLAIN_PAGES = 10;
const USERS = 50;
const TITLES = 200;
const BEATS = 20_000;
/** Of players that send at once. */
const AT_ONCE = 500;
const HOUR = 3_600_000;
const AIMS = { continueMs: 10, beatRatio: 1 };

type Samples = Record<string, number[]>;

export const progress: Scenario = {
  about: 'continue watching and next episodes of a viewer with 20,000 watched titles, and heartbeats of 50 viewers in 200 titles',
  needs: [],
  allowsRemote: false,
  run: async options => {
    const folder = await mkdtemp(join(tmpdir(), 'ferrite-loadtest-progress-'));
    const database = await openDatabase(folder);
    try {
      return report(await measure(options, database));
    } finally {
      await database.close();
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function measure({ say }: ScenarioOptions, database: Database): Promise<Samples> {
  const samples: Samples = {};
  const timed = (name: string, work: () => void): void => {
    // Of the processor: the machine has other work too.
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    samples[name] = [...(samples[name] ?? []), (user + system) / 1_000];
  };
  const libraryId = newLibraryId();
  const titled = (at: number): Media =>
    ({
      id: mediaIdFor(libraryId, `${at}`),
      libraryId,
      title: `Title ${at}`,
      durationMs: HOUR,
      extra: null,
      year: null,
      episode: null,
    }) as Media;
  const films = new Map<MediaId, Media>();
  for (let at = 0; at < WATCHED; at++) films.set(titled(at).id, titled(at));
  const saved = new SavedProgress({ ...database, media: films, versionsOf: () => [], rules: USUAL_RULES });
  const userId = newUserId();

  say(`progress: ${WATCHED} watched titles`);
  const now = Date.now();
  await database.progress.change(tx => {
    let at = 0;
    for (const mediaId of films.keys()) {
      const isBegun = at % Math.floor(WATCHED / BEGUN) === 0;
      const record = { positionMs: HOUR / 2, durationMs: HOUR, watched: !isBegun, updatedAtMs: now - at++ * 1_000 };
      database.progress.putIn(tx, userId, { mediaId, progress: record }, now);
    }
  });
  const shown = { all: false, isShown: () => true };
  const showOf = (id: MediaId): ShowId => `show-${Math.floor(Number(films.get(id)?.title.slice(6)) / EPISODES_OF_A_SHOW)}` as ShowId;
  const episodes = Map.groupBy(
    [...films.values()].map(media => ({ id: media.id, place: { season: 1 }, versions: [[media]] })),
    ({ id }) => showOf(id),
  );
  for (let at = 0; at < PAGES; at++) {
    timed('continue watching, a page of 50', () => void saved.list(userId, { limit: 50, cursor: null }, shown));
    timed('everything watched, a page of 50', () => void saved.list(userId, { limit: 50, cursor: null }, { ...shown, all: true }));
    timed('next episodes of 20 shows', () => {
      const progressOf = (id: MediaId) => saved.get(userId, id);
      upNext({ recent: saved.recent(userId), showOf, episodesOf: id => episodes.get(id) ?? [], progressOf }, 20);
    });
  }
  for (let at = 0; at < PLAIN_PAGES; at++)
    timed('plain: continue watching out of all records', () => {
      const all = [...database.progress.ofUser(userId)].filter(entry => !entry.progress.watched);
      all.slice(0, 50);
    });

  say(`progress: heartbeats of ${USERS} users in ${TITLES} titles`);
  const users = Array.from({ length: USERS }, newUserId);
  const titles = Array.from({ length: TITLES }, (_, at) => titled(at));
  const beats = async (
    name: string,
    send: (user: (typeof users)[number], media: Media, positionMs: number) => Promise<unknown>,
  ): Promise<void> => {
    const since = performance.now();
    for (let at = 0; at < BEATS; at += AT_ONCE) {
      const sent = Array.from({ length: AT_ONCE }, (_, of) => {
        const [user, media] = [users[(at + of) % USERS], titles[Math.floor((at + of) / USERS) % TITLES]];
        return user === undefined || media === undefined ? null : send(user, media, at + of);
      });
      await Promise.all(sent);
    }
    samples[name] = [((performance.now() - since) * 1_000) / BEATS];
  };
  await beats('µs a heartbeat, saved', (user, media, positionMs) => saved.beat(user, media, { positionMs }));
  await beats('plain: µs a heartbeat, each by itself', (user, media, positionMs) =>
    database.progress.put(user, media.id, { positionMs, durationMs: HOUR, watched: false, updatedAtMs: Date.now() }),
  );
  return samples;
}

function report(samples: Samples): Result {
  const at = (name: string, part: number): number => percentile(samples[name] ?? [], part);
  const lists = Object.entries(samples).filter(([name]) => !name.includes('µs'));
  const continueP95 = at('continue watching, a page of 50', 0.95);
  const saved = at('µs a heartbeat, saved', 0.5);
  const ratio = saved / at('plain: µs a heartbeat, each by itself', 0.5);
  return {
    tables: [
      {
        title: 'Lists of one viewer, in ms of a processor',
        columns: ['what', 'median', 'p95'],
        rows: lists.map(([name]) => [name, at(name, 0.5).toFixed(2), at(name, 0.95).toFixed(2)]),
      },
      {
        title: 'Heartbeats',
        columns: ['what', 'µs'],
        rows: Object.keys(samples)
          .filter(name => name.includes('µs'))
          .map(name => [name, at(name, 0.5).toFixed(1)]),
      },
    ],
    aims: [
      {
        what: 'continue watching, p95',
        aim: `≤ ${AIMS.continueMs} ms`,
        measured: `${continueP95.toFixed(2)} ms`,
        isMet: continueP95 <= AIMS.continueMs,
      },
      { what: 'a heartbeat beside one by itself', aim: `≤ ${AIMS.beatRatio}`, measured: ratio.toFixed(2), isMet: ratio <= AIMS.beatRatio },
    ],
    notes: ['A page of 200 titles with and without progress is measured by `catalogue`, at 100,000 titles.'],
    samples,
  };
}
