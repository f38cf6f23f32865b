// Who the files are that stand where none of them stood: moved, copied, replaced, back again, or new. Pure.
import type { MediaId, PlaceId } from '#domain/ids.ts';

/** A file at a place where the catalogue has none, or another. */
export type Newcomer = { readonly place: PlaceId; readonly name: string; readonly fingerprint: string; readonly mtimeMs: number };

/** A media whose file is not at its place any more, or is another by now. */
export type Stray = Newcomer & { readonly id: MediaId };

/** A media that went away earlier. */
export type Gone = Pick<Stray, 'id' | 'place' | 'fingerprint'>;

/**
 * Content tells first: a file with the bytes of a stray is that one, wherever it is now. But one that was replaced by another file keeps
 * its place and its id, even where the other was in the catalogue too, unless its own bytes have turned up elsewhere: then the two have
 * changed places. Where several files are as good, the order of paths decides. `gone` is in the order of preference.
 * Who is not in the answer is new.
 */
export function identify(newcomers: readonly Newcomer[], strays: readonly Stray[], gone: readonly Gone[]): ReadonlyMap<PlaceId, MediaId> {
  const inOrder = newcomers.toSorted(byName);
  const claims = new Claims(strays);
  for (const one of inOrder) claims.takeOwn(one, own => own.fingerprint === one.fingerprint && one.fingerprint !== '');
  do for (const one of inOrder) claims.takeByContent(one);
  while (inOrder.filter(one => claims.standBack(one)).length > 0);
  for (const one of inOrder) claims.takeOwn(one, () => true);
  const withContent = new Pool(gone, ({ fingerprint }) => fingerprint);
  const atPlace = new Pool(gone, ({ place }) => place);
  const isBack = (one: Newcomer, back: Gone | undefined): void => {
    if (back === undefined) return;
    claims.ids.set(one.place, back.id);
    withContent.remove(back);
    atPlace.remove(back);
  };
  const isNew = ({ place }: Newcomer): boolean => !claims.ids.has(place);
  for (const one of inOrder.filter(isNew)) if (one.fingerprint !== '') isBack(one, withContent.first(one.fingerprint));
  for (const one of inOrder.filter(isNew)) isBack(one, atPlace.first(one.place));
  return claims.ids;
}

class Claims {
  readonly ids = new Map<PlaceId, MediaId>();
  readonly #claimed = new Map<PlaceId, Stray>();
  readonly #taken = new Set<MediaId>();
  /** Those that were replaced by another of us, and stay. */
  readonly #kept = new Set<PlaceId>();
  readonly #atPlace: ReadonlyMap<PlaceId, Stray>;
  readonly #free: Pool<Stray>;

  constructor(strays: readonly Stray[]) {
    this.#atPlace = new Map(strays.map(stray => [stray.place, stray]));
    this.#free = new Pool(strays.toSorted(byName), ({ fingerprint }) => fingerprint);
  }

  takeOwn({ place }: Newcomer, matches: (own: Stray) => boolean): void {
    const own = this.#atPlace.get(place);
    if (own !== undefined && !this.ids.has(place) && !this.#taken.has(own.id) && matches(own)) this.#take(place, own);
  }

  takeByContent({ place, fingerprint, mtimeMs }: Newcomer): void {
    if (fingerprint === '' || this.ids.has(place) || this.#kept.has(place)) return;
    const found = this.#free.first(fingerprint, stray => stray.mtimeMs === mtimeMs) ?? this.#free.first(fingerprint);
    if (found !== undefined) this.#take(place, found);
  }

  /** Says whether it gave back what it had taken. */
  standBack({ place }: Newcomer): boolean {
    const own = this.#atPlace.get(place);
    const claimed = this.#claimed.get(place);
    if (own === undefined || claimed === undefined || claimed === own || this.#taken.has(own.id)) return false;
    this.#taken.delete(claimed.id);
    this.#free.add(claimed);
    this.#kept.add(place);
    this.#take(place, own);
    return true;
  }

  #take(place: PlaceId, stray: Stray): void {
    this.ids.set(place, stray.id);
    this.#claimed.set(place, stray);
    this.#taken.add(stray.id);
    this.#free.remove(stray);
  }
}

/** Those that nobody has taken, in their order, by what they are asked for by. */
class Pool<T extends Gone> {
  readonly #keyOf: (one: T) => string;
  readonly #free: Map<string, T[]>;

  constructor(all: readonly T[], keyOf: (one: T) => string) {
    this.#keyOf = keyOf;
    this.#free = Map.groupBy(all, keyOf);
  }

  first(key: string, matches: (one: T) => boolean = () => true): T | undefined {
    return this.#free.get(key)?.find(matches);
  }

  add(one: T): void {
    this.#free.get(this.#keyOf(one))?.unshift(one);
  }

  remove(one: T): void {
    const free = this.#free.get(this.#keyOf(one));
    const at = free?.indexOf(one) ?? -1;
    if (at >= 0) free?.splice(at, 1);
  }
}

const byName = (a: Newcomer, b: Newcomer): number => (a.name < b.name ? -1 : Number(a.name > b.name));
