// Small pictures that are still to be made: in the background when all is quiet, at once for a film that somebody looks at.
import { FerriteError } from '#domain/errors.ts';
import type { MediaId } from '#domain/ids.ts';
import type { Inspections } from '#domain/inspector-protocol.ts';
import type { KeyframeMap, Media } from '#domain/media.ts';
import { previewFrames, previewPlan } from '#domain/trick-play/previews.ts';
import { FilmQueue, type FilmTurn } from '#library/film-queue.ts';
import { isLoss } from '#library/inspection-losses.ts';
import type { KeyframeMapRepository } from '#storage/records/keyframe-maps.ts';
import type { MediaRepository } from '#storage/records/media.ts';
import type { KeptPreviews, PreviewFiles } from './preview-files.ts';

export type PreviewQueueOptions = {
  readonly media: Pick<MediaRepository, 'all' | 'get'>;
  readonly keyframes: Pick<KeyframeMapRepository, 'get'>;
  readonly files: PreviewFiles;
  readonly make: (input: Inspections['previews']['input'], film: Media, signal: AbortSignal) => Promise<unknown>;
  /** How long nothing new must have been listed before films that nobody looks at have their turn. */
  readonly quietMs: number;
  readonly log: { warn(facts: object, message: string): void };
};

type Filling = { readonly folder: string; readonly media: Media; readonly map: KeyframeMap; readonly signal: AbortSignal };

const ATTEMPTS = 2;

export class PreviewQueue {
  readonly #options: PreviewQueueOptions;
  readonly #queue = new FilmQueue(1, (id, turn) => this.#tryToMake(id, turn));
  #quiet: NodeJS.Timeout | null = null;

  constructor(options: PreviewQueueOptions) {
    this.#options = options;
  }

  /** A film was listed, or has changed. */
  add(id: MediaId): void {
    if (this.#queue.isStopped || !this.#options.files.mayKeep) return;
    this.#waitForQuiet();
    this.#queue.add(id);
  }

  /** What an earlier run of the server has left. */
  resume(): void {
    for (const media of this.#options.media.all()) if (this.#options.files.get(media) === undefined) this.add(media.id);
  }

  /**
   * The pictures of a film that somebody looks at: made before all others where they are not there yet.
   * Null where there are none to be had. Throws CANCELLED with `signal`.
   */
  async want(media: Media, signal: AbortSignal): Promise<KeptPreviews | null> {
    const { files } = this.#options;
    const known = files.use(media);
    if (known !== undefined) return known === 'none' ? null : known;
    if (!files.mayKeep) return null;
    await unlessAborted(signal, this.#queue.want(media.id));
    const made = files.use(media);
    return made === undefined || made === 'none' ? null : made;
  }

  /** Resolves when none is left that is made now. */
  whenIdle(): Promise<void> {
    return this.#queue.whenIdle();
  }

  /** What is left is made after the next start. */
  async stop(): Promise<void> {
    if (this.#quiet) clearTimeout(this.#quiet);
    await this.#queue.stop();
  }

  #waitForQuiet(): void {
    this.#queue.hold();
    if (this.#quiet) clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => {
      this.#quiet = null;
      this.#queue.release();
    }, this.#options.quietMs).unref();
  }

  /** Never rejects: a film without pictures is still a film. */
  async #tryToMake(id: MediaId, { signal, isWanted }: FilmTurn): Promise<void> {
    const { media: catalogue, keyframes, files, log } = this.#options;
    // A full shelf is not filled anew with films that nobody looks at.
    if (files.isFull && !isWanted) return;
    try {
      const media = catalogue.get(id);
      const map = media && keyframes.get(media);
      if (media === undefined || map === undefined || files.get(media) !== undefined) return;
      await files.add(media, folder => this.#fill({ folder, media, map, signal }));
      // It may have been replaced or removed meanwhile.
      if (catalogue.get(id)?.version !== media.version) await files.remove(media);
    } catch (err) {
      if (!signal.aborted) log.warn({ mediaId: id, err }, 'no small pictures for now');
    }
  }

  async #fill({ folder, media, map, signal }: Filling): Promise<'made' | 'none'> {
    const plan = previewPlan(media);
    if (plan === null) return 'none';
    const { video, copyMethod, startTimeUs } = map;
    const startS = video.originPts / video.timescale - startTimeUs / 1e6;
    const frames =
      copyMethod === 'ffmpeg' ? ({ by: 'ffmpeg', startS } as const) : ({ by: 'index', frames: previewFrames(map, plan) } as const);
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#options.make({ path: media.path, folder, plan, frames }, media, signal);
        return 'made';
      } catch (error) {
        if (!(error instanceof FerriteError) || signal.aborted) throw error;
        if (attempt < ATTEMPTS && isLoss(error)) continue;
        if (!['MEDIA_UNREADABLE', 'MEDIA_UNSUPPORTED', 'INSPECTOR_LOST'].includes(error.code)) throw error;
        this.#options.log.warn({ mediaId: media.id, err: error }, 'no small pictures');
        return 'none';
      }
    }
  }
}

async function unlessAborted(signal: AbortSignal, work: Promise<void>): Promise<void> {
  signal.throwIfAborted();
  const gone = Promise.withResolvers<never>();
  const onAbort = (): void => gone.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([work, gone.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
