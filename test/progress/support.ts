// Saved progress over a real store, with films whose versions the test tells.
import type { TestContext } from 'node:test';
import { type ProgressRules, USUAL_RULES } from '#domain/catalogue/progress-rules.ts';
import type { MediaId } from '#domain/ids.ts';
import type { Media } from '#domain/media.ts';
import { SavedProgress } from '#src/progress/saved-progress.ts';
import type { Database } from '#storage/database.ts';
import { aMedia, openStore } from '../storage/support.ts';

export type Films = Map<MediaId, Media[]>;

export function savedIn(
  database: Database,
  films: Films,
  { now = Date.now, rules = USUAL_RULES }: { now?: () => number; rules?: ProgressRules } = {},
) {
  const versionsOf = (id: MediaId) => (films.get(id) ?? []).map(version => [version]);
  const { progress, history, media } = database;
  return new SavedProgress({ progress, history, media, versionsOf, rules, now });
}

export async function startProgress(t: TestContext, options: { now?: () => number } = {}) {
  const { dataDir, database } = await openStore(t);
  const films: Films = new Map();
  const saved = savedIn(database, films, options);
  /** A film in so many versions. */
  const film = async (title: string, versions = 1, changes: Partial<Media> = {}): Promise<Media[]> => {
    const files = Array.from({ length: versions }, (_, at) => aMedia(`${title}-${at}`, { title, durationMs: 1_000_000, ...changes }));
    for (const file of files) {
      films.set(file.id, files);
      await database.media.put(file);
    }
    return files;
  };
  return { dataDir, database, films, saved, film };
}

/** The same numbers for the same seed (mulberry32). */
export function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return below => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
