// The facts that all sessions of one media share: its record, its keyframe map and its plan, read and computed once.
import { isDeepStrictEqual } from 'node:util';
import { LRUCache } from 'lru-cache';
import { FerriteError } from '#domain/errors.ts';
import type { KeyframeMap, Media } from '#domain/media.ts';
import { buildPlan, type Plan } from '#domain/plan.ts';
import type { Database } from '#storage/database.ts';

export type PlannedMedia = { readonly media: Media; readonly keyframes: KeyframeMap; readonly plan: Plan };

/** A two-hour film's take some 150 KB. */
const MAX_PLANS = 200;

export class MediaPlans {
  readonly #database: Pick<Database, 'keyframeMaps'>;
  readonly #planned = new LRUCache<string, PlannedMedia>({ max: MAX_PLANS });

  constructor(database: Pick<Database, 'keyframeMaps'>) {
    this.#database = database;
  }

  /**
   * Equal records come out as one: a session keeps its media, and a film may have thousands of sessions.
   * @throws MEDIA_UNREADABLE before a scan has made its keyframe map, MEDIA_UNSUPPORTED without a picture
   */
  for(media: Media, targetMs: number): PlannedMedia {
    const name = `${media.version}/${targetMs}`;
    const known = this.#planned.get(name);
    if (known && isDeepStrictEqual(known.media, media)) return known;
    const planned = known ? { ...known, media } : this.#plan(media, targetMs);
    this.#planned.set(name, planned);
    return planned;
  }

  #plan(media: Media, targetMs: number): PlannedMedia {
    const keyframes = this.#database.keyframeMaps.get(media);
    if (!keyframes) throw new FerriteError('MEDIA_UNREADABLE', 'the media has no keyframe map yet; scan its library again');
    const [video] = media.streams.video;
    if (!video) throw new FerriteError('MEDIA_UNSUPPORTED', 'the media has no video');
    return { media, keyframes, plan: buildPlan(keyframes, video.frameRate, targetMs) };
  }
}
