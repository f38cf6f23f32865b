// The headline ratios, product beside nginx and bare ffmpeg, over several whole runs: median and spread of each.
import { type Comparison, hundredths, ratios } from '../load/comparison.ts';
import { costRatios } from '../load/request-cost.ts';
import { times } from '../machine/format.ts';
import { median, percentile, summarize } from '../machine/statistics.ts';
import type { Result, Scenario, ScenarioOptions } from '../scenario.ts';
import { PLAIN_COMMAND, type PlaybackCase, viewersOf } from './playback/playback-cases.ts';
import { withPlaybackWorld } from './playback/playback-rounds.ts';
import { REMUX_AIM_MS, seekRounds } from './playback/seek.ts';
import { ttffRounds } from './playback/ttff.ts';
import { directRounds } from './serving/direct.ts';
import { BARE, NGINX, withHotWorld } from './serving/hot-world.ts';
import { playlistCosts } from './serving/playlist.ts';
import { COLD_AIM, coldCosts, NGINX_FILES, withColdWorld } from './serving/segment-cold.ts';
import { segmentCosts } from './serving/segment-hot.ts';

const RUNS = 3;
/** Within a run; each run takes their median. */
const COST_ROUNDS = 2;
const TRANSCODE_ROUNDS = 4;
const REMUX_ROUNDS = 10;
const DIRECT_ROUNDS = 2;

/** What is compared, by the unit of its samples: a ratio to the limit, or the milliseconds of one side. */
type Headline = { readonly what: string; readonly limit: string; readonly unit: '×' | 'ms'; readonly most: number | null };

const HEADLINES = {
  playlist: { what: 'hot playlist, CPU per request', limit: NGINX, unit: '×', most: 1 },
  playlistBare: { what: 'hot playlist, CPU per request', limit: BARE, unit: '×', most: null },
  segment: { what: 'hot segment, CPU per request', limit: NGINX, unit: '×', most: 1 },
  segmentBare: { what: 'hot segment, CPU per request', limit: BARE, unit: '×', most: null },
  cold: { what: 'cold segment, CPU per request', limit: NGINX_FILES, unit: '×', most: COLD_AIM },
  ttff: { what: 'time to first frame, transcode', limit: PLAIN_COMMAND, unit: '×', most: 0.6 },
  seek: { what: 'unbuffered seek, transcode', limit: PLAIN_COMMAND, unit: '×', most: 0.8 },
  remux: { what: 'unbuffered seek, remux', limit: 'nginx, finished files', unit: '×', most: null },
  remuxP95: { what: 'unbuffered seek, remux, p95', limit: 'none', unit: 'ms', most: REMUX_AIM_MS },
  direct: { what: '1 MiB range of a file', limit: 'nginx', unit: '×', most: null },
} as const satisfies Readonly<Record<string, Headline>>;

type Name = keyof typeof HEADLINES;
type Ratios<N extends Name> = Readonly<Record<N, number>>;
/** A part that failed left none of its own. */
type Run = Partial<Ratios<Name>>;

export const compare: Scenario = {
  about: 'the headline ratios beside nginx and bare ffmpeg: 3 whole runs (--rounds), median and spread of each, 5 to 12 minutes',
  needs: ['ffmpeg', 'nginx', 'wrk', 'taskset'],
  allowsRemote: false,
  run: async options => {
    const runs: Run[] = [];
    const failures: string[] = [];
    for (let run = 1; run <= (options.rounds ?? RUNS); run++) {
      let all: Run = {};
      for (const [name, part] of Object.entries(PARTS)) {
        const say = (line: string): void => options.say(`compare ${run}: ${line}`);
        // One that fails must not take minutes of the others with it.
        const ratios = await part({ ...options, say }).catch(error => {
          failures.push(`${name}, run ${run}: ${error instanceof Error ? error.message : String(error)}`);
          return {};
        });
        all = { ...all, ...ratios };
      }
      runs.push(all);
    }
    return report(runs, failures);
  },
};

const hot = (options: ScenarioOptions): Promise<Ratios<'playlist' | 'playlistBare' | 'segment' | 'segmentBare'>> =>
  withHotWorld(options, async world => {
    const playlist = await playlistCosts(world, options, COST_ROUNDS);
    const segment = await segmentCosts(world, options, COST_ROUNDS);
    return {
      playlist: median(costRatios(playlist, NGINX)),
      playlistBare: median(costRatios(playlist, BARE)),
      segment: median(costRatios(segment, NGINX)),
      segmentBare: median(costRatios(segment, BARE)),
    };
  });

