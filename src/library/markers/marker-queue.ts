// Episodes that are still to be listened to, and compared with those of their season: in the background, one at a time, after a restart too.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { FerriteError } from '#domain/errors.ts';
import type { MediaId } from '#domain/ids.ts';
import type { Inspections } from '#domain/inspector-protocol.ts';
import { COMPARISON_FORMAT, FINGERPRINT_FORMAT, MOST_COMPARED, windowOf } from '#domain/markers/season-markers.ts';
import type { Media } from '#domain/media.ts';
import type { MarkerRepository, SoundWindows } from '#storage/records/derived/markers.ts';
import type { KeyframeMapRepository } from '#storage/records/keyframe-maps.ts';
import type { MediaRepository } from '#storage/records/media.ts';
import { FilmQueue } from '../film-queue.ts';
import { type Episode, neighboursOf, type Seasons } from './seasons.ts';

export type MarkerQueueOptions = {
  readonly media: Pick<MediaRepository, 'get' | 'all'>;
  readonly keyframes: Pick<KeyframeMapRepository, 'get'>;
  readonly records: MarkerRepository;
  readonly seasons: Seasons;
  readonly listen: (input: Inspections['sound']['input'], signal: AbortSignal) => Promise<Inspections['sound']['output']>;
  readonly compare: (input: Inspections['season']['input'], signal: AbortSignal) => Promise<Inspections['season']['output']>;
  readonly log: { info(facts: object, message: string): void; warn(facts: object, message: string): void };
};

type Heard = Episode & { readonly version: string };

/** Of a machine that is too busy to tell. */
const ATTEMPTS = 2;
/** Some of the largest seasons have a thousand episodes. */
const RECORDS_A_TURN = 50;

export class MarkerQueue {
  readonly #options: MarkerQueueOptions;
  readonly #queue = new FilmQueue(1, (id, { signal }) => this.#work(id, signal));
  /** How often an episode could not be listened to for now. */
  readonly #deferred = new Map<MediaId, number>();
  /** Known to have been tried as they are now: their seasons need not ask the store again. */
  readonly #tried = new Set<MediaId>();

  constructor(options: MarkerQueueOptions) {
    this.#options = options;
  }

  /** A new file, or one that has changed. */
  add(id: MediaId): void {
    this.#tried.delete(id);
    this.#queue.add(id);
  }

