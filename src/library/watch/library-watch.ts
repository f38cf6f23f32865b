// Keeps the catalogue in line with the folders of one library while they change: gathers what it hears, and looks at that alone.
import type { MediaId } from '#domain/ids.ts';
import type { Library } from '#domain/media.ts';
import { isBeside, isHidden, lookAtChanges } from '#library/scan/changes.ts';
import type { Spot } from '#library/scan/places.ts';
import type { ScanStatus } from '#library/scan/scan-status.ts';
import type { LibraryScanner } from '#library/scan/scanner.ts';
import type { Log } from '#library/scan/scanner-options.ts';
import type { MediaPlaces } from '#storage/records/identity/media-places.ts';
import { ChangeQueue } from './change-queue.ts';
import { type RootState, RootWatch } from './root-watch.ts';
import { Settling } from './settling.ts';

export type WatchOptions = {
  readonly mode: 'auto' | 'poll';
  readonly pollMs: number;
  readonly scanner: Pick<LibraryScanner, 'startChanges'>;
  readonly places: Pick<MediaPlaces, 'below'>;
  readonly onBesideChanged: (id: MediaId) => void;
  readonly log: Log;
  /** A file that was written since is still being copied. */
  readonly settleMs?: number;
  /** Changes are gathered until there was none for this long, */
  readonly quietMs?: number;
  /** but for no longer than this. */
  readonly gatherMs?: number;
  readonly checkMs?: number;
};

export type WatchStatus = {
  readonly roots: readonly RootState[];
  /** Places that changed and were not looked at yet. */
  readonly waiting: number;
  /** What came of all that it has looked at. */
  readonly probed: number;
  readonly moved: number;
  readonly removed: number;
  readonly failed: number;
  readonly lastChangeAtMs: number | null;
};

const SETTLE_MS = 2_000;
const QUIET_MS = 300;
const GATHER_MS = 2_000;
const CHECK_MS = 10_000;
/** Of one folder that a description or picture lies in. */
const MAX_BESIDE = 1_000;

export class LibraryWatch {
  readonly #library: Library;
  readonly #options: WatchOptions;
  readonly #queue = new ChangeQueue();
  readonly #later = new ChangeQueue();
  readonly #settling: Settling;
  readonly #roots: readonly RootWatch[];
  readonly #totals = { probed: 0, moved: 0, removed: 0, failed: 0 };
  #lastChangeAtMs: number | null = null;
  #gatheredSinceMs = 0;
  #quietTimer: NodeJS.Timeout | null = null;
  #laterTimer: NodeJS.Timeout | null = null;
  #looking: Promise<void> | null = null;
  #isClosed = false;

  constructor(library: Library, options: WatchOptions) {
    this.#library = library;
    this.#options = options;
    this.#settling = new Settling(options.settleMs ?? SETTLE_MS);
    const { mode, pollMs, checkMs = CHECK_MS, log } = options;
    this.#roots = library.paths.map(
      (path, rootIndex) => new RootWatch({ path, mode, pollMs, checkMs, log, onChange: name => this.#heard({ rootIndex, name }) }),
    );
  }

  get status(): WatchStatus {
    return {
      roots: this.#roots.map(({ state }) => state),
      waiting: this.#queue.size + this.#later.size,
      ...this.#totals,
      lastChangeAtMs: this.#lastChangeAtMs,
    };
  }

  async whenOpen(): Promise<void> {
    await Promise.all(this.#roots.map(root => root.whenOpen()));
  }

  /** What is being looked at is ended by the scanner. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#quietTimer !== null) clearTimeout(this.#quietTimer);
    if (this.#laterTimer !== null) clearTimeout(this.#laterTimer);
    await Promise.all(this.#roots.map(root => root.close()));
  }

  #heard(spot: Spot): void {
    if (this.#isClosed || isHidden(spot.name)) return;
    if (this.#queue.size === 0) this.#gatheredSinceMs = performance.now();
    this.#queue.add(spot);
    this.#lastChangeAtMs = Date.now();
    this.#lookSoon();
  }

  #lookSoon(): void {
    const { quietMs = QUIET_MS, gatherMs = GATHER_MS } = this.#options;
    const gatheredMs = performance.now() - this.#gatheredSinceMs;
    if (this.#quietTimer !== null) clearTimeout(this.#quietTimer);
    this.#quietTimer = setTimeout(() => this.#look(), Math.max(0, Math.min(quietMs, gatherMs - gatheredMs)));
  }

  /** One look at a time: what is heard meanwhile is next. */
  #look(): void {
    this.#quietTimer = null;
    if (this.#looking !== null || this.#isClosed || this.#queue.size === 0) return;
    this.#looking = this.#lookAt(this.#queue.take()).finally(() => {
      this.#looking = null;
      if (this.#queue.size > 0 && !this.#isClosed) this.#lookSoon();
    });
  }

  /** Never rejects: the status of the look says how it went. */
  async #lookAt(spots: readonly Spot[]): Promise<void> {
    const look = lookAtChanges(spots, {
      isSettled: file => {
        const isSettled = this.#settling.isSettled(file);
        if (!isSettled) this.#lookLater({ rootIndex: file.rootIndex, name: file.name });
        return isSettled;
      },
      link: rootIndex => this.#heard({ rootIndex, name: '' }),
    });
    const status = await this.#options.scanner.startChanges(this.#library, look);
    this.#add(status);
    if (this.#isClosed) return;
    for (const spot of spots) if (isBeside(spot.name)) this.#tellBeside(spot);
  }

  #add({ probed, moved, removed, failed }: ScanStatus): void {
    this.#totals.probed += probed;
    this.#totals.moved += moved;
    this.#totals.removed += removed;
    this.#totals.failed += failed;
  }

  #lookLater(spot: Spot): void {
    this.#later.add(spot);
    this.#laterTimer ??= setTimeout(() => {
      this.#laterTimer = null;
      for (const late of this.#later.take()) this.#heard(late);
    }, this.#options.settleMs ?? SETTLE_MS);
  }

  /** Of the films in its folder, and in those below it, as seasons are. */
  #tellBeside({ name }: Spot): void {
    const folder = name.slice(0, Math.max(0, name.lastIndexOf('/')));
    let told = 0;
    for (const { id } of this.#options.places.below(this.#library.id, folder)) {
      if (told++ === MAX_BESIDE) return;
      this.#options.onBesideChanged(id);
    }
  }
}
