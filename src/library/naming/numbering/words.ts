// How languages and programs call a season and an episode. A word is here when people write it before or behind a number.

const list = (words: string): ReadonlySet<string> => new Set(words.split(' '));

/** Written right at their number: `S01`, `T02`. */
export const SEASON_LETTERS = list('s t');

export const SEASON_WORDS = list(
  'season seasons series saison saisons staffel staffeln temporada temporadas temp stagione stagioni seizoen sezon sezony sezona sezonul ' +
    'sezóna série serie säsong seasong sæson sesong kausi évad evad hooaeg sezonas musim mùa sez se sn ' +
    'сезон сезона сезоны сезони κύκλος σεζόν עונה الموسم موسم 시즌 季 期 シーズン',
);

export const EPISODE_LETTERS = list('e ep eps');

export const EPISODE_WORDS = list(
  'episode episodes chapter chapters episodio episodios episodi épisode épisodes episódio episódios epizoda epizód epizod epi folge folgen afl aflevering ' +
    'avsnitt afsnit jakso odcinek odc díl dil rész cap caps capitulo capitulos capítulo capítulos ' +
    'seria serii seriya serija serya ser bölüm bolum blm tập ' +
    'серия серии серий сер эпизод эп епизод серія выпуск επεισόδιο פרק الحلقة حلقة 話 话 集 回 화 회',
);

/** Only behind its number. */
export const EPISODE_SUFFIXES = list('bölüm bolum blm 話 话 集 回 화 회');

/** No season where a number stands before it: `30 Series`. */
export const TITLE_WORDS = list('series serie série');

/** A number behind them is no episode's. */
export const OTHER_NUMBERED = list('vol volume p extras part pt movie');

/** A part of a show in few of them: `Part02`. */
export const PART_WORDS = list('part pt teil parte partie');

/** Spelled out behind them. */
export const NUMBER_WORDS: readonly string[] = 'one two three four five six seven eight nine ten'.split(' ');

/** Of several: `Episodes 1 - 10`. */
export const SEVERAL = list(
  'episodes episodios episodi épisodes folgen capitulos capítulos caps eps seasons temporadas stagioni saisons staffeln',
);

/** From one number to another, as a word. */
export const RANGE_WORDS = list('to en and und et y a al ao bis do по');

/** One of so many: `5of6`. */
export const OF_WORDS = list('of iz von de из');

/** Behind a number: `3rd Season`, `5-й сезон`. */
export const ORDINALS = list('st nd rd th º ª er ère eme ème e a o й я ый ой ая');

export const SPECIAL_WORDS = list('special specials sp ova ovas oad ncop nced extra');