  /** What an earlier run of the server has left. */
  resume(): void {
    const { media, records, log } = this.#options;
    const there = new Set<MediaId>();
    for (const film of media.all()) {
      there.add(film.id);
      if (film.episode !== null && !this.#isDone(film)) this.#queue.add(film.id);
    }
    records.prune(id => there.has(id)).catch(err => log.warn({ err }, 'markers of films that are gone could not be removed'));
  }

  /** Resolves when none is left that has its turn now. */
  whenIdle(): Promise<void> {
    return this.#queue.whenIdle();
  }

  /** What is left is done after the next start. */
  stop(): Promise<void> {
    return this.#queue.stop();
  }

  /** Never rejects: an episode without markers is watched as any film is. */
  async #work(id: MediaId, signal: AbortSignal): Promise<void> {
    try {
      const season = this.#options.seasons.of(id);
      // Alone there is nothing to compare it with: whoever comes next asks for it.
      if (season.every(({ item }) => item === season[0]?.item)) return;
      if (!this.#isTried(id)) await this.#listen(id, signal);
      const left = season.filter(one => !this.#isTried(one.id) && (this.#deferred.get(one.id) ?? 0) < ATTEMPTS);
      for (const one of left) this.#queue.add(one.id);
      if (left.length === 0) await this.#compareAll(season, signal);
    } catch (err) {
      if (!signal.aborted) this.#options.log.warn({ mediaId: id, err }, 'no markers for now');
    }
  }

  async #listen(id: MediaId, signal: AbortSignal): Promise<void> {
    const { media: films, records, log } = this.#options;
    const media = films.get(id);
    if (media === undefined) return;
    try {
      const { windows, cpuSeconds } = await this.#hear(media, signal);
      await records.putSound(id, soundOf(media), windows);
      log.info({ mediaId: id, cpuSeconds, isAudible: windows !== null }, 'sound listened to');
    } catch (error) {
      if (signal.aborted) throw error;
      const { code = null } = error instanceof FerriteError ? error : {};
      if (code === 'MEDIA_UNREADABLE' || code === 'INSPECTOR_LOST') await records.putSound(id, soundOf(media), null);
      else this.#deferred.set(id, (this.#deferred.get(id) ?? 0) + 1);
      log.warn({ mediaId: id, err: error }, 'the sound could not be listened to');
    }
  }

  async #hear(media: Media, signal: AbortSignal): Promise<{ windows: SoundWindows | null; cpuSeconds: number }> {
    const audio = media.streams.audio.find(({ isDefault }) => isDefault) ?? media.streams.audio[0];
    // A file whose clock jumps has no times that ffmpeg and we agree on.
    if (audio === undefined || this.#options.keyframes.get(media)?.mended !== undefined) return { windows: null, cpuSeconds: 0 };
    const [beginning, end] = [windowOf('beginning', media.durationMs), windowOf('end', media.durationMs)];
    const input = { path: media.path, streamIndex: audio.index, windows: [beginning, end] };
    const { heard, cpuSeconds } = await this.#options.listen(input, signal);
    const window = (at: number, startMs: number) => ({ startMs, bytes: Buffer.from(heard[at] ?? '', 'base64') });
    return { windows: { beginning: window(0, beginning.startMs), end: window(1, end.startMs) }, cpuSeconds };
  }

  async #compareAll(season: readonly Episode[], signal: AbortSignal): Promise<void> {
    const audible: Heard[] = [];
    for (const [at, one] of season.entries()) {
      const media = this.#options.media.get(one.id);
      const sound = this.#options.records.sound(one.id);
      if (media !== undefined && sound?.isAudible === true && sound.of === soundOf(media)) audible.push({ ...one, version: media.version });
      if (at % RECORDS_A_TURN === 0) await nextTurn(undefined, { signal });
    }
    let compared = 0;
    for (const [at, one] of audible.entries()) {
      if (await this.#compare(one, neighboursOf(audible, at, MOST_COMPARED), signal)) compared++;
      if (at % RECORDS_A_TURN === 0) await nextTurn(undefined, { signal });
    }
    if (compared > 0) this.#options.log.info({ episodes: audible.length, compared }, 'a season compared');
  }

  /** Whether it had to be. */
  async #compare(one: Heard, neighbours: readonly Heard[], signal: AbortSignal): Promise<boolean> {
    const { media: films, records, compare } = this.#options;
    const from = fromOf(one, neighbours);
    if (records.get(one.id)?.from === from) return false;
    const [durationMs, windows] = [films.get(one.id)?.durationMs, records.windows(one.id)];
    if (durationMs === undefined || windows === undefined) return false;
    const mine = { beginning: packed(windows.beginning), end: packed(windows.end) };
    const others = neighbours.flatMap(({ id }) => {
      const theirs = records.windows(id);
      return theirs === undefined ? [] : [{ beginning: base64(theirs.beginning.bytes), end: base64(theirs.end.bytes) }];
    });
    const { markers } = await compare({ durationMs, mine, others }, signal);
    await records.put(one.id, { version: one.version, from, markers });
    return true;
  }

  /** By small records alone: a library has many episodes. Whether others have come or gone is seen when one of the season is worked at. */
  #isDone(media: Media): boolean {
    const { records } = this.#options;
    const markers = records.get(media.id);
    if (markers?.version === media.version && markers.from.startsWith(`${COMPARISON_FORMAT} `)) return true;
    const sound = records.sound(media.id);
    return sound?.of === soundOf(media) && !sound.isAudible;
  }

  /** Of the file as it is now. */
  #isTried(id: MediaId): boolean {
    if (this.#tried.has(id)) return true;
    const media = this.#options.media.get(id);
    const isTried = media === undefined || this.#options.records.sound(id)?.of === soundOf(media);
    if (isTried) this.#tried.add(id);
    return isTried;
  }
}

const soundOf = ({ version }: Media): string => `${FINGERPRINT_FORMAT}:${version}`;

const fromOf = (one: Heard, neighbours: readonly Heard[]): string =>
  [COMPARISON_FORMAT, ...[one, ...neighbours].map(({ id, version }) => `${id}:${version}`)].join(' ');

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const packed = ({ startMs, bytes }: SoundWindows['beginning']) => ({ startMs, base64: base64(bytes) });