const cold = (options: ScenarioOptions): Promise<Ratios<'cold'>> =>
  withColdWorld(options, async world => ({ cold: median(costRatios(await coldCosts(world, options, COST_ROUNDS), NGINX_FILES)) }));

const playback = (options: ScenarioOptions): Promise<Ratios<'ttff' | 'seek' | 'remux' | 'remuxP95'>> =>
  withPlaybackWorld(options, async world => {
    const transcode = oneViewer('transcode, 1 viewer');
    const remux = oneViewer('remux, 1 viewer');
    const started = await ttffRounds(world, { cases: transcode, rounds: TRANSCODE_ROUNDS, answerMs: [] });
    const roundsOf = ({ delivery }: PlaybackCase): number => (delivery === 'remux' ? REMUX_ROUNDS : TRANSCODE_ROUNDS);
    const sought = await seekRounds(world, [...transcode, ...remux], roundsOf);
    const remuxed = comparisonOf(sought.comparisons, 'remux, 1 viewer', 'nginx');
    return {
      ttff: median(ratios(comparisonOf(started.comparisons, 'transcode, 1 viewer', PLAIN_COMMAND))),
      seek: median(ratios(comparisonOf(sought.comparisons, 'transcode, 1 viewer', PLAIN_COMMAND))),
      remux: median(ratios(remuxed)),
      remuxP95: percentile(
        remuxed.rounds.flatMap(({ product }) => product),
        0.95,
      ),
    };
  });

async function direct(options: ScenarioOptions): Promise<Ratios<'direct'>> {
  const rounds = await directRounds(options, DIRECT_ROUNDS);
  return { direct: median(rounds.map(({ product, nginx }) => median(product) / median(nginx))) };
}

const PARTS: Readonly<Record<string, (options: ScenarioOptions) => Promise<Run>>> = { hot, cold, playback, direct };

const oneViewer = (what: string): PlaybackCase[] => viewersOf([1]).filter(playback => playback.what === what);

function comparisonOf(comparisons: readonly Comparison[], what: string, limitName: string): Comparison {
  const found = comparisons.find(comparison => comparison.what === what && comparison.limitName === limitName);
  if (!found) throw new Error(`${what} was not compared with ${limitName}`);
  return found;
}

function report(runs: readonly Run[], failures: readonly string[]): Result {
  const headlines = Object.entries(HEADLINES).map(([name, headline]) => ({
    ...headline,
    samples: runs.flatMap(run => Object.entries(run).flatMap(([key, value]) => (key === name ? [value] : []))),
  }));
  const written = (value: number, unit: Headline['unit']): string =>
    !Number.isFinite(value) ? '–' : unit === '×' ? times(value) : `${hundredths(value)} ms`;
  return {
    tables: [
      {
        title: `Product beside its limits; runs: ${runs.length}`,
        columns: ['what', 'limit', 'median', 'min', 'max', 'aim', 'met'],
        rows: headlines.map(({ what, limit, unit, most, samples }) => {
          const { median: middle, min, max } = summarize(samples);
          const aim = most === null ? [null, null] : [`≤ ${written(most, unit)}`, middle <= most ? 'yes' : 'NO'];
          return [what, limit, ...[middle, min, max].map(value => written(value, unit)), ...aim];
        }),
      },
    ],
    aims: [{ what: 'parts that failed', aim: '0', measured: String(failures.length), isMet: failures.length === 0 }],
    notes: [
      `Each run starts its own servers and takes the median of ${COST_ROUNDS} (CPU) or ${TRANSCODE_ROUNDS} to ${REMUX_ROUNDS} (playback) rounds; the table is over the runs.`,
      'CPU ratios: server on one core, wrk on the other, the peer right after the product. Playback: the limit runs when the product’s encodes are gone.',
      ...failures.map(failure => `failed: ${failure}`),
    ],
    samples: Object.fromEntries(headlines.map(({ what, limit, unit, samples }) => [`${what} / ${limit}, ${unit}`, samples])),
    charts: [
      {
        kind: 'bars',
        name: 'compare',
        title: 'Product beside its limits: less is better',
        unit: '× the limit',
        bars: headlines
          .filter(({ unit, samples }) => unit === '×' && samples.length > 0)
          .map(({ what, limit, samples }) => {
            const { median: value, min, max } = summarize(samples);
            return { label: `${what} / ${limit}`, value, min, max, isProduct: true };
          }),
        reference: { value: 1, label: '1×' },
      },
    ],
  };
}
