// autocannon in this process: requests per second and latency percentiles of small answers. Move the process to the load core first.
import autocannon from 'autocannon';
import type { LoadOptions } from './wrk.ts';

export type Fired = {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p97Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
};

/** @throws when an answer was an error. */
export async function fire(url: string, { seconds, connections }: LoadOptions): Promise<Fired> {
  const { requests, latency, errors, non2xx } = await autocannon({ url, connections, duration: seconds });
  if (errors + non2xx > 0) throw new Error(`of ${requests.total} requests ${errors} had no answer and ${non2xx} were refused`);
  return {
    requests: requests.total,
    requestsPerSecond: requests.average,
    p50Ms: latency.p50,
    p97Ms: latency.p97_5,
    p99Ms: latency.p99,
    maxMs: latency.max,
  };
}
