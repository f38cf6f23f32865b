// What lies beside films and shows: descriptions and pictures, read in the background when a film is found or its folder changes.
import { basename, dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import {
  type Artwork,
  type Description,
  type Descriptions,
  firstTold,
  type LocalFile,
  NO_DESCRIPTIONS,
} from '#domain/catalogue/description.ts';
import type { LibraryId, MediaId, ShowId } from '#domain/ids.ts';
import { isSameFile, type Media } from '#domain/media.ts';
import { FilmQueue } from '#library/film-queue.ts';
import type { CatalogueIndex } from '#library/items/catalogue-index.ts';
import type { DescriptionRepository } from '#storage/records/descriptions.ts';
import type { MediaRepository } from '#storage/records/media.ts';
import { type Beside, besideFilm, besideShow, isSeasonFolder } from './beside.ts';
import { LocalFolders, localFile, readStart } from './local-files.ts';
import { MAX_NFO_BYTES, type Nfo, parseNfo } from './nfo.ts';

export type LocalMetadataOptions = {
  readonly media: MediaRepository;
  readonly descriptions: DescriptionRepository;
  readonly index: CatalogueIndex;
  /** The picture that is made of a file, once; null: it is none. Rejects where it may be one another time. */
  readonly makeArtwork: (kind: string, file: LocalFile, signal: AbortSignal) => Promise<string | null>;
  /** Told of what was read, whether or not anything was found. */
  readonly onRead?: (media: Media) => void;
  readonly log: { warn(facts: object, message: string): void };
};

type Subject = MediaId | ShowId;
type Found = {
  readonly nfo: LocalFile | null;
  readonly artwork: ReadonlyMap<string, LocalFile>;
  readonly seasons: ReadonlyMap<string, LocalFile>;
};
type Choose = (all: readonly Nfo[]) => Description | null;

const PARALLEL = 2;

export class LocalMetadata {
  readonly #options: LocalMetadataOptions;
  readonly #folders = new LocalFolders();
  readonly #queue: FilmQueue;
  /** Pictures take longer than descriptions, which do not wait for them. */
  readonly #pictures: FilmQueue<Subject>;
  readonly #found = new Map<Subject, Found>();

  constructor(options: LocalMetadataOptions) {
    this.#options = options;
    this.#queue = new FilmQueue(PARALLEL, id => this.#read(id));
    this.#pictures = new FilmQueue<Subject>(1, (id, { signal }) => this.#makePictures(id, signal));
  }

  /** A film is new, or something changed in its folder or that of its show. */
  look(id: MediaId): void {
    this.#folders.forget();
    this.#queue.add(id);
  }

  /** After a scan of it. */
  lookAtLibrary(libraryId: LibraryId): void {
    this.#folders.forget();
    for (const id of this.#options.index.filesOf(libraryId)) this.#queue.add(id);
  }

  /** Resolves when no description is left to be read; pictures may be. */
  whenRead(): Promise<void> {
    return this.#queue.whenIdle();
  }

  async whenIdle(): Promise<void> {
    await this.#queue.whenIdle();
    await this.#pictures.whenIdle();
  }

  async stop(): Promise<void> {
    await this.#queue.stop();
    await this.#pictures.stop();
  }

  /** Never rejects: a film without a description is still a film. */
  async #read(id: MediaId): Promise<void> {
    const media = this.#options.media.get(id);
    if (media === undefined || media.extra !== null) return;
    try {
      await this.#readFilm(media);
      const showId = this.#options.index.itemOf(id)?.showId ?? null;
      if (showId !== null) await this.#readShow(showId, media);
      this.#options.onRead?.(media);
    } catch (err) {
      // A folder that can not be read now says nothing of what is in it.
      this.#options.log.warn({ mediaId: id, err }, 'what lies beside a film was not read');
    }
  }

  async #readFilm(media: Media): Promise<void> {
    const folder = dirname(media.path);
    const names = await this.#folders.namesIn(folder);
    const isEpisode = media.episode !== null;
    const isAlone = !isEpisode && this.#options.index.isAlone(media.id);
    const beside = besideFilm(names, basename(media.path).replace(/\.[^.]*$/, ''), { isAlone, isEpisode });
    const found = await filesOf(folder, beside, new Map());
    await this.#note(media.id, found, all => chosenFor(media, all));
  }

  async #readShow(id: ShowId, { path, name }: Media): Promise<void> {
    const depth = name.split('/').length - 1;
    const season = dirname(path);
    const above = dirname(season);
    const isBelow = depth > 1 && (isSeasonFolder(basename(season)) || (await this.#hasShow(above)));
    // In the library's own folder lie several shows, or none.
    if (depth === 0) return;
    const folder = isBelow ? above : season;
    const beside = besideShow(await this.#folders.namesIn(folder));
    const seasons = new Map([...beside.seasons].map(([number, file]) => [String(number), file]));
    const found = await filesOf(folder, beside, seasons);
    await this.#note(id, found, all => all.find(({ kind }) => kind === 'show' || kind === null)?.description ?? null);
  }

  async #hasShow(folder: string): Promise<boolean> {
    return besideShow(await this.#folders.namesIn(folder)).nfo.length > 0;
  }

  async #note(id: Subject, found: Found, choose: Choose): Promise<void> {
    const { descriptions } = this.#options;
    const before = descriptions.get(id) ?? NO_DESCRIPTIONS;
    const nfo = await this.#nfoOf(found.nfo, before.nfo, choose);
    if (!isDeepStrictEqual(nfo, before.nfo)) {
      await descriptions.update(id, now => ({ ...now, nfo }));
      this.#refresh(id);
    }
    if (!isMade(found.artwork, before.artwork) || !isMade(found.seasons, before.seasons)) {
      this.#found.set(id, found);
      this.#pictures.add(id);
    }
  }

  async #nfoOf(file: LocalFile | null, before: Descriptions['nfo'], choose: Choose): Promise<Descriptions['nfo']> {
    if (file === null) return null;
    if (before !== null && before.file.path === file.path && isSameFile(before.file, file)) return before;
    const bytes = await readStart(file.path, MAX_NFO_BYTES);
    const description = choose(parseNfo(bytes));
    return description === null ? null : { file, description };
  }

  async #makePictures(id: Subject, signal: AbortSignal): Promise<void> {
    const found = this.#found.get(id);
    this.#found.delete(id);
    if (found === undefined) return;
    try {
      const before = this.#options.descriptions.get(id) ?? NO_DESCRIPTIONS;
      const artwork = await this.#made(found.artwork, before.artwork, signal);
      const seasons = await this.#made(found.seasons, before.seasons, signal);
      await this.#options.descriptions.update(id, now => ({ ...now, artwork, seasons }));
      this.#refresh(id);
    } catch (err) {
      if (!signal.aborted) this.#options.log.warn({ id, err }, 'no artwork for now');
    }
  }

  async #made(found: ReadonlyMap<string, LocalFile>, before: Readonly<Record<string, Artwork>>, signal: AbortSignal) {
    const made: Record<string, Artwork> = {};
    for (const [name, file] of found) {
      const known = before[name];
      const isKnown = known !== undefined && known.file.path === file.path && isSameFile(known.file, file);
      const kind = /^\d+$/.test(name) ? 'poster' : name;
      made[name] = isKnown ? known : { file, version: await this.#options.makeArtwork(kind, file, signal) };
    }
    return made;
  }

  #refresh(id: Subject): void {
    const { index, media } = this.#options;
    const film = media.get(id as MediaId);
    if (film === undefined) index.putShow(id as ShowId);
    else index.put(film);
  }
}

