// Posters that are still to be cut: in the background, a few at once, after a restart too. The media record says which.
import { FerriteError } from '#domain/errors.ts';
import type { MediaId } from '#domain/ids.ts';
import type { Media } from '#domain/media.ts';
import type { KeyframeMapRepository } from '#storage/records/keyframe-maps.ts';
import type { MediaRepository } from '#storage/records/media.ts';
import { FilmQueue } from './film-queue.ts';
import { isLoss } from './inspection-losses.ts';
import { posterTimes } from './poster-times.ts';
import type { PosterFiles } from './posters.ts';

export type PosterQueueOptions = {
  readonly media: MediaRepository;
  readonly keyframes: KeyframeMapRepository;
  readonly posters: PosterFiles;
  /** A JPEG of the first of these frames that shows something. MEDIA_UNREADABLE: there is none to be had. */
  readonly cut: (film: Media, atMs: readonly number[], signal: AbortSignal) => Promise<Uint8Array>;
  readonly parallel: number;
  readonly log: { warn(facts: object, message: string): void };
};

const ATTEMPTS = 2;

export class PosterQueue {
  readonly #options: PosterQueueOptions;
  readonly #queue: FilmQueue;

  constructor(options: PosterQueueOptions) {
    this.#options = options;
    this.#queue = new FilmQueue(options.parallel, (id, { signal }) => this.#make(id, signal));
  }

  add(id: MediaId): void {
    this.#queue.add(id);
  }

  /** What an earlier run of the server has left. */
  resume(): void {
    for (const { id, hasPoster } of this.#options.media.all()) if (hasPoster === null) this.add(id);
  }

  /** Resolves when none is left. */
  whenIdle(): Promise<void> {
    return this.#queue.whenIdle();
  }

  /** What is left is cut after the next start. */
  stop(): Promise<void> {
    return this.#queue.stop();
  }

  /** Never rejects: a film without a poster is still a film. */
  async #make(id: MediaId, signal: AbortSignal): Promise<void> {
    try {
      const media = this.#options.media.get(id);
      if (media === undefined || media.hasPoster !== null) return;
      const jpeg = await this.#cut(media, signal);
      if (jpeg !== null) await this.#options.posters.write(media, jpeg);
      await this.#record(media, jpeg !== null);
    } catch (err) {
      if (!signal.aborted) this.#options.log.warn({ mediaId: id, err }, 'no poster for now');
    }
  }

  /** Null: there is none to be had. Rejects when there may be one another time. */
  async #cut(media: Media, signal: AbortSignal): Promise<Uint8Array | null> {
    const map = this.#options.keyframes.get(media);
    if (map === undefined) return null;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#options.cut(media, posterTimes(map), signal);
      } catch (error) {
        if (!(error instanceof FerriteError) || signal.aborted) throw error;
        const { code } = error;
        if (attempt < ATTEMPTS && isLoss(error)) continue;
        if (code !== 'MEDIA_UNREADABLE' && code !== 'INSPECTOR_LOST') throw error;
        this.#options.log.warn({ mediaId: media.id, err: error }, 'no poster');
        return null;
      }
    }
  }

  /** The file may have been replaced, renamed or removed meanwhile. */
  async #record({ id, version }: Media, hasPoster: boolean): Promise<void> {
    const isThere = await this.#options.media.update({ id, version }, { hasPoster });
    if (!isThere && hasPoster) await this.#options.posters.remove({ id, version });
  }
}
