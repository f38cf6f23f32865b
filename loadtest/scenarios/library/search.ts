// The search index of 100,000 titles: how long it takes to build, what it weighs, and how soon it answers beside the walk through the catalogue that it replaces.
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { LibraryId } from '#domain/ids.ts';
import { CatalogueIndex } from '#library/items/catalogue-index.ts';
import { LibrarySearch } from '#library/search/library-search.ts';
import { type GroupQuery, SEARCH_KINDS } from '#library/search/search-document.ts';
import { walkGroups } from '#library/search/walk.ts';
import { percentile } from '../../machine/statistics.ts';
import type { Result, Scenario } from '../../scenario.ts';
import { makeCatalogue, randomFrom } from './titles.ts';

const TITLES = 100_000;
const TYPED = 60;
const LETTERS = 12;
const MISSPELT = 400;
const WALKED = 60;
const SHOWN = 5;
const BUILD_DEADLINE_MS = 600_000;
const AIMS = { typedMs: 10, misspeltMs: 15, right: 0.9 } as const;

export const search: Scenario = {
  about: `searches in ${TITLES} titles (--sessions) as they are typed and with a wrong letter, beside a walk through the catalogue`,
  needs: [],
  allowsRemote: false,
  run: async ({ sessions, say }) => {
    const folder = await mkdtemp(join(tmpdir(), 'ferrite-search-'));
    try {
      return await measure(sessions ?? TITLES, folder, say);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function measure(count: number, folder: string, say: (line: string) => void): Promise<Result> {
  say(`search: ${count} titles`);
  const { media, descriptions } = makeCatalogue(count, ['movies' as LibraryId, 'shows' as LibraryId]);
  const index = new CatalogueIndex({
    media: { all: () => media },
    corrections: { get: () => undefined },
    descriptions: { get: id => descriptions.get(id) },
  });
  const path = join(folder, 'search.sqlite');
  const found = new LibrarySearch({ path, index, tagsOf: () => undefined, log: { info: () => undefined, warn: () => undefined } });
  try {
    const [startedMs, bytesBefore] = [performance.now(), process.memoryUsage.rss()];
    const turns = monitorEventLoopDelay({ resolution: 1 });
    turns.enable();
    while (found.state !== 'ready') {
      if (performance.now() - startedMs > BUILD_DEADLINE_MS) throw new Error('the index was not built in time');
      await delay(20);
    }
    turns.disable();
    const build = { s: (performance.now() - startedMs) / 1000, turnMs: turns.percentile(99) / 1e6 };
    const status = await found.status();
    const memory = (process.memoryUsage.rss() - bytesBefore) / 1e6;
    const { size } = await stat(path);

    const random = randomFrom(3);
    const titles = media.filter(({ title, episode }) => episode === null && title.length >= LETTERS / 2).map(({ title }) => title);
    const pick = (): string => titles[Math.floor(random() * titles.length)] ?? '';
    const queryOf = (text: string): GroupQuery => ({
      ...{ text, kinds: SEARCH_KINDS, libraryIds: null, genre: null, year: null, maxAgeRating: null, allowsUnrated: true },
      limit: 8,
    });
    const ask = async (text: string) => {
      const askedMs = performance.now();
      const groups = (await found.findGroups(queryOf(text))) ?? [];
      return { ms: performance.now() - askedMs, groups };
    };
    const typed: number[] = [];
    const walked: number[] = [];
    say('search: as typed, and by a walk');
    for (let at = 0; at < TYPED; at++) {
      const title = pick();
      for (let length = 1; length <= Math.min(LETTERS, title.length); length++) typed.push((await ask(title.slice(0, length))).ms);
      if (at >= WALKED) continue;
      const askedMs = performance.now();
      walkGroups(queryOf(title.slice(0, LETTERS / 2)), index);
      walked.push(performance.now() - askedMs);
    }
    say('search: with a wrong letter');
    const misspelt: number[] = [];
    let right = 0;
    for (let at = 0; at < MISSPELT; at++) {
      const title = pick();
      const { ms, groups } = await ask(withMistake(title, random));
      misspelt.push(ms);
      const films = groups.find(({ kind }) => kind === 'movie')?.hits.slice(0, SHOWN) ?? [];
      if (films.some(hit => hit.title.map(({ text }) => text).join('') === title)) right++;
    }
    const row = (what: string, samples: readonly number[]) => [what, samples.length, percentile(samples, 0.5), percentile(samples, 0.95)];
    const p95 = (samples: readonly number[]): number => percentile(samples, 0.95);
    return {
      tables: [
        {
          title: 'The index',
          columns: [
            'titles',
            'documents',
            'built, s',
            'p99 of the main thread’s turns meanwhile, ms',
            'file, MB',
            'more memory, MB',
            'spelling, MB',
          ],
          rows: [[count, status?.documents ?? 0, build.s, build.turnMs, size / 1e6, memory, (status?.spellingBytes ?? 0) / 1e6]],
        },
        {
          title: 'Searches over all kinds',
          columns: ['', 'searches', 'p50, ms', 'p95, ms'],
          rows: [
            row('as typed', typed),
            row('with a wrong letter', misspelt),
            row('a walk through the catalogue, on the main thread', walked),
          ],
        },
      ],
      aims: [
        aim('as typed, p95', `≤ ${AIMS.typedMs} ms`, `${p95(typed).toFixed(1)} ms`, p95(typed) <= AIMS.typedMs),
        aim('with a wrong letter, p95', `≤ ${AIMS.misspeltMs} ms`, `${p95(misspelt).toFixed(1)} ms`, p95(misspelt) <= AIMS.misspeltMs),
        aim(
          `the right title among the first ${SHOWN}`,
          `≥ ${AIMS.right * 100} %`,
          `${((100 * right) / MISSPELT).toFixed(1)} %`,
          right >= AIMS.right * MISSPELT,
        ),
      ],
      notes: ['Each search goes to the thread of the index and back. The walk stands on the thread that serves everybody.'],
      samples: { typed, misspelt, walked },
    };
  } finally {
    await found.close();
  }
}

const aim = (what: string, wanted: string, measured: string, isMet: boolean) => ({ what, aim: wanted, measured, isMet });

/** One letter left out, added, changed, or swapped with its neighbour. */
function withMistake(title: string, random: () => number): string {
  const at = Math.floor(random() * (title.length - 1));
  const letter = String.fromCharCode(97 + Math.floor(random() * 26));
  const [before, behind] = [title.slice(0, at), title.slice(at + 1)];
  const made = [
    before + behind,
    before + letter + title.slice(at),
    before + letter + behind,
    before + title.charAt(at + 1) + title.charAt(at) + title.slice(at + 2),
  ];
  return made[Math.floor(random() * made.length)] ?? title;
}
