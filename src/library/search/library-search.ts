// The search of the server: asks the index in its thread where that has every title; says so where it has not, and the catalogue is walked through instead.
import type { CatalogueIndex } from '#library/items/catalogue-index.ts';
import { catalogueDocuments, type TagsOf } from './catalogue-documents.ts';
import { removeIndexFile } from './index-file.ts';
import type { GroupQuery, HitGroup, IdPage, SearchQuery } from './search-document.ts';
import { SearchFeed } from './search-feed.ts';
import type { IndexStatus } from './search-protocol.ts';
import { SearchThread } from './search-thread.ts';

/** `building`: titles are being fed, for the first time or after a loss. `unavailable`: there is no index, and it is tried again. */
export type SearchState = 'building' | 'ready' | 'unavailable';

export type SearchLog = { info(facts: object, message: string): void; warn(facts: object, message: string): void };

export type LibrarySearchOptions = {
  readonly path: string;
  readonly index: CatalogueIndex;
  readonly tagsOf: TagsOf;
  readonly log: SearchLog;
  /** Why an index is made anew, or its thread is started again. */
  readonly onRebuild?: (reason: 'missing' | 'damaged' | 'other-format' | 'lost') => void;
  /** By the index, or by a walk through the catalogue. */
  readonly onQuery?: (by: 'index' | 'walk', durationMs: number) => void;
};

export class LibrarySearch {
  readonly #options: LibrarySearchOptions;
  readonly #thread: SearchThread;
  readonly #feed: SearchFeed;
  /** Resolves when it is first known whether there is an index. */
  readonly #known = Promise.withResolvers<void>();
  #state: SearchState = 'building';

  constructor(options: LibrarySearchOptions) {
    this.#options = options;
    const { path, index, tagsOf, log, onRebuild } = options;
    this.#thread = new SearchThread({
      path,
      onOpened: ({ beginning, isComplete }) => {
        this.#state = isComplete ? 'ready' : 'building';
        if (beginning !== 'kept') {
          log.info({ reason: beginning }, 'the search index is made anew');
          onRebuild?.(beginning);
        }
        this.#feed.opened();
        this.#known.resolve();
      },
      onLost: ({ isDamaged, message }) => {
        this.#state = 'unavailable';
        log.warn(
          { reason: message },
          isDamaged ? 'the search index was damaged; it is made anew' : 'the search was lost; it is started again',
        );
        onRebuild?.('lost');
        if (isDamaged) removeIndexFile(path);
        this.#feed.lost();
        this.#known.resolve();
      },
    });
    this.#feed = new SearchFeed({
      source: catalogueDocuments(index, tagsOf, () => this.#feed.touched()),
      request: (type, input) => this.#thread.request(type, input),
      onComplete: () => {
        if (this.#state === 'building') log.info({}, 'the search index is complete');
        this.#state = 'ready';
      },
      onFailed: err => log.warn({ err }, 'titles could not be taken into the search index; it is tried again'),
    });
  }

  get state(): SearchState {
    return this.#state;
  }

  /** The best of each kind. Null: there is no answer from the index, and the catalogue must be walked through. */
  findGroups(query: GroupQuery): Promise<readonly HitGroup[] | null> {
    return this.#ask(() => this.#thread.request('findGroups', query));
  }

  /** As `findGroups`: films and episodes, say, by page. */
  findIds(query: SearchQuery): Promise<IdPage | null> {
    return this.#ask(() => this.#thread.request('findIds', query));
  }

  /** Null while nothing is open. */
  status(): Promise<IndexStatus | null> {
    return this.#thread.request('status', null).catch(() => null);
  }

  /** Resolves when the index has what the catalogue has, or there is none. */
  async settled(): Promise<void> {
    await this.#known.promise;
    await this.#feed.settled();
  }

  async close(): Promise<void> {
    const stopped = this.#feed.stop();
    await this.#thread.close();
    await stopped;
    this.#known.resolve();
  }

  async #ask<T>(request: () => Promise<T>): Promise<T | null> {
    const startedMs = performance.now();
    const answer = this.#state === 'ready' ? await request().catch(err => this.#failed(err)) : null;
    this.#options.onQuery?.(answer === null ? 'walk' : 'index', performance.now() - startedMs);
    return answer;
  }

  #failed(err: unknown): null {
    this.#options.log.warn({ err }, 'a search is answered without its index');
    return null;
  }
}
