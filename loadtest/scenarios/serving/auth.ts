// The cost of deciding on a stream token, by where the decision is found, and of reading the store. In this process, on a real LMDB.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MediaId, mediaIdFor, newLibraryId, newSessionId, newUserId } from '#domain/ids.ts';
import type { KeyframeMap } from '#domain/media.ts';
import { AuthService } from '#src/auth/auth.ts';
import { type Database, openDatabase } from '#storage/database.ts';
import { LOAD_CORE, moveSelf } from '../../machine/processes.ts';
import { percentile } from '../../machine/statistics.ts';
import type { Result, Scenario, ScenarioOptions } from '../../scenario.ts';

const TOKENS = 5_000;
const PROGRESS_RECORDS = 20_000;
const KEYFRAME_MAPS = 50;
/** Of a two-hour film with a keyframe every 2 s. */
const KEYFRAMES = 3_600;
const READS = 50_000;
const AIM_US = 10;
const TOKEN_LIFETIME_MS = 3_600_000;
const TWO_DAYS_MS = 2 * 24 * 3_600_000;

const KNOWN = 'known: decided before';
const RECALLED = 'recalled: from LMDB after a restart';
const NEVER_SEEN = 'never seen: signature checked';

type Measured = Readonly<Record<string, readonly number[]>>;