async function filesOf(folder: string, { nfo, artwork }: Beside, seasonNames: ReadonlyMap<string, string>): Promise<Found> {
  const present = async (names: Iterable<readonly [string, string]>): Promise<Map<string, LocalFile>> => {
    const files = new Map<string, LocalFile>();
    for (const [key, name] of names) {
      const file = await localFile(folder, name);
      if (file !== null) files.set(key, file);
    }
    return files;
  };
  const [described] = (await present(nfo.map(name => [name, name] as const))).values();
  return { nfo: described ?? null, artwork: await present(Object.entries(artwork)), seasons: await present(seasonNames) };
}

function isMade(found: ReadonlyMap<string, LocalFile>, made: Readonly<Record<string, Artwork>>): boolean {
  const isKnown = ([name, file]: readonly [string, LocalFile]): boolean => {
    const known = made[name];
    return known !== undefined && known.file.path === file.path && isSameFile(known.file, file);
  };
  return found.size === Object.keys(made).length && [...found].every(isKnown);
}

/** A file of several episodes has a description of each. */
function chosenFor({ episode }: Media, all: readonly Nfo[]): Description | null {
  const films = all.filter(({ kind }) => kind !== 'show');
  if (episode === null) return films[0]?.description ?? null;
  const own = films.filter(nfo => nfo.episode === null || episode.episodes.length === 0 || episode.episodes.includes(nfo.episode));
  const chosen = (own.length > 0 ? own : films).map(({ description }) => description);
  if (chosen.length < 2) return chosen[0] ?? null;
  const titles = chosen.flatMap(({ title }) => title ?? []);
  const overviews = chosen.flatMap(({ overview }) => overview ?? []);
  return { ...firstTold(chosen), title: titles.join(' / ') || null, overview: overviews.join('\n\n') || null };
}
