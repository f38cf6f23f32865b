// The watches of all libraries: one for each, from when it is added to when it is removed.
import type { LibraryId } from '#domain/ids.ts';
import type { Library } from '#domain/media.ts';
import { LibraryWatch, type WatchOptions, type WatchStatus } from './library-watch.ts';

export class LibraryWatches {
  /** Null: nothing is watched. */
  readonly #options: WatchOptions | null;
  readonly #watches = new Map<LibraryId, LibraryWatch>();

  constructor(options: WatchOptions | null) {
    this.#options = options;
  }

  /** Begins to listen, before anybody looks at what is there: nothing is missed in between. */
  async add(library: Library): Promise<void> {
    if (this.#options === null || this.#watches.has(library.id)) return;
    const watch = new LibraryWatch(library, this.#options);
    this.#watches.set(library.id, watch);
    await watch.whenOpen();
  }

  async remove(libraryId: LibraryId): Promise<void> {
    const watch = this.#watches.get(libraryId);
    this.#watches.delete(libraryId);
    await watch?.close();
  }

  /** Null: it is not watched. */
  status(libraryId: LibraryId): WatchStatus | null {
    return this.#watches.get(libraryId)?.status ?? null;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#watches.keys()].map(id => this.remove(id)));
  }
}
