// Byte ranges of a file that is played as it is: latency of each, beside nginx serving the same file.

import { HttpClient } from '../../client/http-client.ts';
import { p95 } from '../../load/comparison.ts';
import { LOAD_CORE, moveSelf, SERVER_CORE } from '../../machine/processes.ts';
import { quietMoment } from '../../machine/quiet.ts';
import { median } from '../../machine/statistics.ts';
import { Nginx } from '../../peers/nginx.ts';
import type { Result, Scenario, ScenarioOptions } from '../../scenario.ts';
import { Viewer } from '../../viewers/viewer.ts';
import { tenMinutes } from '../../world/films.ts';
import { withServer } from '../../world/server.ts';

const ROUNDS = 5;
const REQUESTS_PER_ROUND = 100;
const WARM_UP_REQUESTS = 50;
const RANGE_BYTES = 1024 * 1024;
const RANGES = 200;
const AIM_MS = 2;

export const direct: Scenario = {
  about: 'latency of 1 MiB ranges of a file beside nginx, one after another',
  needs: ['ffmpeg', 'nginx', 'taskset'],
  allowsRemote: false,
  run: async options => report(await directRounds(options, options.rounds ?? ROUNDS)),
};

type Round = { readonly product: readonly number[]; readonly nginx: readonly number[] };

type Address = { readonly url: string; readonly path: string };

/** Milliseconds of each range, the product's and nginx's in turn. */
export async function directRounds(options: ScenarioOptions, rounds: number): Promise<readonly Round[]> {
  const film = await tenMinutes(options);
  return withServer({ films: [film], core: SERVER_CORE }, async server => {
    const nginx = await Nginx.start(SERVER_CORE);
    await moveSelf(LOAD_CORE);
    try {
      await nginx.publishFile('file.mp4', film);
      const viewer = await Viewer.signIn(server.remote);
      const mediaId = await viewer.firstMediaId();
      const session = await viewer.start({ mediaId, delivery: 'direct', positionMs: 0, capabilities: {} });
      viewer.close();
      const product = { url: server.remote.url, path: session.streamUrl };
      return await measure({ product, peer: { url: nginx.url, path: '/file.mp4' }, rounds, say: options.say });
    } finally {
      await moveSelf(null);
      await nginx.stop();
    }
  });
}

type Measure = { readonly product: Address; readonly peer: Address; readonly rounds: number; readonly say: (line: string) => void };

async function measure({ product, peer, rounds, say }: Measure): Promise<readonly Round[]> {
  const measured: Round[] = [];
  const clients = { product: new HttpClient(product.url), nginx: new HttpClient(peer.url) };
  await latencies(clients.product, product.path, WARM_UP_REQUESTS);
  await latencies(clients.nginx, peer.path, WARM_UP_REQUESTS);
  for (let round = 1; round <= rounds; round++) {
    say(`direct: round ${round}`);
    await quietMoment();
    measured.push({
      product: await latencies(clients.product, product.path, REQUESTS_PER_ROUND),
      nginx: await latencies(clients.nginx, peer.path, REQUESTS_PER_ROUND),
    });
  }
  clients.product.close();
  clients.nginx.close();
  return measured;
}

/** The same ranges each time, so that all of them come from the page cache. */
async function latencies(http: HttpClient, path: string, count: number): Promise<number[]> {
  const measured: number[] = [];
  for (let at = 0; at < count; at++) {
    const start = (at % RANGES) * RANGE_BYTES;
    const answer = await http.get(path, { range: `bytes=${start}-${start + RANGE_BYTES - 1}` });
    measured.push(answer.lastByteAtMs - answer.sentAtMs);
  }
  return measured;
}

function report(rounds: readonly Round[]): Result {
  const overP50 = rounds.map(({ product, nginx }) => median(product) - median(nginx));
  const overP95 = rounds.map(({ product, nginx }) => p95(product) - p95(nginx));
  const row = (what: string, product: number, nginx: number) => [what, product, nginx, product - nginx, product / nginx];
  const all = { product: rounds.flatMap(({ product }) => product), nginx: rounds.flatMap(({ nginx }) => nginx) };
  return {
    tables: [
      {
        title: `1 MiB ranges, ${all.product.length} each, server on one core, client on the other`,
        columns: ['', 'product ms', 'nginx ms', 'difference ms', 'ratio'],
        rows: [row('p50', median(all.product), median(all.nginx)), row('p95', p95(all.product), p95(all.nginx))],
      },
    ],
    aims: [
      {
        what: 'direct, 1 MiB range, p50',
        aim: `nginx + ${AIM_MS} ms`,
        measured: `+ ${median(overP50).toFixed(2)} ms`,
        isMet: median(overP50) <= AIM_MS,
      },
      {
        what: 'direct, 1 MiB range, p95',
        aim: `nginx + ${AIM_MS} ms`,
        measured: `+ ${median(overP95).toFixed(2)} ms`,
        isMet: median(overP95) <= AIM_MS,
      },
    ],
    notes: ['Both read from the page cache; nginx with sendfile and open_file_cache.'],
    samples: { 'product ms': all.product, 'nginx ms': all.nginx, 'p50 over nginx by round': overP50, 'p95 over nginx by round': overP95 },
  };
}