export const auth: Scenario = {
  about: 'deciding on a stream token (known, recalled from LMDB, never seen) and LMDB reads, in µs, in this process',
  needs: ['taskset'],
  allowsRemote: false,
  run: async options => {
    const folder = await mkdtemp(join(tmpdir(), 'ferrite-loadtest-auth-'));
    await moveSelf(LOAD_CORE);
    try {
      const decisions = await measureDecisions(options, folder);
      return report(decisions, await measureReads(options, folder));
    } finally {
      await moveSelf(null);
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function measureDecisions({ say }: ScenarioOptions, dataDir: string): Promise<Measured> {
  say(`auth: issuing ${TOKENS} tokens`);
  const { tokens, known } = await withAuth(dataDir, async (service, database) => {
    await service.setup({ username: 'loadtest', password: 'correct horse battery' });
    const user = database.users.findByUsername('loadtest');
    if (!user) throw new Error('the user was not made');
    const issued: string[] = [];
    for (let at = 0; at < TOKENS; at++) issued.push((await service.streamTokens.issue(newSessionId(), user, TOKEN_LIFETIME_MS)).token);
    for (const token of issued) await service.streamTokens.decide(token, Date.now());
    return { tokens: issued, known: timed(READS, at => service.streamTokens.decide(pick(issued, at), Date.now())) };
  });
  say('auth: deciding after a restart, then without stored decisions');
  const recalled = await withAuth(dataDir, async service =>
    timed(TOKENS, at => {
      if (service.streamTokens.decide(pick(tokens, at), Date.now()) instanceof Promise) throw new Error('the store had no decision');
    }),
  );
  await withAuth(dataDir, async (_, database) => database.authDecisions.purge(Date.now() + TWO_DAYS_MS));
  const neverSeen = await withAuth(dataDir, async service => {
    const samples: number[] = [];
    for (const token of tokens) {
      const startedMs = performance.now();
      const decision = service.streamTokens.decide(token, Date.now());
      if (!(decision instanceof Promise)) throw new Error('the token was seen before');
      await decision;
      samples.push((performance.now() - startedMs) * 1000);
    }
    return samples;
  });
  return { [KNOWN]: known, [RECALLED]: recalled, [NEVER_SEEN]: neverSeen };
}

/** The service as the server opens it, on the store that earlier ones have left. */
async function withAuth<T>(dataDir: string, work: (service: AuthService, database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase(dataDir);
  const onUpkeepFailed = (error: unknown): void => console.error(error);
  const service = await AuthService.open({ database, dataDir, externalIssuers: [], now: Date.now, onUpkeepFailed });
  try {
    return await work(service, database);
  } finally {
    await service.close();
    await database.close();
  }
}

async function measureReads({ say }: ScenarioOptions, dataDir: string): Promise<Measured> {
  say(`auth: reading ${READS} records of each kind`);
  const database = await openDatabase(dataDir);
  try {
    const [userId, libraryId] = [newUserId(), newLibraryId()];
    const titles = Array.from({ length: PROGRESS_RECORDS }, (_, at) => mediaIdFor(libraryId, `film-${at}.mp4`));
    const progress = { positionMs: 1_234_000, durationMs: 7_200_000, watched: false, updatedAtMs: Date.now() };
    await Promise.all(titles.map(mediaId => database.progress.put(userId, mediaId, progress)));
    const mapped = titles.slice(0, KEYFRAME_MAPS);
    for (const mediaId of mapped) await database.keyframeMaps.put(mediaId, twoHourMap());
    const tokens = Array.from({ length: TOKENS }, (_, at) => `${at}.${'x'.repeat(300)}`);
    const decision = { userId, expiresAtMs: Date.now() + TOKEN_LIFETIME_MS, generation: 0 };
    await Promise.all(tokens.map(token => database.authDecisions.put(token, { ...decision, sessionId: newSessionId() })));
    const mapOf = (id: MediaId): KeyframeMap | undefined => database.keyframeMaps.get({ id, version: '1' });
    return {
      progress: timed(READS, at => present(database.progress.get(userId, pick(titles, at)))),
      [`keyframe map, ${KEYFRAMES} keyframes, unpacked`]: timed(READS / 10, at => present(mapOf(pick(mapped, at)))),
      'auth decision, token hashed': timed(READS, at => present(database.authDecisions.get(pick(tokens, at)))),
    };
  } finally {
    await database.close();
  }
}

const twoHourMap = (): KeyframeMap => ({
  version: '1',
  copyMethod: 'mp4',
  startTimeUs: 0,
  video: {
    timescale: 12_288,
    originPts: 0,
    firstShownPts: 0,
    keyframes: Array.from({ length: KEYFRAMES }, (_, at) => at * 24_576),
    endPts: KEYFRAMES * 24_576,
    hasLeadingPictures: false,
    peakBitrateBps: 8_000_000,
  },
  audio: [],
});

/** Microseconds of each call. */
function timed(count: number, work: (at: number) => void): number[] {
  const samples: number[] = [];
  for (let at = 0; at < count; at++) {
    const startedMs = performance.now();
    work(at);
    samples.push((performance.now() - startedMs) * 1000);
  }
  return samples;
}

/** Another one each time, far from the last; the stride is a prime. */
function pick<T>(list: readonly T[], at: number): T {
  const found = list[(at * 7_919) % list.length];
  if (found === undefined) throw new Error('there is nothing to pick from');
  return found;
}

function present(value: unknown): void {
  if (value === undefined) throw new Error('the store has no such record');
}

function report(decisions: Measured, reads: Measured): Result {
  const columns = ['what', 'calls', 'p50 µs', 'p95 µs', 'p99 µs'];
  const row = ([what, samples]: [string, readonly number[]]) => [
    what,
    samples.length,
    ...[0.5, 0.95, 0.99].map(part => percentile(samples, part)),
  ];
  const clockUs = percentile(
    timed(READS, () => undefined),
    0.5,
  );
  const p95 = percentile(decisions[KNOWN] ?? [], 0.95);
  return {
    tables: [
      { title: 'Deciding on a stream token', columns, rows: Object.entries(decisions).map(row) },
      { title: 'Reading LMDB', columns, rows: Object.entries(reads).map(row) },
    ],
    aims: [{ what: 'auth decision, known token, p95', aim: `≤ ${AIM_US} µs`, measured: `${p95.toFixed(2)} µs`, isMet: p95 <= AIM_US }],
    notes: [
      `The clock itself costs ${clockUs.toFixed(2)} µs of each call, which is not taken off.`,
      `${TOKENS} tokens; ${PROGRESS_RECORDS} progress records; the data folder is of this run alone.`,
    ],
    samples: { ...decisions, ...reads },
    charts: [
      {
        kind: 'bars',
        name: 'auth',
        title: 'Auth decision and LMDB reads: median, to p95',
        unit: 'µs',
        bars: Object.entries({ ...omitSlowest(decisions), ...reads }).map(([label, samples]) => {
          const value = percentile(samples, 0.5);
          return { label, value, min: value, max: percentile(samples, 0.95), isProduct: label in decisions };
        }),
        reference: { value: AIM_US, label: `aim ${AIM_US} µs` },
      },
    ],
  };
}

/** A signature check costs tens of times the other decisions: in one chart they could not be seen. */
const omitSlowest = (decisions: Measured): Measured =>
  Object.fromEntries(Object.entries(decisions).filter(([what]) => what !== NEVER_SEEN));
