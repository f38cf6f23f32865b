// A server with faults, and its viewers: one victim, and others whom no fault may disturb.
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { nowMs } from '../client/http-client.ts';
import { freePort } from '../machine/free-port.ts';
import { runProgram } from '../machine/programs.ts';
import type { ScenarioOptions } from '../scenario.ts';
import { Account } from '../viewers/account.ts';
import { Audience, type Seat, type SeatRequest } from '../viewers/audience.ts';
import { Inspector, inspectable } from '../watch/inspector.ts';
import { FaultyFfmpeg } from './faults.ts';
import { tenMinutes, tenMinutes480p } from './films.ts';
import { Server, ServerFolder } from './server.ts';

const CACHE_TMPFS = '64m';
const CACHE = 'cache';
/** The file that fills the disk. It lies beside the cache folder, which is measured. */
const FILLER = 'filler';
const MOUNT_DEADLINE_MS = 10_000;
const STEP_MS = 100;

type WorldOptions = {
  /** Played as it is, or copied. */
  readonly film: string;
  /** A smaller film for the transcodes: the machine can encode it for every viewer, so that a stall is a fault's doing. */
  readonly encodedFilm: string;
  readonly settings: Readonly<Record<string, string>>;
};

export class ChaosWorld {
  readonly audience = new Audience();
  readonly ffmpeg: FaultyFfmpeg;
  readonly #folder: ServerFolder;
  readonly #settings: Readonly<Record<string, string>>;
  readonly #inspectorPort: number;
  readonly #scratch: string;
  /** Null where no file system of its own could be had for the cache. */
  readonly #cacheMount: string | null;
  #server: Server;
  #account: Account | null = null;
  #bystander: Account | null = null;
  #mediaId = '';
  #encodedMediaId = '';

  static async create({ film, encodedFilm, settings }: WorldOptions): Promise<ChaosWorld> {
    const folder = await ServerFolder.create([film, encodedFilm]);
    const scratch = await mkdtemp(join(tmpdir(), 'ferrite-chaos-'));
    const ffmpeg = await FaultyFfmpeg.create(join(scratch, 'bin'));
    const cacheMount = await mountCache(scratch);
    const inspectorPort = await freePort();
    const all = {
      ...settings,
      ...inspectable(inspectorPort),
      FERRITE_PORT: String(await freePort()),
      FERRITE_FFMPEG: ffmpeg.path,
      ...(cacheMount === null ? {} : { FERRITE_CACHE_DIR: join(cacheMount, CACHE) }),
    };
    const server = await Server.start(folder, { settings: all });
    const world = new ChaosWorld({ folder, scratch, ffmpeg, cacheMount, inspectorPort, settings: all, server });
    world.#account = await Account.signIn(server.remote);
    const media = await world.account.media();
    const bySize = media.toSorted((a, b) => b.height - a.height);
    world.#mediaId = bySize.at(0)?.id ?? '';
    world.#encodedMediaId = bySize.at(-1)?.id ?? '';
    return world;
  }

  private constructor(parts: {
    folder: ServerFolder;
    scratch: string;
    ffmpeg: FaultyFfmpeg;
    cacheMount: string | null;
    inspectorPort: number;
    settings: Readonly<Record<string, string>>;
    server: Server;
  }) {
    this.#folder = parts.folder;
    this.#scratch = parts.scratch;
    this.ffmpeg = parts.ffmpeg;
    this.#cacheMount = parts.cacheMount;
    this.#inspectorPort = parts.inspectorPort;
    this.#settings = parts.settings;
    this.#server = parts.server;
  }

  get serverPid(): number {
    return this.#server.pid;
  }

  get url(): string {
    return this.#server.remote.url;
  }

