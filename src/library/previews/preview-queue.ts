// Small pictures that are still to be made: in the background when all is quiet, at once for a film that somebody looks at.
import { FerriteError } from '#domain/errors.ts';
import type { MediaId } from '#domain/ids.ts';
import type { Inspections } from '#domain/inspector-protocol.ts';
import type { KeyframeMap, Media } from '#domain/media.ts';
import { within } from '#domain/sharing/waiting.ts';
import { previewFrames, previewPlan } from '#domain/trick-play/previews.ts';
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

const ATTEMPTS = 2;
const STOP_DEADLINE_MS = 5_000;

export class PreviewQueue {
  readonly #options: PreviewQueueOptions;
  /** Films that somebody looks at, and who waits for them; the latest last. */
  readonly #wanted = new Map<MediaId, PromiseWithResolvers<void>>();
  /** All others, in the order in which they were listed. */
  readonly #listed = new Set<MediaId>();
  readonly #abort = new AbortController();
  #running: { readonly id: MediaId; readonly end: Promise<void> } | null = null;
  #quiet: NodeJS.Timeout | null = null;

  constructor(options: PreviewQueueOptions) {
    this.#options = options;
  }

  /** A film was listed, or has changed. */
  add(id: MediaId): void {
    if (this.#abort.signal.aborted || !this.#options.files.mayKeep) return;
    this.#listed.add(id);
    this.#waitForQuiet();
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
    if (!files.mayKeep || this.#abort.signal.aborted) return null;
    await unlessAborted(signal, this.#make(media.id));
    const made = files.use(media);
    return made === undefined || made === 'none' ? null : made;
  }

  /** Resolves when none is left that is made now. */
  async whenIdle(): Promise<void> {
    while (this.#running !== null) await this.#running.end;
  }

  /** What is left is made after the next start. */
  async stop(): Promise<void> {
    this.#abort.abort(new FerriteError('CANCELLED', 'the server is shutting down'));
    if (this.#quiet) clearTimeout(this.#quiet);
    this.#listed.clear();
    for (const { resolve } of this.#wanted.values()) resolve();
    this.#wanted.clear();
    await within(STOP_DEADLINE_MS, this.whenIdle());
  }

  /** Settles when it has been tried. */
  #make(id: MediaId): Promise<void> {
    if (this.#running?.id === id) return this.#running.end;
    const waiting = this.#wanted.get(id) ?? Promise.withResolvers<void>();
    this.#wanted.set(id, waiting);
    this.#startNext();
    return waiting.promise;
  }

  #waitForQuiet(): void {
    if (this.#quiet) clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => {
      this.#quiet = null;
      this.#startNext();
    }, this.#options.quietMs).unref();
  }

  #startNext(): void {
    if (this.#running !== null || this.#abort.signal.aborted) return;
    const id = [...this.#wanted.keys()].at(-1) ?? this.#nextListed();
    if (id === undefined) return;
    const waiting = this.#wanted.get(id);
    this.#wanted.delete(id);
    this.#listed.delete(id);
    const end = this.#tryToMake(id).finally(() => {
      this.#running = null;
      waiting?.resolve();
      this.#startNext();
    });
    this.#running = { id, end };
  }

  /** A full shelf is not filled anew with films that nobody looks at. */
  #nextListed(): MediaId | undefined {
    if (this.#quiet !== null) return undefined;
    if (this.#options.files.isFull) this.#listed.clear();
    const [first] = this.#listed;
    return first;
  }

  /** Never rejects: a film without pictures is still a film. */
  async #tryToMake(id: MediaId): Promise<void> {
    const { media: catalogue, keyframes, files, log } = this.#options;
    try {
      const media = catalogue.get(id);
      const map = media && keyframes.get(media);
      if (media === undefined || map === undefined || files.get(media) !== undefined) return;
      await files.add(media, folder => this.#fill(folder, media, map));
      // It may have been replaced or removed meanwhile.
      if (catalogue.get(id)?.version !== media.version) await files.remove(media);
    } catch (err) {
      if (!this.#abort.signal.aborted) log.warn({ mediaId: id, err }, 'no small pictures for now');
    }
  }

  async #fill(folder: string, media: Media, map: KeyframeMap): Promise<'made' | 'none'> {
    const plan = previewPlan(media);
    if (plan === null) return 'none';
    const { video, copyMethod, startTimeUs } = map;
    const startS = video.originPts / video.timescale - startTimeUs / 1e6;
    const frames =
      copyMethod === 'ffmpeg' ? ({ by: 'ffmpeg', startS } as const) : ({ by: 'index', frames: previewFrames(map, plan) } as const);
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#options.make({ path: media.path, folder, plan, frames }, media, this.#abort.signal);
        return 'made';
      } catch (error) {
        if (!(error instanceof FerriteError) || this.#abort.signal.aborted) throw error;
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
