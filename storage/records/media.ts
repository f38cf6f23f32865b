// The catalogue: every title of every library, with the orders it is listed in. Single writer: the main thread.
import { basename } from 'node:path';
import type { NameFacts } from '#domain/catalogue/name-facts.ts';
import { UNTOLD_COLOUR } from '#domain/colour/colour.ts';
import type { LibraryId, MediaId } from '#domain/ids.ts';
import type { Media } from '#domain/media.ts';
import type { Environment, Transaction } from '#storage/environment.ts';
import type { Family } from '#storage/migrations.ts';
import type { Table } from '#storage/table.ts';
import { IDENTITY_INDEXES, MediaPlaces } from './identity/media-places.ts';
import { factsOfPackedMap, KEYFRAME_MAPS } from './keyframe-maps.ts';
import { type Page, parseCursor, takePage } from './page.ts';

const ORDERS = 'media.orders';

/** What a record of format 4 tells of a film's range, until its file is inspected anew. */
const TRANSFERS: Readonly<Record<string, string>> = { hdr10: 'smpte2084', 'dolby-vision': 'smpte2084', hlg: 'arib-std-b67' };

/** Containers that may say which part of a picture is to be shown. */
const CROPPING: readonly string[] = ['mp4', 'matroska', 'webm'];

/**
 * Format 2 holds the facts of the keyframe map, which format 1 left to be read from the map. Format 3 knows the shape of pixels
 * and the rate of the file itself: the next scan inspects each file anew, and until then pixels are square and the rate is that of its encodes.
 * Format 4 has the subtitle files beside the film, which the next scan finds, and marks of subtitle streams, for which the next scan
 * inspects films that have some anew. Format 5 knows the colours of a picture in full: the next scan, which the
 * start begins, inspects each file anew. Format 6 knows whether pictures carry captions, and text tracks of MP4 that were none before: each
 * file is inspected anew too. Format 7 has room for what a name says, and for a fingerprint. Format 8 knows which part of a picture is to be shown: files whose container can say so are inspected anew.
 */
export const MEDIA: Family = {
  name: 'media',
  encoding: 'msgpack',
  format: 8,
  upgrades: [
    ({ key, value }, other) => {
      const media = value as Omit<Media, 'keyframes'>;
      const map = other(KEYFRAME_MAPS, key) as Uint8Array | undefined;
      return { key, value: { ...media, keyframes: map ? factsOfPackedMap(map, media.version) : null } };
    },
    ({ key, value }) => {
      const media = value as Media;
      const video = media.streams.video.map(stream => ({ ...stream, pixelAspect: { num: 1, den: 1 }, sourceFrameRate: stream.frameRate }));
      return { key, value: { ...media, streams: { ...media.streams, video } } };
    },
    ({ key, value }) => {
      const media = value as Omit<Media, 'sidecars'>;
      const subtitles = media.streams.subtitles.map(stream => ({ ...stream, isHearingImpaired: false }));
      const keyframes = subtitles.length > 0 ? null : media.keyframes;
      return { key, value: { ...media, streams: { ...media.streams, subtitles }, sidecars: [], keyframes } };
    },
    ({ key, value }) => {
      const media = value as Media;
      const video = media.streams.video.map(stream => ({
        ...stream,
        colour: { ...UNTOLD_COLOUR, transfer: TRANSFERS[stream.hdr ?? ''] ?? null },
      }));
      return { key, value: { ...media, streams: { ...media.streams, video }, keyframes: video.length === 0 ? media.keyframes : null } };
    },
    ({ key, value }) => {
      const media = value as Media;
      const video = media.streams.video.map(stream => ({ ...stream, hasCaptions: false }));
      return { key, value: { ...media, streams: { ...media.streams, video }, keyframes: video.length === 0 ? media.keyframes : null } };
    },
    ({ key, value }) => {
      const media = value as Omit<Media, 'name' | 'fingerprint' | keyof NameFacts> & Pick<NameFacts, 'title' | 'year'>;
      const told = { edition: null, part: null, extra: null, episode: null, ids: {}, name: basename(media.path), fingerprint: '' };
      return { key, value: { ...media, ...told, keyframes: media.streams.video.length === 0 ? media.keyframes : null } };
    },
    ({ key, value }) => {
      const media = value as Media;
      const video = media.streams.video.map(stream => ({ ...stream, crop: null }));
      const isToldMore = video.length > 0 && CROPPING.includes(media.container);
      const keyframes = isToldMore ? null : media.keyframes;
      return { key, value: { ...media, streams: { ...media.streams, video }, keyframes } };
    },
  ],
  indexes: [ORDERS, ...IDENTITY_INDEXES],
};

/** `added`: newest first. */
export type MediaSort = 'title' | 'added';

export type MediaQuery = {
  /** Null: of every library. */
  readonly libraryId: LibraryId | null;
  readonly sort: MediaSort;
  /** Records that it refuses are left out. */
  readonly matches: (media: Media) => boolean;
  readonly limit: number;
  readonly cursor: string | null;
};