  get account(): Account {
    if (!this.#account) throw new Error('nobody is signed in');
    return this.#account;
  }

  get canFillDisk(): boolean {
    return this.#cacheMount !== null;
  }

  get cacheFolder(): string {
    return join(this.#cacheMount ?? this.#folder.data, CACHE);
  }

  sit(request: Omit<SeatRequest, 'mediaId'>): Promise<Seat> {
    const mediaId = request.delivery === 'transcode' ? this.#encodedMediaId : this.#mediaId;
    return this.audience.seat(this.account, { ...request, mediaId });
  }

  /** The progress of a user who watches nothing meanwhile: once acknowledged, it must stay. */
  async saveProgress(positionMs: number): Promise<void> {
    this.#bystander ??= (await this.account.createViewers(1))[0] ?? null;
    await this.#bystander?.saveProgress(this.#mediaId, positionMs);
  }

  async savedPositionMs(): Promise<number | null> {
    if (!this.#bystander) return null;
    return ((await this.#bystander.json(`/api/v1/media/${this.#mediaId}/progress`)) as { positionMs: number }).positionMs;
  }

  async openSessions(): Promise<readonly string[]> {
    return ((await this.account.json('/api/v1/sessions')) as { items: { sessionId: string }[] }).items.map(({ sessionId }) => sessionId);
  }

  /** The server is killed and comes back, at the same address, on the same data. Milliseconds that it was away. */
  async killServer(): Promise<number> {
    const startedMs = nowMs();
    await this.#server.kill();
    this.#server = await Server.start(this.#folder, { settings: this.#settings });
    return nowMs() - startedMs;
  }

  async withInspector(work: (inspector: Inspector) => Promise<void>): Promise<void> {
    const inspector = await Inspector.attach(this.#server.pid, this.#inspectorPort);
    try {
      await work(inspector);
    } finally {
      inspector.close();
    }
  }

  /** Not a byte is left on the cache's file system. */
  async fillDisk(): Promise<void> {
    if (this.#cacheMount === null) throw new Error('the cache has no file system of its own');
    const { bavail, bsize } = await statfs(this.#cacheMount);
    // The disk may run full during the write, when the cache has taken the rest.
    await writeFile(join(this.#cacheMount, FILLER), Buffer.alloc(bavail * bsize)).catch(() => undefined);
  }

  async freeDisk(): Promise<void> {
    if (this.#cacheMount !== null) await rm(join(this.#cacheMount, FILLER), { force: true });
  }

  async close(): Promise<void> {
    await this.#server.stop();
    if (this.#cacheMount !== null) await runProgram('umount', [this.#cacheMount], MOUNT_DEADLINE_MS);
    await this.#folder.remove();
    await rm(this.#scratch, { recursive: true, force: true });
  }
}

/** Runs `work` in a world of its own, with both films; viewers, server and folders are gone afterwards, also when `work` throws. */
export async function withChaosWorld<T>(
  options: ScenarioOptions,
  settings: WorldOptions['settings'],
  work: (world: ChaosWorld) => Promise<T>,
): Promise<T> {
  const world = await ChaosWorld.create({ film: await tenMinutes(options), encodedFilm: await tenMinutes480p(options), settings });
  try {
    return await work(world);
  } finally {
    await world.audience.leaveAll().catch(() => undefined);
    await world.close();
  }
}

/** A small file system in memory, for the administrator only; null for everybody else. */
async function mountCache(scratch: string): Promise<string | null> {
  if (process.getuid?.() !== 0) return null;
  const mount = await mkdtemp(join(scratch, 'cache-'));
  try {
    await runProgram('mount', ['-t', 'tmpfs', '-o', `size=${CACHE_TMPFS}`, 'ferrite-chaos', mount], MOUNT_DEADLINE_MS);
    return mount;
  } catch {
    return null;
  }
}

/** True once the condition holds, false at the deadline. */
export async function until(isSo: () => boolean, deadlineMs: number): Promise<boolean> {
  const giveUpAtMs = nowMs() + deadlineMs;
  while (!isSo()) {
    if (nowMs() > giveUpAtMs) return false;
    await delay(STEP_MS);
  }
  return true;
}
