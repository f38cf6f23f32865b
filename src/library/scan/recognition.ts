// Puts an id to each file that a scan has found, and tells which media of the catalogue are gone.
import { lstat } from 'node:fs/promises';
import { type MediaId, newMediaId, type PlaceId } from '#domain/ids.ts';
import { isSameFile, type Library, type Media, placeOf } from '#domain/media.ts';
import type { GoneMediaRepository } from '#storage/records/identity/gone-media.ts';
import type { Devices } from '#storage/records/identity/library-devices.ts';
import type { MediaRepository } from '#storage/records/media.ts';
import { Breath } from './breath.ts';
import { readFingerprint } from './disk/fingerprints.ts';
import { type FoundFile, isGone } from './disk/walk.ts';
import { type Findings, isKnown } from './findings.ts';
import { type Gone, identify, type Newcomer, type Stray } from './identities.ts';
import { missingMounts } from './mounts.ts';
import { firstIdOf, isIn, placeIn, type Spot, spotOf } from './places.ts';

export type Recognised = { readonly file: FoundFile; readonly place: PlaceId; readonly id: MediaId };

export type Recognition = {
  readonly files: readonly Recognised[];
  readonly gone: readonly MediaId[];
  /** Some are not where they were, and may all the same not be gone. */
  readonly hasUnknown: boolean;
};

export type RecognitionOptions = {
  readonly media: MediaRepository;
  readonly goneMedia: GoneMediaRepository;
  readonly library: Library;
  /** Where its folders lay when it was last read whole. */
  readonly devices: Devices;
  /** Whether a folder of any library that this path lies in is there. */
  readonly isReachable: (path: string) => Promise<boolean>;
  readonly signal: AbortSignal;
};

const READ_AT_ONCE = 4;

export async function recognise(findings: Findings, options: RecognitionOptions): Promise<Recognition> {
  return await new Recogniser(findings, options).run();
}

class Recogniser {
  readonly #findings: Findings;
  readonly #options: RecognitionOptions;
  readonly #breath = new Breath();
  readonly #recognised: Recognised[] = [];
  readonly #present = new Set<PlaceId>();
  readonly #newcomers = new Map<PlaceId, FoundFile>();
  readonly #strays = new Map<MediaId, Stray>();
  /** Of places that this scan does not look at: another will tell of them, if none of our newcomers is one. */
  readonly #elsewhere = new Map<MediaId, Stray>();
  #hasUnknown = false;

  constructor(findings: Findings, options: RecognitionOptions) {
    this.#findings = findings;
    this.#options = options;
  }

  async run(): Promise<Recognition> {
    await this.#sort();
    const missing = await this.#missing();
    for (const media of missing) this.#strays.set(media.id, strayOf(media));
    const ids = await this.#identify();
    for (const [place, file] of this.#newcomers) this.#recognised.push({ file, place, id: ids.get(place) ?? this.#newId(place) });
    const taken = new Set(this.#recognised.map(({ id }) => id));
    return { files: this.#recognised, gone: [...this.#strays.keys()].filter(id => !taken.has(id)), hasUnknown: this.#hasUnknown };
  }

  /** Most files are who they were. */
  async #sort(): Promise<void> {
    const { media, library, signal } = this.#options;
    for (const file of this.#findings.files) {
      const place = placeIn(library, file);
      const id = media.places.at(place);
      const known = id === undefined ? undefined : media.get(id);
      this.#present.add(place);
      if (known !== undefined && isSameFile(known, file)) this.#recognised.push({ file, place, id: known.id });
      else {
        this.#newcomers.set(place, file);
        if (known !== undefined) this.#strays.set(known.id, strayOf(known));
      }
      await this.#breath.take();
      signal.throwIfAborted();
    }
  }

  /** Those of the catalogue that are not where they were, as far as that is known. */
  async #missing(): Promise<readonly Media[]> {
    const { media, library } = this.#options;
    const unknown = [...this.#findings.unknown, ...(await this.#unmounted())];
    const missing = new Map<MediaId, Media>();
    for (const name of new Set(this.#findings.scope.map(spot => spot.name))) {
      for (const { id, place } of media.places.below(library.id, name)) {
        if (this.#present.has(place)) continue;
        const known = media.get(id);
        if (known === undefined) continue;
        if (this.#isMissing(known, unknown)) missing.set(id, known);
        else this.#hasUnknown = true;
        await this.#breath.take();
      }
    }
    return [...missing.values()];
  }

  #isMissing(known: Media, unknown: readonly Spot[]): boolean {
    const { scope } = this.#findings;
    const spot = spotOf(this.#options.library, known);
    if (spot !== null) return isKnown(spot, { scope, unknown });
    // Of a record that does not know its whole name, all must have been seen to miss it.
    return this.#findings.devices !== null && unknown.length === 0;
  }

  /** Where some of what was there is still to be found, it is the device that was given another number. */
  async #unmounted(): Promise<readonly Spot[]> {
    const { library, devices } = this.#options;
    const spots = await missingMounts(library, devices);
    return spots.filter(spot => !this.#recognised.some(({ file }) => isIn(file, spot)));
  }

  async #identify(): Promise<ReadonlyMap<PlaceId, MediaId>> {
    const { media, goneMedia } = this.#options;
    const isAnybodyKnown = media.count() > 0 || goneMedia.count() > 0;
    const newcomers = isAnybodyKnown ? await this.#readNewcomers() : [];
    const gone = new Map<MediaId, Gone>();
    const asked = new Set<string>();
    for (const { place, fingerprint } of newcomers) {
      const back = [...(asked.has(fingerprint) ? [] : goneMedia.withFingerprint(fingerprint)), ...goneMedia.at(place)];
      for (const one of back) if (media.get(one.id) === undefined) gone.set(one.id, one);
      if (!asked.has(fingerprint)) for (const id of media.places.withFingerprint(fingerprint)) await this.#addFromElsewhere(id);
      asked.add(fingerprint);
      await this.#breath.take();
    }
    return identify(newcomers, [...this.#strays.values(), ...this.#elsewhere.values()], [...gone.values()]);
  }

  async #addFromElsewhere(id: MediaId): Promise<void> {
    const { media, isReachable } = this.#options;
    const known = media.get(id);
    if (known === undefined || this.#strays.has(id) || this.#present.has(placeOf(known))) return;
    const isAway = await lstat(known.path).then(() => false, isGone);
    if (isAway && (await isReachable(known.path))) this.#elsewhere.set(id, strayOf(known));
  }

  async #readNewcomers(): Promise<readonly Newcomer[]> {
    const queue = this.#newcomers.entries();
    const read: Newcomer[] = [];
    const work = async (): Promise<void> => {
      for (const [place, { path, name, mtimeMs }] of queue) {
        this.#options.signal.throwIfAborted();
        read.push({ place, name, mtimeMs, fingerprint: await readFingerprint(path) });
      }
    };
    await Promise.all(Array.from({ length: READ_AT_ONCE }, work));
    return read;
  }

  #newId(place: PlaceId): MediaId {
    const { media, goneMedia } = this.#options;
    const first = firstIdOf(place);
    const isTaken = media.get(first) !== undefined || goneMedia.get(first) !== undefined;
    return isTaken ? newMediaId() : first;
  }
}

const strayOf = (media: Media): Stray => ({
  id: media.id,
  place: placeOf(media),
  name: media.name,
  fingerprint: media.fingerprint,
  mtimeMs: media.mtimeMs,
});
