// A store with as many titles as a large library has: films, some in two versions, shows, descriptions, and what a viewer has watched.
import type { Description } from '#domain/catalogue/description.ts';
import { NO_DESCRIPTION, NO_DESCRIPTIONS } from '#domain/catalogue/description.ts';
import { type LibraryId, mediaIdFor, newLibraryId, newUserId, type UserId } from '#domain/ids.ts';
import type { Media } from '#domain/media.ts';
import type { Database } from '#storage/database.ts';
import { aTitle, aVideoStream, seededRandom } from '../../../test/support/titles.ts';

const WORDS = (
  'night river house iron silent garden winter letter ocean crown shadow mountain broken empire stranger glass memory station wolf paper ' +
  'golden bridge storm island harvest mirror desert captain orchid signal'
).split(' ');
const GENRES = ['Action', 'Comedy', 'Crime', 'Documentary', 'Drama', 'Fantasy', 'Horror', 'Mystery', 'Romance', 'Thriller'];
const PEOPLE = 20_000;
const EPISODES_OF_A_SHOW = 50;
const BATCH = 2_000;

export type MadeCatalogue = { readonly films: LibraryId; readonly userId: UserId; readonly titles: number };

/** Seven tenths are films, of which each fiftieth has two versions; the others are episodes. Every second one is described. */
export async function makeCatalogue(database: Database, titles: number): Promise<MadeCatalogue> {
  const random = seededRandom(11);
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;
  const [films, shows, userId] = [newLibraryId(), newLibraryId(), newUserId()];
  const name = (): string => Array.from({ length: 2 + Math.floor(random() * 3) }, () => pick(WORDS)).join(' ');
  const describe = (): Description => ({
    ...NO_DESCRIPTION,
    overview: Array.from({ length: 60 }, () => pick(WORDS)).join(' '),
    genres: [pick(GENRES), pick(GENRES)],
    people: Array.from({ length: 8 }, () => ({ name: `Person ${Math.floor(random() * PEOPLE)}`, job: 'actor', role: pick(WORDS) })),
  });
  let show = name();
  const record = (at: number): Media => {
    const shared = { addedAtMs: 1_700_000_000_000 + at, durationMs: 5_000_000 + Math.floor(random() * 3_000_000), hasPoster: true };
    if (at % 10 < 7) {
      const title = name();
      const year = 1950 + Math.floor(random() * 75);
      return film(films, `${title} (${year})/${title}.mkv`, { ...shared, title: `The ${title}`, year });
    }
    if (at % EPISODES_OF_A_SHOW === 9) show = name();
    const number = 1 + (at % EPISODES_OF_A_SHOW);
    const episode = { season: 1 + (number % 4), episodes: [number], absolute: [], airDate: null, title: name() };
    return film(shows, `${show}/Season ${episode.season}/${show} S0${episode.season}E${number} ${at}.mkv`, {
      ...shared,
      title: show,
      episode,
    });
  };
  for (let done = 0; done < titles; done += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, titles - done) }, (_, at) => record(done + at));
    const second = batch.filter((_, at) => at % 70 === 0).map(one => film(films, `4k ${one.name}`, { ...one, streams: SHARP }));
    await Promise.all([...batch, ...second].map(media => database.media.put(media)));
    await Promise.all(
      batch
        .filter((_, at) => at % 2 === 0)
        .map(({ id, path, byteLength, mtimeMs }) => {
          const nfo = { file: { path, byteLength, mtimeMs }, description: describe() };
          return database.descriptions.update(id, () => ({ ...NO_DESCRIPTIONS, nfo }));
        }),
    );
    const watched = batch.filter((_, at) => at % 5 === 0);
    const progress = { positionMs: 1_000_000, durationMs: 6_000_000, watched: false, updatedAtMs: 1_700_000_000_000 };
    await Promise.all(watched.map(({ id }) => database.progress.put(userId, id, progress)));
  }
  return { films, userId, titles };
}

const SHARP: Media['streams'] = { video: [aVideoStream({ width: 3840, height: 2160 })], audio: [], subtitles: [] };

function film(libraryId: LibraryId, name: string, changes: Partial<Media>): Media {
  return aTitle({ ...changes, id: mediaIdFor(libraryId, name), libraryId, name, path: `/library/${name}` });
}
