// The deliveries that `ttff` and `seek` measure, and the settings of the server for both.
import type { Delivery } from '../../viewers/viewer.ts';

export type PlaybackCase = {
  readonly what: string;
  readonly delivery: Delivery;
  readonly viewers: number;
  readonly capabilities: Readonly<Record<string, unknown>>;
};

export const SAME_COMMAND = 'same ffmpeg command';
export const PLAIN_COMMAND = 'ffmpeg -ss';

/** A cache so small that no round finds segments of an earlier one, and encodes for every viewer at once. */
export const NO_CACHE = {
  FERRITE_CACHE_MAX_BYTES: '1',
  FERRITE_CACHE_MEMORY_BYTES: String(1024 * 1024),
  FERRITE_MAX_TRANSCODES: '16',
};

const UP_TO_720P = { maxHeight: 720 };
/** Takes no AAC from the file, so that its sound is encoded as well. */
const NO_SOUND_COPY = { ...UP_TO_720P, audioCodecs: ['mp3'] };

export function viewersOf(counts: readonly number[]): PlaybackCase[] {
  return counts.flatMap(viewers => {
    const who = viewers === 1 ? '1 viewer' : `${viewers} viewers`;
    const cases: PlaybackCase[] = [
      { what: `direct, ${who}`, delivery: 'direct', viewers, capabilities: {} },
      { what: `remux, ${who}`, delivery: 'remux', viewers, capabilities: {} },
      { what: `transcode, ${who}`, delivery: 'transcode', viewers, capabilities: UP_TO_720P },
    ];
    if (viewers > 1) return cases;
    return [...cases, { what: `transcode, sound encoded too, ${who}`, delivery: 'transcode', viewers, capabilities: NO_SOUND_COPY }];
  });
}
