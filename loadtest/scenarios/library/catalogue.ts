// Lists of a library of a hundred thousand titles, beside the plain way: reading every record for each page. In this process, on a real LMDB.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { NO_LIMITS } from '#domain/access/limits.ts';
import { sortableTitle } from '#domain/catalogue/title-text.ts';
import type { Caller, Media } from '#domain/media.ts';
import { describeId } from '#http/catalogue/item-answers.ts';
import type { CatalogueParts } from '#http/catalogue/parts.ts';
import { PosterLinks } from '#http/catalogue/posters.ts';
import { CatalogueIndex, type IndexQuery } from '#library/items/catalogue-index.ts';
import { Described } from '#library/metadata/described.ts';
import { type Database, openDatabase } from '#storage/database.ts';
import { seededRandom } from '../../../test/support/titles.ts';
import { percentile } from '../../machine/statistics.ts';
import type { Result, Scenario, ScenarioOptions } from '../../scenario.ts';
import { type MadeCatalogue, makeCatalogue } from './made-catalogue.ts';

const TITLES = 100_000;
const PAGES = 300;
const PLAIN_PAGES = 3;
const CHANGES = 2_000;
const AIMS = { pageMs: 20, joinRatio: 1.15, changeMs: 2, startMs: 10_000, bytesOfATitle: 2_000 };

type Samples = Record<string, number[]>;

export const catalogue: Scenario = {
  about: 'lists, changes, start and memory of a catalogue of 100,000 titles, beside reading every record for a page',
  needs: [],
  allowsRemote: false,
  run: async options => {
    const folder = await mkdtemp(join(tmpdir(), 'ferrite-loadtest-catalogue-'));
    const database = await openDatabase(folder);
    try {
      options.say(`catalogue: writing ${TITLES} titles`);
      const made = await makeCatalogue(database, TITLES);
      return report(measure(options, database, made));
    } finally {
      await database.close();
      await rm(folder, { recursive: true, force: true });
    }
  },
};

type Measured = { readonly samples: Samples; readonly startMs: number; readonly indexBytes: number; readonly joinRatio: number };

function measure({ say }: ScenarioOptions, database: Database, made: MadeCatalogue): Measured {
  const samples: Samples = {};
  const timed = (name: string, work: () => void): void => {
    const ms = processorMs(work);
    samples[name] = [...(samples[name] ?? []), ms];
  };
  say('catalogue: the start');
  const collect = collector();
  const before = collect();
  const described = new Described(database.descriptions);
  const startedAt = process.cpuUsage();
  const index = new CatalogueIndex({ media: database.media, corrections: database.corrections, descriptions: described });
  const startMs = sinceMs(startedAt);
  const lists = ['title', '-addedAt'] as const;
  for (const sort of lists) timed(`first page by ${sort}, which sorts`, () => void index.find({ ...ALL, sort }));
  const indexBytes = collect() - before;

  say('catalogue: pages');
  const random = seededRandom(3);
  const parts = partsOf(database, index);
  const caller: Caller = { userId: made.userId, username: 'loadtest', role: 'viewer' };
  const page = (query: Partial<IndexQuery>, with_: CatalogueParts): void =>
    void index.find({ ...ALL, ...query }).ids.map(id => describeId(id, caller, with_));
  const withoutProgress: CatalogueParts = { ...parts, progress: Object.assign(Object.create(parts.progress), { get: () => undefined }) };
  // Turn about, so that both have the same machine.
  for (let at = 0; at < PAGES; at++) {
    const offset = Math.floor(random() * (TITLES / 2));
    const sort = lists[at % 2] ?? 'title';
    const [first, second] = at % 4 < 2 ? [parts, withoutProgress] : [withoutProgress, parts];
    for (const with_ of [first, second])
      timed(with_ === parts ? 'page of 200, with progress' : 'page of 200, without', () => page({ sort, offset, limit: 200 }, with_));
    timed('page of 50', () => page({ sort, offset }, parts));
    const genre = [...index.facets.list('genre').from(null)][at % 10];
    timed('page of 50 of a genre', () => page({ sort, among: genre?.subjects ?? null }, parts));
    const person = index.facets
      .list('person')
      .fromNumber(Math.floor(random() * 10_000))
      .next().value;
    timed('page of 50 of a person', () => page({ sort, among: person?.subjects ?? null }, parts));
    timed('page of 50 of a library and year', () => page({ sort, libraryIds: new Set([made.films]), year: 1990 }, parts));
  }
  say('catalogue: the plain way');
  for (let at = 0; at < PLAIN_PAGES; at++) timed('plain: page of 50', () => void plainPage(database, at * 1_000));
  say('catalogue: changes');
  const films = [...database.media.ofLibrary(made.films)].slice(0, CHANGES);
  for (const film of films) {
    timed('a change and the next page of 50', () => {
      index.put({ ...film, title: `${film.title} again` });
      index.find(ALL);
    });
  }
  const joinRatio = percentile(samples['page of 200, with progress'] ?? [], 0.5) / percentile(samples['page of 200, without'] ?? [], 0.5);
  return { samples, startMs, indexBytes, joinRatio };
}

