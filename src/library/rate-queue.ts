// Films whose rates are still to be measured: in the background, one at a time, after a restart too. The media record says which.
import { canBeMeasured, type FilmRates, failureOf, ratesAreOf } from '#domain/delivery/film-rates.ts';
import { FerriteError } from '#domain/errors.ts';
import type { MediaId } from '#domain/ids.ts';
import type { KeyframeMap, Media } from '#domain/media.ts';
import type { KeyframeMapRepository } from '#storage/records/keyframe-maps.ts';
import type { MediaRepository } from '#storage/records/media.ts';
import { FilmQueue } from './film-queue.ts';

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

export class RateQueue {
  readonly #options: RateQueueOptions;
  readonly #queue = new FilmQueue(1, (id, { signal }) => this.#measure(id, signal));

  constructor(options: RateQueueOptions) {
    this.#options = options;
  }

  add(id: MediaId): void {
    this.#queue.add(id);
  }

  /** What an earlier run of the server has left, or measured for other segments or in another way. */
  resume(): void {
    const { media, targetMs } = this.#options;
    for (const { id, rates, ratesFailed } of media.all())
      if (!ratesAreOf(rates, targetMs) && canBeMeasured(ratesFailed, targetMs)) this.add(id);
  }

  /** Resolves when none is left. */
  whenIdle(): Promise<void> {
    return this.#queue.whenIdle();
  }

  /** What is left is measured after the next start. */
  stop(): Promise<void> {
    return this.#queue.stop();
  }

  /** A machine that is busy says nothing of the film. */
  async #remember(media: Media, error: unknown): Promise<void> {
    const { media: records, targetMs, log } = this.#options;
    if (error instanceof FerriteError && error.code === 'INSPECTION_DEFERRED') return;
    try {
      await records.update(media, { ratesFailed: failureOf(media.ratesFailed, targetMs) });
    } catch (err) {
      log.warn({ mediaId: media.id, err }, 'that there are no rates could not be kept');
    }
  }

  /** Never rejects: a film of which nothing is known is offered as any film is. */
  async #measure(id: MediaId, signal: AbortSignal): Promise<void> {
    const { media: records, keyframes, targetMs, log } = this.#options;
    const media = records.get(id);
    try {
      const map = media && keyframes.get(media);
      if (!media || !map || ratesAreOf(media.rates, targetMs) || !canBeMeasured(media.ratesFailed, targetMs)) return;
      const { rates, cpuSeconds } = await this.#options.measure(media, map, signal);
      // The file may have been replaced, renamed or removed meanwhile.
      if (await records.update(media, { rates }))
        log.info({ mediaId: id, cpuSeconds, isPredicted: rates.demand !== null }, 'rates measured');
    } catch (err) {
      if (signal.aborted) return;
      log.warn({ mediaId: id, err }, 'no rates for now');
      if (media) await this.#remember(media, err);
    }
  }
}
