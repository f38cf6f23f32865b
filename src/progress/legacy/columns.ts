// Which column of an old table says what, told by its name. Pure. docs/migration.md has the list.

export type Unit = 'ms' | 's' | 'percent';

export type Column = { readonly name: string; readonly unit: Unit | null };

export type Columns = {
  /** A path or an id: what it is shows in its values. */
  readonly media: readonly string[];
  readonly user: readonly string[];
  readonly position: Column;
  readonly duration: Column | null;
  readonly watched: string | null;
  readonly updated: string | null;
};

/** In the order in which they are asked for. */
const MEDIA = [
  'mediapath',
  'filepath',
  'path',
  'file',
  'filename',
  'sourcepath',
  'mediafile',
  'mediaid',
  'itemid',
  'media',
  'item',
  'videoid',
  'movieid',
];
const USER = ['username', 'user', 'userid', 'account', 'accountid', 'profile', 'profileid', 'viewer'];
const POSITION = [
  'position',
  'progress',
  'playbackposition',
  'resumeposition',
  'currenttime',
  'playhead',
  'time',
  'offset',
  'resume',
  'viewoffset',
];
const DURATION = ['duration', 'totaltime', 'length', 'runtime', 'total'];
const WATCHED = ['watched', 'iswatched', 'completed', 'iscompleted', 'finished', 'played', 'isplayed', 'seen', 'watchedat', 'completedat'];
const UPDATED = [
  'updatedat',
  'updated',
  'lastupdated',
  'lastwatchedat',
  'lastwatched',
  'lastplayedat',
  'lastplayed',
  'lastviewedat',
  'modifiedat',
  'watchedat',
  'timestamp',
  'date',
  'createdat',
];
const SUFFIXES: Readonly<Record<string, Unit>> = {
  ms: 'ms',
  millis: 'ms',
  milliseconds: 'ms',
  s: 's',
  sec: 's',
  secs: 's',
  seconds: 's',
  percent: 'percent',
};

const plain = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

/** Null where no column tells a title, or none a position. */
export function columnsOf(names: readonly string[]): Columns | null {
  const media = all(names, MEDIA);
  const position = measured(names, POSITION);
  if (media.length === 0 || position === null) return null;
  return {
    media,
    user: all(names, USER),
    position,
    duration: measured(names, DURATION),
    watched: all(names, WATCHED)[0] ?? null,
    updated: measured(names, UPDATED)?.name ?? null,
  };
}

const all = (names: readonly string[], wanted: readonly string[]): string[] =>
  wanted.flatMap(one => names.filter(name => plain(name) === one));

function measured(names: readonly string[], wanted: readonly string[]): Column | null {
  for (const one of wanted) {
    for (const name of names) {
      const rest = plain(name).startsWith(one) ? plain(name).slice(one.length) : null;
      if (rest === '') return { name, unit: null };
      if (rest !== null && Object.hasOwn(SUFFIXES, rest)) return { name, unit: SUFFIXES[rest] ?? null };
    }
  }
  return null;
}
