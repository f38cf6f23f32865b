// Which file of this server's catalogue is meant by what another one, or an earlier one, called it.
import type { MediaId } from '#domain/ids.ts';
import type { Media } from '#domain/media.ts';

export type CalledMedia = {
  readonly mediaId?: string | null;
  /** Whole, or within its library; of any system. */
  readonly path?: string | null;
  readonly fingerprint?: string | null;
};

export type Match = { readonly media: Media } | { readonly reason: 'no such title' | 'several titles' };

export type MatchedCatalogue = { get(id: MediaId): Media | undefined; all(): Iterable<Media> };

/** So that a large catalogue is read without standing in anybody's way. */
const READ_AT_ONCE = 500;

export class MediaMatcher {
  readonly #media: MatchedCatalogue;
  readonly #byPath: ReadonlyMap<string, readonly Media[]>;
  readonly #byName: ReadonlyMap<string, readonly Media[]>;
  readonly #byFingerprint: ReadonlyMap<string, readonly Media[]>;

  private constructor(media: MatchedCatalogue, all: readonly Media[]) {
    this.#media = media;
    this.#byPath = Map.groupBy(all, ({ path }) => normal(path));
    this.#byName = Map.groupBy(all, ({ name }) => normal(name));
    this.#byFingerprint = Map.groupBy(all, ({ fingerprint }) => fingerprint);
  }

  /** Reads every record once. */
  static async read(media: MatchedCatalogue): Promise<MediaMatcher> {
    const all: Media[] = [];
    for (const one of media.all()) {
      all.push(one);
      if (all.length % READ_AT_ONCE === 0) await new Promise(resolve => setImmediate(resolve));
    }
    return new MediaMatcher(media, all);
  }

  /** By its id, its path, its bytes, or its path within a library whose folder lies elsewhere now. */
  match({ mediaId, path, fingerprint }: CalledMedia): Match {
    const known = mediaId ? this.#media.get(mediaId as MediaId) : undefined;
    if (known !== undefined) return { media: known };
    const called = path ? normal(path) : null;
    const [there] = (called !== null && this.#byPath.get(called)) || [];
    if (there !== undefined) return { media: there };
    // Copies of one file are versions of one film.
    const [same] = (fingerprint && this.#byFingerprint.get(fingerprint)) || [];
    if (same !== undefined) return { media: same };
    return called === null ? { reason: 'no such title' } : this.#byPathWithin(called);
  }

  #byPathWithin(path: string): Match {
    const parts = path.split('/').filter(part => part !== '');
    for (let from = 0; from < parts.length; from++) {
      const found = this.#byName.get(parts.slice(from).join('/')) ?? [];
      if (found.length > 1) return { reason: 'several titles' };
      if (found[0] !== undefined) return { media: found[0] };
    }
    return { reason: 'no such title' };
  }
}

/** Names of macOS are decomposed, and Windows has another separator. */
const normal = (path: string): string => path.replaceAll('\\', '/').normalize('NFC');
