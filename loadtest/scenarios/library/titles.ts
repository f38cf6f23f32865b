// A catalogue of any size with titles as people have them: words by how common they are, names, years, seasons, what is told of each. The same for the same seed.
import type { Description, Person } from '#domain/catalogue/description.ts';
import { NO_DESCRIPTION } from '#domain/catalogue/description.ts';
import type { LibraryId, MediaId, ShowId } from '#domain/ids.ts';
import { showIdFor } from '#domain/ids.ts';
import type { Media } from '#domain/media.ts';

export type MadeCatalogue = {
  readonly media: readonly Media[];
  readonly descriptions: ReadonlyMap<MediaId | ShowId, Description>;
};

const SMALL = 'the of a and in to for on with from at by my your his her no all one night day man'.split(' ');
const BEGINNINGS =
  'ab ac al am an ar as ba be bi bla bo bra bri bu ca ce cha chi cla co cra cro da de di do dra du ea ed el em en er fa fi fla fo fra ga ge gi gla go gra gri ha he hi ho hu in ir ja je jo ka ke ki kla kni ko la le li lo lu ma me mi mo mu na ne ni no nu ob or pa pe phi pla po pra qua ra re ri ro ru sa sca se sha shi si sla so spa sta ste stra su ta te tha thri ti to tra tri tu ul un va ve vi vo wa we whi wi wo ya yo za ze'.split(
    ' ',
  );
const MIDDLES =
  'ba bel bi ca cen ci co da del di do fa fi ga gi go ha la len li lo ma men mi mo na nel ni no pa pen pi ra ren ri ro sa sen si so ta ten ti to va ven vi za'.split(
    ' ',
  );
const ENDS =
  'ble ce ck ct d de dge ed el en er ess et ght go ia ic ing ion ist ity ke l le ll ly m man me n nce nd ne ness nt on or ous r rd re rk rn rt s se sh sis ss st t te ter th tion ton ty um us ve w x y'.split(
    ' ',
  );
const GENRES = ['Action', 'Comedy', 'Drama', 'Horror', 'Romance', 'Science Fiction', 'Thriller', 'Western', 'Animation', 'Documentary'];

const WORDS = 20_000;
const FIRST_NAMES = 600;
const LAST_NAMES = 6_000;
const PEOPLE = 20_000;
const EPISODES_OF_A_SHOW = 40;
const EPISODES_OF_A_SEASON = 10;
const MOVIE_SHARE = 0.4;
const FIRST_YEAR = 1930;
const YEARS = 95;

export function makeCatalogue(count: number, libraryIds: readonly [movies: LibraryId, shows: LibraryId], seed = 11): MadeCatalogue {
  const random = randomFrom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const pick = (from: readonly string[]): string => from[below(from.length)] ?? '';
  const distinct = (size: number): string[] => {
    const words = new Set<string>();
    while (words.size < size) {
      const middle = Array.from({ length: below(3) }, () => pick(MIDDLES)).join('');
      words.add(pick(BEGINNINGS) + middle + pick(ENDS));
    }
    return [...words];
  };
  const words = distinct(WORDS);
  const [firstNames, lastNames] = [distinct(FIRST_NAMES), distinct(LAST_NAMES)];
  // Few are in most titles, most are in few.
  const word = (): string =>
    random() < 0.3 ? (SMALL[Math.floor(random() ** 2 * SMALL.length)] ?? '') : (words[Math.floor(random() ** 3 * WORDS)] ?? '');
  const phrase = (length: number): string => Array.from({ length }, word).join(' ');
  const titled = (length: number): string => phrase(length).replaceAll(/\b\w/g, letter => letter.toUpperCase());
  const people: readonly Person[] = Array.from({ length: PEOPLE }, () => ({
    name: `${capital(pick(firstNames))} ${capital(pick(lastNames))}`,
    job: 'actor',
    role: null,
  }));
  const cast = (size: number): Person[] =>
    Array.from({ length: size }, () => people[Math.floor(random() ** 2 * PEOPLE)] ?? (people[0] as Person));
  const told = (title: string, size: number): Description => ({
    ...NO_DESCRIPTION,
    title,
    overview: phrase(20 + below(30)),
    genres: [pick(GENRES), pick(GENRES)],
    people: cast(size),
    ageRating: { label: '12', age: [0, 6, 12, 16, 18][below(5)] ?? 0 },
  });

  const media: Media[] = [];
  const descriptions = new Map<MediaId | ShowId, Description>();
  const movies = Math.round(count * MOVIE_SHARE);
  for (let at = 0; at < movies; at++) {
    const title = titled(1 + below(5));
    const one = mediaOf(`movie${at}`, libraryIds[0], title, FIRST_YEAR + below(YEARS));
    media.push(one);
    descriptions.set(one.id, told(title, 8));
  }
  for (let show = 0; media.length < count; show++) {
    const title = titled(1 + below(4));
    const year = FIRST_YEAR + below(YEARS);
    descriptions.set(showIdFor(libraryIds[1], title.toLowerCase(), year), told(title, 12));
    for (let at = 0; at < EPISODES_OF_A_SHOW && media.length < count; at++) {
      const own = titled(1 + below(4));
      const place = { season: 1 + Math.floor(at / EPISODES_OF_A_SEASON), episodes: [1 + (at % EPISODES_OF_A_SEASON)] };
      media.push({
        ...mediaOf(`episode${show}x${at}`, libraryIds[1], title, year),
        episode: { ...place, absolute: [], airDate: null, title: own },
      });
    }
  }
  return { media, descriptions };
}

export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

function mediaOf(id: string, libraryId: LibraryId, title: string, year: number): Media {
  return {
    id: id.padEnd(16, '_') as MediaId,
    libraryId,
    path: `/nowhere/${id}.mkv`,
    name: `${id}.mkv`,
    title,
    year,
    edition: null,
    part: null,
    extra: null,
    episode: null,
    ids: {},
    container: 'matroska',
    version: id,
    fingerprint: id,
    byteLength: 1,
    mtimeMs: 1,
    durationMs: 5_400_000,
    bitrateBps: 1_000_000,
    streams: { video: [], audio: [], subtitles: [] },
    sidecars: [],
    chapters: [],
    keyframes: null,
    hasPoster: false,
    addedAtMs: 1,
  };
}