/** The key prefix for the lists of the whole catalogue, beside those of each library. */
const EVERY_LIBRARY = '';

/** A key of LMDB holds 1978 bytes; a longer title sorts by its beginning, and equal keys by id. */
const MAX_SORT_CHARACTERS = 200;

type OrderKey = [scope: string, sort: MediaSort, position: string | number, id: MediaId];

export class MediaRepository {
  /** Where they lie, and whose bytes they are. */
  readonly places: MediaPlaces;
  readonly #environment: Environment;
  readonly #media: Table<MediaId, Media>;
  readonly #orders: Table<OrderKey, MediaId>;

  constructor(environment: Environment) {
    this.#environment = environment;
    this.#media = environment.table(MEDIA.name);
    this.#orders = environment.table(ORDERS);
    this.places = new MediaPlaces(environment, this.#media);
  }

  get(id: MediaId): Media | undefined {
    return this.#media.get(id);
  }

  list({ libraryId, sort, matches, limit, cursor }: MediaQuery): Page<Media> {
    const prefix: [string, MediaSort] = [libraryId ?? EVERY_LIBRARY, sort];
    return takePage(this.#inOrder(prefix, matches, cursor), limit);
  }

  /** Every title of a library, read as it is asked for. */
  *ofLibrary(libraryId: LibraryId): Generator<Media> {
    for (const { item } of this.#inOrder([libraryId, 'title'], () => true, null)) yield item;
  }

  /** Every title, read as it is asked for. */
  *all(): Generator<Media> {
    for (const { value } of this.#media.entries()) yield value;
  }

  count(): number {
    return this.#media.count();
  }

  async put(media: Media): Promise<void> {
    await this.#environment.write(tx => {
      this.#removeOrders(tx, media.id);
      this.places.note(tx, this.#media.get(media.id), media);
      tx.put(this.#media, media.id, media);
      for (const key of orderKeys(media)) tx.put(this.#orders, key, media.id);
    });
  }

  /** The record as it is by then, changed; nothing where it is gone or of another version of the file. Says whether it was there. */
  async update({ id, version }: Pick<Media, 'id' | 'version'>, change: Partial<Media>): Promise<boolean> {
    return await this.#environment.write(tx => {
      const now = this.#media.get(id);
      if (now?.version !== version) return false;
      this.#removeOrders(tx, id);
      const changed = { ...now, ...change };
      this.places.note(tx, now, changed);
      tx.put(this.#media, id, changed);
      for (const key of orderKeys(changed)) tx.put(this.#orders, key, id);
      return true;
    });
  }

  async remove(id: MediaId): Promise<void> {
    await this.#environment.write(tx => {
      this.#removeOrders(tx, id);
      this.places.note(tx, this.#media.get(id), undefined);
      tx.remove(this.#media, id);
    });
  }

  /** Removes every title of a library; says which. */
  async removeLibrary(libraryId: LibraryId): Promise<MediaId[]> {
    return await this.#environment.write(tx => {
      const ids = [...this.ofLibrary(libraryId)].map(media => media.id);
      for (const id of ids) {
        this.#removeOrders(tx, id);
        this.places.note(tx, this.#media.get(id), undefined);
        tx.remove(this.#media, id);
      }
      return ids;
    });
  }

  *#inOrder(
    prefix: [string, MediaSort],
    matches: (media: Media) => boolean,
    cursor: string | null,
  ): Generator<{ key: OrderKey; item: Media }> {
    const after = cursor === null ? {} : { after: parseOrderCursor(cursor, prefix) };
    for (const { key, value } of this.#orders.entriesUnder(prefix, after)) {
      const item = this.#media.get(value);
      if (item !== undefined && matches(item)) yield { key, item };
    }
  }

  #removeOrders(tx: Transaction, id: MediaId): void {
    const before = this.#media.get(id);
    if (before === undefined) return;
    for (const key of orderKeys(before)) tx.remove(this.#orders, key);
  }
}

function orderKeys({ id, libraryId, title, addedAtMs }: Media): OrderKey[] {
  return [EVERY_LIBRARY, libraryId].flatMap((scope): OrderKey[] => [
    [scope, 'title', sortableTitle(title), id],
    [scope, 'added', -addedAtMs, id],
  ]);
}

/** Accents and case don't count, and numbers sort by their value: "Élan 2" before "Elan 10". */
function sortableTitle(title: string): string {
  const plain = title
    .normalize('NFKD')
    .replaceAll(/\p{Mark}/gu, '')
    .toLowerCase()
    .trim();
  return plain.replaceAll(/\d+/g, digits => digits.padStart(10, '0')).slice(0, MAX_SORT_CHARACTERS);
}

function parseOrderCursor(cursor: string, prefix: [string, MediaSort]): OrderKey {
  const [, , position = '', id] = parseCursor(cursor, prefix, 4);
  return [prefix[0], prefix[1], position, String(id) as MediaId];
}
