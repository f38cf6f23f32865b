// Seasons of which it is known where their intros and credits lie, and seasons that have none but sound as if they might.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '../machine/programs.ts';
import { join as joined, mix, music, noise, type Random, samplesOf, seeded, silence, talk, tone, wav } from './made-sound.ts';

export type Truth = { readonly kind: 'intro' | 'credits'; readonly startS: number; readonly endS: number };
export type MadeEpisode = { readonly name: string; readonly truths: readonly Truth[] };
export type MadeSeason = { readonly name: string; readonly about: string; readonly episodes: readonly MadeEpisode[] };

/** Two and a half minutes at both ends are listened to; what lies between is silent, for it takes long to make. */
export const EPISODE_S = 400;
const MIDDLE_S = 90;
const EPISODES = 6;

type Part = { readonly sound: Float32Array; readonly is?: Truth['kind'] };
type Recipe = {
  readonly about: string;
  readonly episodes?: number;
  /** What comes before the silent middle and behind it. */
  readonly begin: (episode: number, own: Voice) => readonly Part[];
  readonly end?: (episode: number, own: Voice) => readonly Part[];
  /** Over the whole episode. */
  readonly over?: (episode: number, own: Voice) => Float32Array;
  readonly sound?: (episode: number) => readonly string[];
  readonly level?: (episode: number) => number;
};

const AAC = ['-c:a', 'aac', '-b:a', '128k'];
const CODECS = [
  AAC,
  ['-c:a', 'ac3', '-b:a', '192k', '-ac', '2'],
  ['-c:a', 'libmp3lame', '-b:a', '64k'],
  ['-c:a', 'libopus', '-b:a', '48k'],
  ['-c:a', 'flac', '-ar', '48000'],
  ['-c:a', 'eac3', '-b:a', '256k', '-ac', '6'],
];

/** Talk that no two episodes of a season share. */
class Voice {
  readonly #pool: Float32Array;
  readonly random: Random;
  #at: number;

  constructor(pool: Float32Array, episode: number) {
    this.#pool = pool;
    this.#at = samplesOf(episode * (EPISODE_S - MIDDLE_S + 20));
    this.random = seeded(1_000 + episode);
  }

