// Where an episode stands in its show, however its name counts: by season, through all seasons, or by the day of broadcast. Pure.
import type { EpisodeFacts } from '#domain/catalogue/name-facts.ts';
import { detached } from '#domain/catalogue/title-text.ts';

export type Place = {
  /** 0: specials. Of what is numbered by the day the year, of what is numbered through the first; null where nothing is told. */
  readonly season: number | null;
  readonly episodes: readonly number[];
  readonly absolute: readonly number[];
  readonly airDate: string | null;
};

export const NO_PLACE: Place = { season: null, episodes: [], absolute: [], airDate: null };

export function placeOf({ season, episodes, absolute, airDate }: EpisodeFacts): Place {
  const numbers = episodes.length > 0 ? episodes : airDate === null ? absolute : [];
  return {
    season: season ?? seasonOf(numbers, airDate),
    episodes: numbers,
    absolute,
    airDate: airDate === null ? null : detached(airDate),
  };
}

function seasonOf(numbers: readonly number[], airDate: string | null): number | null {
  if (numbers.length > 0) return 1;
  return airDate === null ? null : Number(airDate.slice(0, 4));
}

/** What is in the same place is the same episode; null where the place is not told. */
export function placeKey({ season, episodes, airDate }: Place): string | null {
  if (episodes.length > 0) return `${season}x${episodes.join('-')}`;
  return airDate;
}

/** Specials come last, then what says nothing of its season. */
export const seasonOrder = (season: number | null): number => (season === null ? 1_000_000 : season === 0 ? 999_999 : season);

export function comparePlaces(a: Place, b: Place): number {
  return (
    seasonOrder(a.season) - seasonOrder(b.season) ||
    (a.episodes[0] ?? Number.MAX_SAFE_INTEGER) - (b.episodes[0] ?? Number.MAX_SAFE_INTEGER) ||
    order(a.airDate ?? '', b.airDate ?? '') ||
    a.episodes.length - b.episodes.length
  );
}

/** Text that sorts as `comparePlaces` does. */
export const placeText = ({ season, episodes, airDate }: Place): string =>
  [String(seasonOrder(season)).padStart(7, '0'), String(episodes[0] ?? 9_999_999).padStart(7, '0'), airDate ?? ''].join(' ');

const order = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
