// Films and shows that databases are asked for: in the background, one after the other, each seldom. Without a key there is no provider, and nothing is asked.
import type { MatchIds } from '#domain/catalogue/correction.ts';
import type { Description } from '#domain/catalogue/description.ts';
import { type ErrorCode, FerriteError } from '#domain/errors.ts';
import type { MediaId, ShowId } from '#domain/ids.ts';
import { FilmQueue } from '#library/film-queue.ts';
import type { CatalogueIndex } from '#library/items/catalogue-index.ts';
import type { CorrectionRepository } from '#storage/records/corrections.ts';
import type { DescriptionRepository } from '#storage/records/descriptions.ts';
import type { MediaRepository } from '#storage/records/media.ts';
import type { Provider, Sought } from './provider.ts';

export type ProviderQueueOptions = {
  readonly providers: readonly Provider[];
  readonly media: Pick<MediaRepository, 'get'>;
  readonly index: CatalogueIndex;
  readonly descriptions: DescriptionRepository;
  readonly corrections: Pick<CorrectionRepository, 'get'>;
  /** Resolves when what lies beside films was read: it goes before. */
  readonly whenRead: () => Promise<void>;
  readonly now: () => number;
  readonly log: { warn(facts: object, message: string): void };
};

type Subject = MediaId | ShowId;

const DAY_MS = 24 * 3_600_000;
/** What is written there changes little; what nobody knows may be written soon. */
const KNOWN_MS = 180 * DAY_MS;
const UNKNOWN_MS = 14 * DAY_MS;
const MIN_PAUSE_MS = 60_000;

export class ProviderQueue {
  readonly #options: ProviderQueueOptions;
  readonly #queue: FilmQueue<Subject>;
  /** Providers whose key is not taken. */
  readonly #refused = new Set<Provider>();
  #pause: NodeJS.Timeout | undefined;

  constructor(options: ProviderQueueOptions) {
    this.#options = options;
    this.#queue = new FilmQueue<Subject>(1, (id, { signal }) => this.#describe(id, signal));
  }

  /** Of a film, or of the show of an episode. */
  add(id: MediaId): void {
    if (this.#options.providers.length === 0) return;
    const item = this.#options.index.itemOf(id);
    if (item !== undefined) this.#queue.add(item.showId ?? item.id);
  }

  addShow(id: ShowId): void {
    if (this.#options.providers.length > 0) this.#queue.add(id);
  }

  whenIdle(): Promise<void> {
    return this.#queue.whenIdle();
  }

  /** What is left is found again after the next scan. */
  async stop(): Promise<void> {
    clearTimeout(this.#pause);
    await this.#queue.stop();
  }

  /** Never rejects. */
  async #describe(id: Subject, signal: AbortSignal): Promise<void> {
    await this.#options.whenRead();
    const sought = this.#soughtFor(id);
    if (sought === null || signal.aborted) return;
    try {
      const found = await this.#ask(sought, signal);
      if (found === null) return;
      const { name, description } = found;
      const provider = { name, fetchedAtMs: this.#options.now(), description, soughtIds: sought.ids };
      await this.#options.descriptions.update(id, before => ({ ...before, provider }));
      this.#refresh(id);
    } catch (err) {
      if (signal.aborted) return;
      this.#options.log.warn({ id, err }, 'databases of films were not asked');
      this.#rest(id, err);
    }
  }

  /** The first that knows it; null where none may be asked. */
  async #ask(sought: Sought, signal: AbortSignal): Promise<{ readonly name: string; readonly description: Description | null } | null> {
    let answered: string | null = null;
    for (const provider of this.#options.providers) {
      if (this.#refused.has(provider)) continue;
      try {
        const description = await provider.find(sought, signal);
        if (description !== null) return { name: provider.name, description };
        answered ??= provider.name;
      } catch (error) {
        if (codeOf(error) !== 'UNAUTHENTICATED') throw error;
        this.#refused.add(provider);
        this.#options.log.warn({ provider: provider.name }, 'the key of a database of films is not taken: it is asked no more');
      }
    }
    return answered === null ? null : { name: answered, description: null };
  }

  /** Nothing is asked for a while, by nobody. */
  #rest(id: Subject, error: unknown): void {
    const retryAfterMs = error instanceof FerriteError ? (error.retryAfterMs ?? 0) : 0;
    this.#queue.hold();
    this.#queue.add(id);
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => this.#queue.release(), Math.max(MIN_PAUSE_MS, retryAfterMs)).unref();
  }

  /** Null: there is no such film, or it is known already. */
  #soughtFor(id: Subject): Sought | null {
    const { media, index, descriptions, corrections } = this.#options;
    const film = media.get(id as MediaId);
    const item = film === undefined ? undefined : index.itemOf(film.id);
    const show = film === undefined ? index.showOf(id as ShowId) : undefined;
    const sought = item ?? show;
    if (sought === undefined) return null;
    const corrected = corrections.get(id)?.ids;
    const files = item?.versions.map(version => version[0].id) ?? [id];
    const told = files.map(file => descriptions.get(file)?.nfo?.description).find(description => description !== undefined);
    const isTold = told !== undefined && told.overview !== null && told.genres.length > 0;
    if ((isTold && corrected === undefined) || this.#isKnown(id, corrected)) return null;
    // What names say of it, files beside it, and people, each before the last.
    const named = film ?? (show === undefined ? undefined : media.get(show.firstId));
    const ids = { ...named?.ids, ...told?.ids, ...corrected };
    return { kind: film === undefined ? 'show' : 'movie', title: sought.title, year: sought.year, ids };
  }

  #isKnown(id: Subject, corrected: MatchIds = {}): boolean {
    const known = this.#options.descriptions.get(id)?.provider;
    if (!known) return false;
    const { description, fetchedAtMs, soughtIds } = known;
    const isOther = Object.entries(corrected).some(([kind, is]) => soughtIds[kind as keyof MatchIds] !== is);
    return !isOther && this.#options.now() - fetchedAtMs < (description === null ? UNKNOWN_MS : KNOWN_MS);
  }

  #refresh(id: Subject): void {
    const { media, index } = this.#options;
    const film = media.get(id as MediaId);
    if (film === undefined) index.putShow(id as ShowId);
    else index.put(film);
  }
}

const codeOf = (error: unknown): ErrorCode | null => (error instanceof FerriteError ? error.code : null);
