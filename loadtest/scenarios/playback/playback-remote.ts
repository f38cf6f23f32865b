// Starts and seeks on a server that runs already: its viewers' times, without the limits, which need the server's machine.

import { summarize } from '../../machine/statistics.ts';
import type { Remote, Result, ScenarioOptions } from '../../scenario.ts';
import { Viewer } from '../../viewers/viewer.ts';
import { viewersOf } from './playback-cases.ts';

const ROUNDS = 5;

/** Of the first film of its catalogue, at positions spread over the whole of it. */
export async function measureRemote(options: ScenarioOptions, remote: Remote): Promise<Result> {
  const viewer = await Viewer.signIn(remote);
  const [media] = await viewer.media();
  if (!media) throw new Error('its catalogue is empty');
  const samples: Record<string, number[]> = {};
  let number = 0;
  for (const { what, delivery, viewers, capabilities } of viewersOf([1, 8])) {
    const starts: number[] = [];
    const seeks: number[] = [];
    for (let round = 1; round <= (options.rounds ?? ROUNDS); round++) {
      options.say(`${what}, round ${round}`);
      const positions = Array.from({ length: viewers }, () => spread(number++) * media.durationMs);
      const times = await Promise.all(
        positions.map(async start => {
          const each = viewer.another();
          const positionMs = Math.floor(start);
          const playing = await each.play({ mediaId: media.id, delivery, positionMs, capabilities });
          const sought = playing.video ? await each.seek(playing, Math.floor((start + media.durationMs / 2) % media.durationMs)) : null;
          await each.stop(playing.session);
          each.close();
          return { ttffMs: playing.times.ttffMs, seekMs: sought?.seekMs ?? null };
        }),
      );
      starts.push(...times.map(({ ttffMs }) => ttffMs));
      seeks.push(...times.flatMap(({ seekMs }) => (seekMs === null ? [] : [seekMs])));
    }
    samples[`${what}: start`] = starts;
    if (seeks.length > 0) samples[`${what}: seek`] = seeks;
  }
  viewer.close();
  const rows = Object.entries(samples).map(([what, list]) => {
    const { count, median, p95, min, max } = summarize(list);
    return [what, count, median, p95, min, max];
  });
  return {
    tables: [{ title: `${media.title}, ms`, columns: ['what', 'samples', 'median', 'p95', 'min', 'max'], rows }],
    aims: [],
    notes: ['Its caches are as they were: what somebody has watched before comes sooner.'],
    samples,
  };
}

/** 0 to 1, each far from the others: multiples of the golden ratio. */
const spread = (number: number): number => (number * 0.618_034) % 1;
