// Where each media lies and what its bytes are, for finding it again: derived from the media records and written with them.
import type { LibraryId, MediaId, PlaceId } from '#domain/ids.ts';
import { type Media, placeOf } from '#domain/media.ts';
import type { Environment, Transaction } from '#storage/environment.ts';
import type { Table } from '#storage/table.ts';

const PLACES = 'media.places';
const NAMES = 'media.names';
const FINGERPRINTS = 'media.fingerprints';
export const IDENTITY_INDEXES: readonly string[] = [PLACES, NAMES, FINGERPRINTS];

/** Copies of one file are looked through no further. */
const MAX_ALIKE = 100;
/** A key of LMDB holds 1978 bytes: a longer name is found by its beginning. */
const MAX_NAME_CHARACTERS = 500;

type NameKey = [library: LibraryId, name: string, id: MediaId];
type FingerprintKey = [fingerprint: string, id: MediaId];

export type PlacedMedia = { readonly id: MediaId; readonly place: PlaceId };

export class MediaPlaces {
  readonly #media: Table<MediaId, Media>;
  /** Of those alone whose id was not made of the place. */
  readonly #places: Table<PlaceId, MediaId>;
  readonly #names: Table<NameKey, PlaceId>;
  readonly #fingerprints: Table<FingerprintKey, null>;

  constructor(environment: Environment, media: Table<MediaId, Media>) {
    this.#media = media;
    this.#places = environment.table(PLACES);
    this.#names = environment.table(NAMES);
    this.#fingerprints = environment.table(FINGERPRINTS);
    // Records of a version that knew no places, or that were written beside this one.
    if (environment.mode === 'read-write' && this.#names.count() !== media.count()) environment.writeNow(tx => this.#rebuild(tx));
  }

  at(place: PlaceId): MediaId | undefined {
    const moved = this.#places.get(place);
    if (moved !== undefined) return moved;
    const own = this.#media.get(place as string as MediaId);
    return own !== undefined && placeOf(own) === place ? own.id : undefined;
  }

  withFingerprint(fingerprint: string): readonly MediaId[] {
    if (fingerprint === '') return [];
    return [...this.#fingerprints.entriesUnder([fingerprint], { limit: MAX_ALIKE })].map(({ key }) => key[1]);
  }

  /** Those of a library whose name is this one or below it as a folder; all for an empty name. Read as they are asked for. */
  *below(libraryId: LibraryId, name: string): Generator<PlacedMedia> {
    const prefix = name.slice(0, MAX_NAME_CHARACTERS);
    const after = prefix === '' ? {} : { after: [libraryId, prefix] as unknown as NameKey };
    for (const { key, value } of this.#names.entriesUnder([libraryId], after)) {
      if (!key[1].startsWith(prefix)) return;
      if (name === '' || this.#isBelow(key, name)) yield { id: key[2], place: value };
    }
  }

  /** Called inside the transaction that writes the record. */
  note(tx: Transaction, before: Media | undefined, after: Media | undefined): void {
    const isSame = before !== undefined && after !== undefined && keysOf(before).join('\0') === keysOf(after).join('\0');
    if (isSame) return;
    if (before !== undefined) this.#forget(tx, before);
    if (after !== undefined) this.#remember(tx, after);
  }

  #isBelow([, cut, id]: NameKey, name: string): boolean {
    const whole = cut.length < MAX_NAME_CHARACTERS ? cut : (this.#media.get(id)?.name ?? cut);
    return whole === name || whole.startsWith(`${name}/`);
  }

  #remember(tx: Transaction, media: Media): void {
    const place = placeOf(media);
    if (place !== (media.id as string)) tx.put(this.#places, place, media.id);
    else if (this.#places.get(place) !== undefined) tx.remove(this.#places, place);
    tx.put(this.#names, nameKey(media), place);
    if (media.fingerprint !== '') tx.put(this.#fingerprints, [media.fingerprint, media.id], null);
  }

  #forget(tx: Transaction, media: Media): void {
    const place = placeOf(media);
    // Where two have changed places, the other may be there by now.
    if (this.#places.get(place) === media.id) tx.remove(this.#places, place);
    tx.remove(this.#names, nameKey(media));
    tx.remove(this.#fingerprints, [media.fingerprint, media.id]);
  }

  #rebuild(tx: Transaction): void {
    for (const table of [this.#places, this.#names, this.#fingerprints] as Table<string, unknown>[])
      for (const { key } of [...table.entries()]) tx.remove(table, key);
    for (const { value } of this.#media.entries()) this.#remember(tx, value);
  }
}

const nameKey = ({ libraryId, name, id }: Media): NameKey => [libraryId, name.slice(0, MAX_NAME_CHARACTERS), id];
const keysOf = (media: Media): string[] => [media.libraryId, media.name, placeOf(media), media.fingerprint];
