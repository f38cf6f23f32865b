// A normal viewer's playlist and segment and a whole film, served by the product and, the same bytes, by peers: what `slow-clients` lets a crowd come upon.

import { LeanConnection } from '../../client/lean-connection.ts';
import { PRODUCT } from '../../load/request-cost.ts';
import { LOAD_CORE, moveSelf, SERVER_CORE } from '../../machine/processes.ts';
import { MemoryPeer } from '../../peers/memory-peer.ts';
import { Nginx } from '../../peers/nginx.ts';
import type { ScenarioOptions } from '../../scenario.ts';
import { Account } from '../../viewers/account.ts';
import { segmentAt, Viewer } from '../../viewers/viewer.ts';
import { tenMinutes } from '../../world/films.ts';
import { type Server, withServer } from '../../world/server.ts';
import { BARE } from './hot-world.ts';

export const NGINX = 'nginx';
/** What uWebSockets.js allows, so that as many connections come anew to each. */
const IDLE_TIMEOUT_S = 10;

/** A server and the paths of what it serves. */
export type Target = {
  readonly name: string;
  readonly pid: number;
  readonly url: string;
  /** What an idle connection has asked for. */
  readonly idle: string;
  readonly playlist: string;
  readonly segment: string;
  readonly film: string;
};

/** The product, bare uWebSockets.js and nginx on one core, this process on the other. */
export async function withSlowClientsWorld<T>(options: ScenarioOptions, work: (targets: readonly Target[]) => Promise<T>): Promise<T> {
  const film = await tenMinutes(options);
  return withServer({ films: [film], core: SERVER_CORE }, server =>
    withPlaying(server, async (product, bodies) => {
      const memory = await MemoryPeer.start(SERVER_CORE, { ...bodies, film });
      try {
        const nginx = await Nginx.start(SERVER_CORE, IDLE_TIMEOUT_S);
        try {
          for (const [name, body] of Object.entries(bodies)) await nginx.publish(name, body);
          await nginx.publishFile('film', film);
          await moveSelf(LOAD_CORE);
          return await work([product, peer(BARE, memory), peer(NGINX, nginx)]);
        } finally {
          await moveSelf(null);
          await nginx.stop();
        }
      } finally {
        await memory.stop();
      }
    }),
  );
}

const peer = (name: string, { pid, url }: { readonly pid: number; readonly url: string }): Target => {
  return { name, pid, url, idle: '/idle', playlist: '/playlist', segment: '/segment', film: '/film' };
};

type Bodies = Readonly<Record<'idle' | 'playlist' | 'segment', Buffer>>;

/** One session plays a remux, another the whole file. */
async function withPlaying<T>({ remote, pid }: Server, work: (product: Target, bodies: Bodies) => Promise<T>): Promise<T> {
  const account = await Account.signIn(remote);
  const opening = new LeanConnection(remote.url);
  const viewer = await Viewer.signIn(remote);
  try {
    const mediaId = await viewer.firstMediaId();
    const direct = await account.start(opening, { mediaId, delivery: 'direct', positionMs: 0, maxHeight: 0 });
    const { session, video } = await viewer.play({ mediaId, delivery: 'remux', positionMs: 0, capabilities: {} });
    if (!video) throw new Error('a remux has a video playlist');
    const paths = { idle: '/healthz', playlist: `${video.folder}index.m3u8`, segment: video.folder + segmentAt(video, 0).name };
    const bodyOf = async (path: string): Promise<Buffer> => (await viewer.http.get(path)).body;
    const bodies = { idle: await bodyOf(paths.idle), playlist: await bodyOf(paths.playlist), segment: await bodyOf(paths.segment) };
    try {
      return await work({ name: PRODUCT, pid, url: remote.url, ...paths, film: direct.streamUrl }, bodies);
    } finally {
      await viewer.stop(session);
      await viewer.stop(direct);
    }
  } finally {
    opening.close();
    viewer.close();
  }
}
