// Films whose rates are still to be measured: in the background, one at a time, after a restart too. The media record says which.
import { type FilmRates, ratesAreOf } from '#domain/delivery/film-rates.ts';
import { FerriteError } from '#domain/errors.ts';
import type { MediaId } from '#domain/ids.ts';
import type { KeyframeMap, Media } from '#domain/media.ts';
import { within } from '#domain/sharing/waiting.ts';
import type { KeyframeMapRepository } from '#storage/records/keyframe-maps.ts';
import type { MediaRepository } from '#storage/records/media.ts';

type Measured = { readonly rates: FilmRates; readonly cpuSeconds: number };

export type RateQueueOptions = {
  readonly media: MediaRepository;
  readonly keyframes: Pick<KeyframeMapRepository, 'get'>;
  /** What the film spends; rejects where that can not be told, for now or ever. */
  readonly measure: (media: Media, keyframes: KeyframeMap, signal: AbortSignal) => Promise<Measured>;
  /** Of the segments that are served. */
  readonly targetMs: number;
  readonly log: { info(facts: object, message: string): void; warn(facts: object, message: string): void };
};

const STOP_DEADLINE_MS = 5_000;

export class RateQueue {
  readonly #options: RateQueueOptions;
  /** In the order in which they were asked for, each once. */
  readonly #waiting = new Set<MediaId>();
  readonly #abort = new AbortController();
  #running: Promise<void> | null = null;

  constructor(options: RateQueueOptions) {
    this.#options = options;
  }

  add(id: MediaId): void {
    if (this.#abort.signal.aborted) return;
    this.#waiting.add(id);
    this.#startNext();
  }

  /** What an earlier run of the server has left, or measured for other segments or in another way. */
  resume(): void {
    for (const { id, rates } of this.#options.media.all()) if (!ratesAreOf(rates, this.#options.targetMs)) this.add(id);
  }

  /** Resolves when none is left. */
  async whenIdle(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  /** What is left is measured after the next start. */
  async stop(): Promise<void> {
    this.#abort.abort(new FerriteError('CANCELLED', 'the server is shutting down'));
    this.#waiting.clear();
    await within(STOP_DEADLINE_MS, this.whenIdle());
  }

  #startNext(): void {
    const [id] = this.#waiting;
    if (id === undefined || this.#running !== null) return;
    this.#waiting.delete(id);
    this.#running = this.#measure(id).finally(() => {
      this.#running = null;
      this.#startNext();
    });
  }

  /** Never rejects: a film of which nothing is known is offered as any film is. */
  async #measure(id: MediaId): Promise<void> {
    const { media: records, keyframes, targetMs, log } = this.#options;
    try {
      const media = records.get(id);
      const map = media && keyframes.get(media);
      if (!media || !map || ratesAreOf(media.rates, targetMs)) return;
      const { rates, cpuSeconds } = await this.#options.measure(media, map, this.#abort.signal);
      // The file may have been replaced, renamed or removed meanwhile.
      if (await records.update(media, { rates }))
        log.info({ mediaId: id, cpuSeconds, isPredicted: rates.demand !== null }, 'rates measured');
    } catch (err) {
      if (!this.#abort.signal.aborted) log.warn({ mediaId: id, err }, 'no rates for now');
    }
  }
}