const ALL: IndexQuery = { text: null, libraryIds: null, sort: 'title', after: null, limit: 50, rows: 'items' };

function partsOf(database: Database, index: CatalogueIndex): CatalogueParts {
  const { libraries, media, progress, corrections, descriptions } = database;
  const links = new PosterLinks(Buffer.alloc(32, 7));
  return {
    libraries,
    media,
    progress,
    corrections,
    descriptions,
    index,
    links,
    readable: () => ({ teletext: false }),
    viewerOf: () => ({ role: 'viewer', limits: NO_LIMITS }),
  };
}

/** Of the processor: the machine has other work too. */
const sinceMs = (before: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
};

function processorMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  return sinceMs(before);
}

/** What a list without an index does. */
function plainPage(database: Database, from: number): Media[] {
  const all = Array.from(database.media.all(), media => ({ media, key: sortableTitle(media.title) }));
  return all
    .sort((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key)))
    .slice(from, from + 50)
    .map(({ media }) => media);
}

/** Bytes in use, with nothing among them that is garbage. */
function collector(): () => number {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  return () => {
    gc();
    return process.memoryUsage().heapUsed;
  };
}

function report({ samples, startMs, indexBytes, joinRatio }: Measured): Result {
  const p = (name: string, part: number): number => percentile(samples[name] ?? [], part);
  const rows = Object.entries(samples).map(([name, all]) => [name, all.length, ...[0.5, 0.95, 0.99].map(part => p(name, part).toFixed(2))]);
  const pageMs = p('page of 200, with progress', 0.95);
  const changeMs = p('a change and the next page of 50', 0.95);
  const perTitle = indexBytes / TITLES;
  const ratio = p('plain: page of 50', 0.5) / p('page of 50', 0.5);
  return {
    tables: [{ title: `A catalogue of ${TITLES} titles, in ms of a processor`, columns: ['what', 'times', 'p50', 'p95', 'p99'], rows }],
    aims: [
      {
        what: 'page of 200 with progress, p95',
        aim: `≤ ${AIMS.pageMs} ms`,
        measured: `${pageMs.toFixed(1)} ms`,
        isMet: pageMs <= AIMS.pageMs,
      },
      {
        what: 'page of 200 with progress, to the same without',
        aim: `≤ ${AIMS.joinRatio}`,
        measured: joinRatio.toFixed(3),
        isMet: joinRatio <= AIMS.joinRatio,
      },
      {
        what: 'a change, then a page, p95',
        aim: `≤ ${AIMS.changeMs} ms`,
        measured: `${changeMs.toFixed(2)} ms`,
        isMet: changeMs <= AIMS.changeMs,
      },
      {
        what: 'index at the start',
        aim: `≤ ${AIMS.startMs / 1000} s`,
        measured: `${(startMs / 1000).toFixed(2)} s`,
        isMet: startMs <= AIMS.startMs,
      },
      {
        what: 'memory of the index',
        aim: `≤ ${AIMS.bytesOfATitle} bytes a title`,
        measured: `${perTitle.toFixed(0)} bytes, ${(indexBytes / 1e6).toFixed(0)} MB`,
        isMet: perTitle <= AIMS.bytesOfATitle,
      },
    ],
    notes: [
      `A page of 50 by reading every record takes ${ratio.toFixed(0)} times as long as by the index.`,
      'Half of the titles are described (two genres, eight people); a fifth were watched by the caller.',
    ],
    samples,
  };
}
