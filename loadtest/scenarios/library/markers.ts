// Intros and credits that the server hears in made seasons, beside where they are: precision, recall, and what listening costs.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cell, Result, Scenario } from '../../scenario.ts';
import { Viewer } from '../../viewers/viewer.ts';
import { EPISODE_S, type MadeEpisode, type MadeSeason, makeSeasons, type Truth } from '../../world/made-seasons.ts';
import { Server, ServerFolder } from '../../world/server.ts';

const PRECISION_AIM = 0.95;
const RECALL_AIM = 0.9;
/** Who skips is where a person would have gone to. */
const RIGHT_S = 3;
const SEASONS_DEADLINE_MS = 1_200_000;
/** Of an episode of an hour: ten minutes of its beginning, eight of its end. */
const LISTENED_OF_AN_HOUR_S = 18 * 60;
/** Of one of ours. */
const LISTENED_S = 2 * 150;

type Marker = { readonly kind: string; readonly startMs: number; readonly endMs: number };
type Compared = {
  readonly season: MadeSeason;
  readonly found: number;
  readonly right: number;
  readonly true: number;
  readonly errorsS: readonly number[];
};

export const markers: Scenario = {
  about: 'intros and credits heard in made seasons: precision, recall, and processor time',
  needs: ['ffmpeg'],
  allowsRemote: false,
  run: async ({ say }) => {
    const scratch = await mkdtemp(join(tmpdir(), 'ferrite-markers-'));
    const folder = await ServerFolder.create([]);
    try {
      await mkdir(folder.library, { recursive: true });
      const seasons = await makeSeasons(folder.library, scratch, say);
      const settings = { FERRITE_LIBRARY: `shows=${folder.library}`, FERRITE_FIND_MARKERS: 'yes' };
      const server = await Server.start(folder, { settings });
      try {
        say('markers: listening');
        const cpuSeconds = await server.episodesCompared(seasons.flatMap(({ episodes }) => episodes).length, SEASONS_DEADLINE_MS);
        return report(await compareAll(server, seasons), cpuSeconds);
      } finally {
        await server.stop();
      }
    } finally {
      await rm(scratch, { recursive: true, force: true });
      await folder.remove();
    }
  },
};

async function compareAll(server: Server, seasons: readonly MadeSeason[]): Promise<Compared[]> {
  const viewer = await Viewer.signIn(server.remote);
  const media = await viewer.read<{ items: { id: string; versions: { path?: string }[] }[] }>('/api/v1/media?limit=200');
  const idOf = ({ name }: MadeEpisode): string => {
    const item = media.items.find(({ versions }) => versions.some(({ path }) => path?.endsWith(`/${name}`)));
    if (item === undefined) throw new Error(`${name} is not in the catalogue`);
    return item.id;
  };
  const compared: Compared[] = [];
  for (const season of seasons) {
    const episodes = await Promise.all(
      season.episodes.map(async episode => {
        const { items } = await viewer.read<{ items: Marker[] }>(`/api/v1/media/${idOf(episode)}/segments`);
        return judge(items, episode.truths);
      }),
    );
    const sum = (key: 'found' | 'right' | 'true'): number => episodes.reduce((total, one) => total + one[key], 0);
    compared.push({ season, found: sum('found'), right: sum('right'), true: sum('true'), errorsS: episodes.flatMap(one => one.errorsS) });
  }
  return compared;
}

function judge(found: readonly Marker[], truths: readonly Truth[]) {
  const matches = found.flatMap(({ kind, startMs, endMs }) => {
    const truth = truths.find(one => one.kind === kind);
    const errors = truth === undefined ? [] : [startMs / 1000 - truth.startS, endMs / 1000 - truth.endS];
    return errors.length > 0 && errors.every(error => Math.abs(error) <= RIGHT_S) ? [errors] : [];
  });
  return { found: found.length, right: matches.length, true: truths.length, errorsS: matches.flat() };
}

function report(compared: readonly Compared[], cpuSeconds: readonly number[]): Result {
  const total = (key: 'found' | 'right' | 'true'): number => compared.reduce((sum, one) => sum + one[key], 0);
  const precision = total('right') / total('found');
  const recall = total('right') / total('true');
  const errors = compared
    .flatMap(({ errorsS }) => errorsS)
    .map(Math.abs)
    .sort((a, b) => a - b);
  const share = (part: number, whole: number): Cell => (whole === 0 ? null : Math.round((100 * part) / whole) / 100);
  const perListenedS = cpuSeconds.reduce((sum, one) => sum + one, 0) / cpuSeconds.length / LISTENED_S;
  return {
    tables: [
      {
        title: `Made seasons, episodes of ${EPISODE_S} s: a marker is right within ${RIGHT_S} s at both ends`,
        columns: ['season', 'what', 'episodes', 'true', 'found', 'right', 'precision', 'recall'],
        rows: compared.map(one => [
          one.season.name,
          one.season.about,
          one.season.episodes.length,
          one.true,
          one.found,
          one.right,
          share(one.right, one.found),
          share(one.right, one.true),
        ]),
      },
    ],
    aims: [
      { what: 'precision', aim: `≥ ${PRECISION_AIM}`, measured: precision.toFixed(3), isMet: precision >= PRECISION_AIM },
      { what: 'recall', aim: `≥ ${RECALL_AIM}`, measured: recall.toFixed(3), isMet: recall >= RECALL_AIM },
    ],
    notes: [
      `Beginnings and ends of right markers are off by ${(errors[Math.floor(errors.length / 2)] ?? 0).toFixed(2)} s (median), ${(errors.at(-1) ?? 0).toFixed(2)} s at most.`,
      `Listening took ${(1000 * perListenedS).toFixed(1)} ms of processor time a second of sound: ${(perListenedS * LISTENED_OF_AN_HOUR_S).toFixed(1)} s an episode of an hour, of which 18 minutes are listened to.`,
    ],
    samples: { 'ffmpeg processor seconds an episode': cpuSeconds, 'errors in seconds': errors },
  };
}
