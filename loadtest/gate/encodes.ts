// How many encodes are started where few are needed: by a second viewer of the same rung, and by a viewer who drags along the seek bar.
import { setTimeout as delay } from 'node:timers/promises';
import { LeanConnection } from '../client/lean-connection.ts';
import { segmentAt, Viewer } from '../viewers/viewer.ts';
import { ServerMetrics } from '../watch/prometheus.ts';
import { EXACT, type Finding, type Tolerance } from './baseline.ts';
import type { GateWorld } from './world.ts';

const SAME_SEGMENTS = 5;
const SEEKS = 20;
const STORM_MS = 2_000;
const FROM_MS = 20_000;
/** Far enough from each other that no running encode is on its way there; the last one differs from all before. */
const positionOf = (seek: number): number => 30_000 + ((seek * 71_000) % 193_000);
const LOW = { maxHeight: 240 };

const STORM: Tolerance = { factor: 1, slack: 2, why: 'how many seeks an encode outlives depends on how fast the machine starts one' };

type Counts = { readonly encodes: number; readonly ffprobes: number };

/** The same segments, by a second viewer, while the first one's session is still open. */
export async function copyFindings({ server, mediaId }: GateWorld): Promise<Finding[]> {
  const viewer = await Viewer.signIn(server.remote);
  const request = { mediaId, delivery: 'transcode', positionMs: FROM_MS, capabilities: LOW } as const;
  const playSegments = async (): Promise<() => Promise<void>> => {
    const { video, session } = await viewer.play(request);
    if (!video) throw new Error('a transcode has a video playlist');
    const first = video.segments.indexOf(segmentAt(video, FROM_MS));
    for (const { name } of video.segments.slice(first, first + SAME_SEGMENTS)) await viewer.http.get(video.folder + name);
    return () => viewer.stop(session);
  };
  const stopFirst = await playSegments();
  const before = await countsOf(server.remote.url);
  const stopSecond = await playSegments();
  const after = await countsOf(server.remote.url);
  await stopFirst();
  await stopSecond();
  viewer.close();
  return [{ name: 'encodes started for a second viewer of the same segments', value: after.encodes - before.encodes, tolerance: EXACT }];
}

/** Twenty seeks in two seconds: each is hinted to the server and its segment requested; the next seek aborts the request. The last segment is waited for. */
export async function stormFindings({ server, account, mediaId }: GateWorld): Promise<Finding[]> {
  const viewer = await Viewer.signIn(server.remote);
  const { video, session } = await viewer.play({ mediaId, delivery: 'transcode', positionMs: FROM_MS, capabilities: LOW });
  if (!video) throw new Error('a transcode has a video playlist');
  const [orders, segments] = [new LeanConnection(account.url), new LeanConnection(account.url)];
  const before = await countsOf(account.url);
  let last: Promise<{ readonly status: number; readonly bodyBytes: number }> | null = null;
  const startedMs = performance.now();
  for (let seek = 0; seek < SEEKS; seek++) {
    await delay(Math.max(0, startedMs + (seek * STORM_MS) / SEEKS - performance.now()));
    const positionMs = positionOf(seek);
    segments.abort();
    const json = { positionMs };
    const order = { method: 'POST', headers: account.headers, json } as const;
    const told = orders.send(`/api/v1/sessions/${session.sessionId}/seek`, order);
    last = segments.send(video.folder + segmentAt(video, positionMs).name);
    // Given up by the next seek.
    last.catch(() => undefined);
    await told;
  }
  const answer = await last;
  if (answer?.status !== 200 || answer.bodyBytes === 0) throw new Error('the last seek got no segment');
  const after = await countsOf(account.url);
  for (const connection of [orders, segments]) connection.close();
  await viewer.stop(session);
  viewer.close();
  return [
    { name: `encodes started by ${SEEKS} seeks in ${STORM_MS / 1000} s`, value: after.encodes - before.encodes, tolerance: STORM },
    { name: `ffprobe processes started by ${SEEKS} seeks`, value: after.ffprobes - before.ffprobes, tolerance: EXACT },
  ];
}

async function countsOf(url: string): Promise<Counts> {
  const metrics = await ServerMetrics.read(url);
  return { encodes: metrics.sum('encodes_total', 'outcome="started"'), ffprobes: metrics.sum('ffprobe_total') };
}
