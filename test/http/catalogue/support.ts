// The routes of the catalogue behind a real front door, over a real store.
import { join } from 'node:path';

import type { TestContext } from 'node:test';
import { limitsOf, type OwnLimits } from '#domain/access/limits.ts';
import { USUAL_RULES } from '#domain/catalogue/progress-rules.ts';
import type { MediaId } from '#domain/ids.ts';
import type { Caller, Media } from '#domain/media.ts';
import { FolderRoots } from '#http/catalogue/folders.ts';
import { libraryRoutes } from '#http/catalogue/library.ts';
import { PosterLinks } from '#http/catalogue/posters.ts';
import { viewingRoutes } from '#http/viewing/viewing.ts';
import { ArtworkFiles } from '#library/metadata/artwork-files.ts';
import { LibrarySearch } from '#library/search/library-search.ts';
import { LibraryWatches } from '#library/watch/watches.ts';
import { SavedProgress } from '#src/progress/saved-progress.ts';
import { makeWorld, type World } from '../../library/support.ts';
import { startForTest } from '../../support/http-server.ts';

/** A JSON value from the wire, taken apart by the assertions. */
// biome-ignore lint/suspicious/noExplicitAny: the tests check shapes by comparing them
export type Json = any;
export type Answer = { readonly status: number; readonly body: Json; readonly text: string };
export type Call = (method: string, path: string, options?: { as?: string; body?: unknown }) => Promise<Answer>;

export async function serve(
  t: TestContext,
  roots: (world: World) => readonly string[] = () => ['/'],
  limits: () => OwnLimits = () => ({}),
): Promise<{ world: World; call: Call; url: string }> {
  const world = await makeWorld(t);
  const { media, libraries } = world.database;
  const versionsOf = (id: MediaId) => world.index.itemOf(id)?.versions ?? [];
  const progress = new SavedProgress({ ...world.database, versionsOf, rules: USUAL_RULES });
  const search = new LibrarySearch({
    path: join(world.dataDir, 'search.sqlite'),
    index: world.index,
    tagsOf: id => media.get(id)?.tags,
    log: { info: () => undefined, warn: () => undefined },
  });
  t.after(() => search.close());
  const options = {
    search,
    media,
    progress,
    libraries,
    index: world.index,
    links: new PosterLinks(Buffer.alloc(32, 7)),
    readable: () => ({ teletext: false }),
    scanner: world.scanner,
    watches: new LibraryWatches(null),
    posters: world.posters,
    corrections: world.database.corrections,
    onMatched: () => undefined,
    onShowMatched: () => undefined,
    descriptions: world.database.descriptions,
    artwork: new ArtworkFiles(world.dataDir),
    roots: new FolderRoots(roots(world)),
    viewerOf: ({ userId }: Pick<Caller, 'userId'>) =>
      ({ role: userId.startsWith('admin') ? 'admin' : 'viewer', limits: limitsOf(limits()) }) as const,
    noted: async () => undefined,
  };
  const { url } = await startForTest(t, { routes: [...libraryRoutes(options), ...viewingRoutes(options)] });
  const call: Call = async (method, path, { as = 'viewer', body } = {}) => {
    // What was put a moment ago is in the index in a moment.
    await search.settled();
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(as === '' ? {} : { Authorization: `Bearer ${as}` }),
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(60_000),
    });
    const text = await response.text();
    return { status: response.status, text, body: text.startsWith('{') ? JSON.parse(text) : null };
  };
  return { world, call, url };
}

export async function put(world: World, media: Media): Promise<Media> {
  await world.database.media.put(media);
  world.index.put(media);
  return media;
}
