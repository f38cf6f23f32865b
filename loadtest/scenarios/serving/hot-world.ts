// A playing session whose playlist and first segment are in memory, and peers that serve the same bytes: what `playlist` and `segment-hot` load.
import { setTimeout as delay } from 'node:timers/promises';
import { PRODUCT, type Target } from '../../load/request-cost.ts';
import { cpuSeconds, descendants, LOAD_CORE, moveSelf, SERVER_CORE } from '../../machine/processes.ts';
import { MemoryPeer } from '../../peers/memory-peer.ts';
import { Nginx } from '../../peers/nginx.ts';
import type { Remote, ScenarioOptions } from '../../scenario.ts';
import { type Fetched, Viewer } from '../../viewers/viewer.ts';
import { tenMinutes } from '../../world/films.ts';
import { type Server, withServer } from '../../world/server.ts';

export const NGINX = 'nginx + secure_link';
export const BARE = 'bare uWebSockets.js';
export const KINDS = ['playlist', 'segment'] as const;
export type Kind = (typeof KINDS)[number];

const HELD_DEADLINE_MS = 180_000;
const HELD_STEP_MS = 500;
const STEPS_HELD = 3;

export type HotFile = { readonly address: string; readonly body: Buffer };

export type HotWorld = {
  readonly files: Readonly<Record<Kind, HotFile>>;
  /** The product first, then its peers. */
  readonly targets: (kind: Kind) => readonly Target[];
};

/** The server and its peers on one core, this process on the other. */
export async function withHotWorld<T>(options: ScenarioOptions, work: (world: HotWorld) => Promise<T>): Promise<T> {
  const film = await tenMinutes(options);
  return withServer({ films: [film], core: SERVER_CORE }, server =>
    withHotFiles(server.remote, 'transcode', async files => {
      await encodesHeld(server);
      const nginx = await Nginx.start(SERVER_CORE);
      try {
        for (const kind of KINDS) await nginx.publish(kind, files[kind].body);
        const memory = await MemoryPeer.start(SERVER_CORE, { playlist: files.playlist.body, segment: files.segment.body });
        await moveSelf(LOAD_CORE);
        try {
          const targets = (kind: Kind): Target[] => [
            { name: PRODUCT, pid: server.pid, addresses: [files[kind].address] },
            { name: NGINX, pid: nginx.pid, addresses: [nginx.url + nginx.signed(kind)] },
            { name: BARE, pid: memory.pid, addresses: [`${memory.url}/${kind}`] },
          ];
          return await work({ files, targets });
        } finally {
          await moveSelf(null);
          await memory.stop();
        }
      } finally {
        await nginx.stop();
      }
    }),
  );
}

/** The segments that a viewer of the first film has just fetched are in memory. */
export async function withHotFiles<T>(
  remote: Remote,
  delivery: 'remux' | 'transcode',
  work: (files: HotWorld['files']) => Promise<T>,
): Promise<T> {
  const viewer = await Viewer.signIn(remote);
  try {
    const mediaId = await viewer.firstMediaId();
    const capabilities = delivery === 'transcode' ? { maxHeight: 720 } : {};
    const { session, fetched } = await viewer.play({ mediaId, delivery, positionMs: 14_000, capabilities });
    try {
      const base = remote.url + session.streamUrl.replace(/[^/]+$/, '');
      return await work({ playlist: find(base, fetched, '.m3u8'), segment: find(base, fetched, '.m4s') });
    } finally {
      await viewer.stop(session);
    }
  } finally {
    viewer.close();
  }
}

function find(base: string, fetched: readonly Fetched[], ending: string): HotFile {
  const found = fetched.find(({ path }) => path.startsWith('video/') && path.endsWith(ending));
  if (!found) throw new Error(`the viewer fetched no ${ending}`);
  return { address: base + found.path, body: found.answer.body };
}

/** Waits until the session's encode is its whole lead ahead and is held: until then it takes the server's core. */
export async function encodesHeld({ pid }: Pick<Server, 'pid'>): Promise<void> {
  const giveUpAtMs = performance.now() + HELD_DEADLINE_MS;
  let usedS = Number.NaN;
  for (let still = 0; still < STEPS_HELD; ) {
    if (performance.now() > giveUpAtMs) throw new Error('the encode runs on: it would share the core with what is measured');
    await delay(HELD_STEP_MS);
    const nowS = descendants(pid).reduce((sum, child) => sum + cpuOrNone(child.pid), 0);
    still = nowS === usedS ? still + 1 : 0;
    usedS = nowS;
  }
}

/** A process may end while it is looked at. */
function cpuOrNone(pid: number): number {
  try {
    return cpuSeconds(pid);
  } catch {
    return 0;
  }
}