  talk(seconds: number): Part {
    const from = this.#at % this.#pool.length;
    this.#at += samplesOf(seconds);
    return { sound: this.#pool.slice(from, from + samplesOf(seconds)) };
  }
}

const intro = (sound: Float32Array): Part => ({ sound, is: 'intro' });
const credits = (sound: Float32Array): Part => ({ sound, is: 'credits' });
const cold = (episode: number): number => [12, 47.3, 5, 88.1, 30.7, 66][episode] ?? 20;

const RECIPES: Readonly<Record<string, Recipe>> = {
  plain: {
    about: 'theme of 45 s behind a cold open of 5 to 88 s; end music of 30 s',
    begin: (at, own) => [own.talk(cold(at)), intro(music(45, seeded(1)))],
    end: (_, own) => [own.talk(60), credits(music(30, seeded(2)))],
  },
  codecs: {
    about: 'the same in six codecs, 48 to 256 kb/s, one to six channels, levels of 15 to 100 %',
    begin: (at, own) => [own.talk(cold(at)), intro(music(32, seeded(3)))],
    end: (_, own) => [own.talk(60), credits(music(60, seeded(4)))],
    sound: at => CODECS[at] ?? AAC,
    level: at => [1, 0.3, 0.6, 0.15, 0.8, 0.4][at] ?? 1,
  },
  'at once': { about: 'theme of 60 s from the first sample on', begin: () => [intro(music(60, seeded(5)))] },
  short: { about: 'theme of 17 s', begin: (at, own) => [own.talk(cold(at)), intro(music(17, seeded(6)))] },
  long: { about: 'theme of 90 s', begin: (at, own) => [own.talk(cold(at) / 2), intro(music(90, seeded(7)))] },
  half: {
    about: 'theme of 40 s in four of six episodes',
    begin: (at, own) => (at % 3 === 1 ? [own.talk(120)] : [own.talk(cold(at)), intro(music(40, seeded(8)))]),
  },
  'spoken over': {
    about: 'theme of 45 s, in its last 15 s people talk, as loud as the theme',
    begin: (at, own) => [own.talk(cold(at)), intro(mix(music(45, seeded(9)), joined(silence(30), own.talk(15).sound)))],
  },
  two: { about: 'a season of two episodes', episodes: 2, begin: (at, own) => [own.talk(cold(at)), intro(music(40, seeded(10)))] },
  'two themes': {
    about: 'another theme from the fourth episode on',
    begin: (at, own) => [own.talk(cold(at)), intro(music(35, seeded(at < 3 ? 11 : 12)))],
  },
  scene: {
    about: 'end music of 50 s, then a scene of 25 s',
    begin: (_, own) => [own.talk(100)],
    end: (_, own) => [own.talk(40), credits(music(50, seeded(13))), own.talk(25)],
  },
  'none: talk': { about: 'nothing in common', begin: (_, own) => [own.talk(150)], end: (_, own) => [own.talk(150)] },
  'none: other music': {
    about: 'music of 45 s, each time another',
    begin: (at, own) => [own.talk(cold(at)), { sound: music(45, seeded(100 + at)) }],
    end: (at, own) => [own.talk(60), { sound: music(45, seeded(200 + at)) }],
  },
  'none: bed': {
    about: 'the same quiet music under everything that is said',
    begin: (_, own) => [own.talk(150)],
    end: (_, own) => [own.talk(150)],
    over: () => music(EPISODE_S, seeded(14), 0.15),
  },
  'none: sting': {
    about: 'the same music of 8 s',
    begin: (at, own) => [own.talk(cold(at)), { sound: music(8, seeded(15)) }, own.talk(40)],
  },
  'none: silence': { about: '40 s of silence', begin: (at, own) => [own.talk(cold(at)), { sound: silence(40) }, own.talk(10)] },
  'none: same noise': {
    about: '40 s of noise, the same samples',
    begin: (at, own) => [own.talk(cold(at)), { sound: noise(40, seeded(16), 0.2) }, own.talk(10)],
  },
  'none: hum': {
    about: 'a hum under everything, and 30 s of a tone',
    begin: (at, own) => [own.talk(cold(at)), { sound: tone(30, 440) }, own.talk(20)],
    over: (_, own) => mix(tone(EPISODE_S, 50, 0.05), noise(EPISODE_S, own.random, 0.02)),
  },
};

/** One after the other: as many files as they are, what they are made of goes at once. */
export async function makeSeasons(library: string, scratch: string, say: (line: string) => void): Promise<MadeSeason[]> {
  const pool = talk(EPISODES * (EPISODE_S - MIDDLE_S + 20), seeded(42));
  const seasons: MadeSeason[] = [];
  for (const [name, recipe] of Object.entries(RECIPES)) {
    say(`markers: making "${name}"`);
    const title = `Made ${name.replaceAll(/[^a-z]+/g, ' ')}`;
    const folder = join(library, title, 'Season 1');
    await mkdir(folder, { recursive: true });
    const episodes: MadeEpisode[] = [];
    for (let at = 0; at < (recipe.episodes ?? EPISODES); at++)
      episodes.push(await makeEpisode(recipe, at, { pool, scratch, path: join(folder, `${title} S01E0${at + 1}.mkv`) }));
    seasons.push({ name, about: recipe.about, episodes });
  }
  return seasons;
}

type Place = { readonly pool: Float32Array; readonly scratch: string; readonly path: string };

async function makeEpisode(recipe: Recipe, at: number, { pool, scratch, path }: Place): Promise<MadeEpisode> {
  const own = new Voice(pool, at);
  const [begin, end] = [recipe.begin(at, own), recipe.end?.(at, own) ?? [own.talk(60)]];
  const half = (EPISODE_S - MIDDLE_S) / 2;
  const lead = [...begin, own.talk(Math.max(0, half - secondsOf(begin)))];
  const middle = { sound: silence(EPISODE_S - secondsOf(lead) - secondsOf(end)) };
  const parts = [...lead, middle, ...end];
  const sound = joined(...parts.map(part => part.sound));
  const whole = recipe.over === undefined ? sound : mix(sound, recipe.over(at, own));
  const samples = join(scratch, 'sound.wav');
  await writeFile(samples, wav(whole, recipe.level?.(at) ?? 1));
  const picture = ['-f', 'lavfi', '-i', `color=c=black:s=64x64:r=2:d=${EPISODE_S}`, '-c:v', 'libx264', '-preset', 'ultrafast'];
  const args = ['-v', 'error', '-y', '-i', samples, ...picture, '-map', '1:v', '-map', '0:a', ...(recipe.sound?.(at) ?? AAC), path];
  await runProgram('ffmpeg', ['-nostdin', ...args], 300_000);
  await rm(samples);
  return { name: path.slice(path.lastIndexOf('/') + 1), truths: truthsOf(parts) };
}

function truthsOf(parts: readonly Part[]): Truth[] {
  let startS = 0;
  return parts.flatMap(part => {
    const endS = startS + secondsOf([part]);
    const truth = part.is === undefined ? [] : [{ kind: part.is, startS, endS }];
    startS = endS;
    return truth;
  });
}

const secondsOf = (parts: readonly Part[]): number => parts.reduce((sum, { sound }) => sum + sound.length, 0) / samplesOf(1);
