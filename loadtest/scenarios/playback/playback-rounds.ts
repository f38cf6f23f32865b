// The common part of `ttff` and `seek`: the film, a server without a cache, nginx beside it, and rounds of each way to play with their limits.
import type { Comparison, Round } from '../../load/comparison.ts';
import { quietMoment } from '../../machine/quiet.ts';
import { type EncodeCommands, runPlainCommands, runSameCommands } from '../../peers/bare-ffmpeg.ts';
import { Nginx } from '../../peers/nginx.ts';
import type { ScenarioOptions } from '../../scenario.ts';
import { Viewer } from '../../viewers/viewer.ts';
import { tenMinutes } from '../../world/films.ts';
import { type Server, withServer } from '../../world/server.ts';
import { NO_CACHE, PLAIN_COMMAND, type PlaybackCase, SAME_COMMAND } from './playback-cases.ts';

export type PlaybackWorld = {
  readonly options: ScenarioOptions;
  /** Its path. */
  readonly film: string;
  readonly viewer: Viewer;
  readonly mediaId: string;
  readonly server: Server;
  /** Has the film as `file.mp4`. */
  readonly nginx: Nginx;
};

/** Milliseconds of each viewer, and of each limit by its name. */
export type MeasuredRound = { readonly product: readonly number[]; readonly limits: Readonly<Record<string, readonly number[]>> };

export type Rounds = { readonly comparisons: readonly Comparison[]; readonly busyShares: readonly number[] };

type RoundsOptions = {
  readonly what: string;
  readonly cases: readonly PlaybackCase[];
  readonly roundsOf: (playback: PlaybackCase) => number;
  /** @param number of the first viewer; each viewer of the run has another */
  readonly measureRound: (playback: PlaybackCase, number: number) => Promise<MeasuredRound>;
};

export async function withPlaybackWorld<T>(options: ScenarioOptions, work: (world: PlaybackWorld) => Promise<T>): Promise<T> {
  const film = await tenMinutes(options);
  return withServer({ films: [film], settings: NO_CACHE }, async server => {
    const nginx = await Nginx.start(null);
    try {
      await nginx.publishFile('file.mp4', film);
      const viewer = await Viewer.signIn(server.remote);
      try {
        return await work({ options, film, viewer, mediaId: await viewer.firstMediaId(), server, nginx });
      } finally {
        viewer.close();
      }
    } finally {
      await nginx.stop();
    }
  });
}

export async function measureRounds({ options }: PlaybackWorld, { what, cases, roundsOf, measureRound }: RoundsOptions): Promise<Rounds> {
  const comparisons: Comparison[] = [];
  const busyShares: number[] = [];
  let number = 0;
  for (const playback of cases) {
    const rounds = new Map<string, Round[]>();
    for (let round = 1; round <= roundsOf(playback); round++) {
      options.say(`${what}: ${playback.what}, round ${round}`);
      busyShares.push(await quietMoment());
      const { product, limits } = await measureRound(playback, number);
      number += playback.viewers;
      for (const [limitName, limit] of Object.entries(limits)) {
        rounds.set(limitName, [...(rounds.get(limitName) ?? []), { product, limit }]);
      }
    }
    for (const [limitName, list] of rounds) comparisons.push({ what: playback.what, limitName, rounds: list });
  }
  return { comparisons, busyShares };
}

/** Both limits of a transcode, when the product's encodes are gone. */
export async function transcodeLimits(commands: readonly EncodeCommands[], viewers: number): Promise<MeasuredRound['limits']> {
  if (commands.length !== viewers) throw new Error(`${commands.length} encodes run for ${viewers} viewers`);
  await quietMoment();
  const same = await runSameCommands(commands);
  await quietMoment();
  return { [SAME_COMMAND]: same, [PLAIN_COMMAND]: await runPlainCommands(commands) };
}
