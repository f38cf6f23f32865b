// Faults of a server, and their effect on viewers: a viewer jumps to a position that no cache has, and the fault strikes around the jump.

import { nowMs } from '../client/http-client.ts';
import { descendants } from '../machine/processes.ts';
import type { Seat } from '../viewers/audience.ts';
import { isPictureEncode } from '../watch/encode-watch.ts';
import { type ChaosWorld, until } from './chaos-world.ts';
import type { Misbehaviour } from './faults.ts';

export type Fault = {
  readonly name: string;
  /** Null when the fault can be caused here, else the reason why not. */
  readonly obstacle: (world: ChaosWorld) => string | null;
  readonly before: (world: ChaosWorld) => Promise<void>;
  /** The victim's jump has begun. */
  readonly during: (world: ChaosWorld, before: ReadonlySet<number>) => Promise<void>;
  /** The victim plays again. */
  readonly after: (world: ChaosWorld) => Promise<void>;
};

export type Struck = {
  readonly name: string;
  readonly skipped: string | null;
  /** From the jump until the picture was there; null: never. */
  readonly victimMs: number | null;
  readonly victimFailure: string | null;
  /** Stalls of viewers who had been playing for a while: one who has just jumped plays nothing that a fault could disturb. */
  readonly othersStalls: number;
  readonly othersFailures: readonly string[];
  readonly sessionsLost: number;
  readonly isProgressKept: boolean;
};

const RECOVERY_DEADLINE_MS = 60_000;
const NEW_ENCODE_DEADLINE_MS = 5_000;
const OTHERS_WATCH_MS = 6_000;
const MINUTES_10 = 600_000;

const nothing = async (): Promise<void> => undefined;
const none = (): null => null;

const ordered = (what: Misbehaviour, name: string): Fault => ({
  name,
  obstacle: none,
  before: world => world.ffmpeg.order(what),
  during: nothing,
  after: nothing,
});

const signalled = (signal: NodeJS.Signals, name: string): Fault => ({
  name,
  obstacle: none,
  before: nothing,
  during: async (world, before) => {
    const newest = (): number | undefined => encodesOf(world).findLast(pid => !before.has(pid));
    await until(() => newest() !== undefined, NEW_ENCODE_DEADLINE_MS);
    // The warm encoder may have been taken meanwhile: any other ffmpeg is killed then.
    const pid = newest() ?? encodesOf(world).at(-1);
    if (pid !== undefined) process.kill(pid, signal);
  },
  after: nothing,
});

const clockMoved = (byMs: number, name: string): Fault => ({
  name,
  obstacle: none,
  before: world => world.withInspector(inspector => inspector.moveClock(byMs)),
  during: nothing,
  after: nothing,
});

export const SERVER_KILLED: Fault = {
  name: 'the server is killed',
  obstacle: none,
  before: async world => void (await world.killServer()),
  during: nothing,
  after: nothing,
};

export const FAULTS: readonly Fault[] = [
  signalled('SIGKILL', 'ffmpeg is killed'),
  signalled('SIGSTOP', 'ffmpeg hangs in the middle'),
  ordered('hangs', 'ffmpeg hangs from its start'),
  ordered('floods-stderr', 'ffmpeg floods stderr, 200 MB'),
  ordered('writes-garbage', 'ffmpeg writes garbage'),
  {
    name: 'a session host is lost',
    obstacle: none,
    before: nothing,
    during: world => world.withInspector(inspector => inspector.loseThread()),
    after: nothing,
  },
  {
    name: 'the process starter is killed',
    obstacle: none,
    before: nothing,
    during: async world => {
      const starter = descendants(world.serverPid).find(({ argv }) => argv.some(one => one.includes('spawner')));
      if (starter) process.kill(starter.pid, 'SIGKILL');
    },
    after: nothing,
  },
  {
    name: 'the disk of the cache is full',
    obstacle: world => (world.canFillDisk ? null : 'only the administrator can mount a small file system'),
    before: world => world.fillDisk(),
    during: nothing,
    after: world => world.freeDisk(),
  },
  clockMoved(MINUTES_10, 'the clock jumps ten minutes ahead'),
  clockMoved(0, 'the clock jumps back again'),
];

export const encodesOf = (world: ChaosWorld): number[] =>
  descendants(world.serverPid)
    .filter(isPictureEncode)
    .map(({ pid }) => pid);

/** @param jumpToMs a position that no viewer has been at */
export async function strike(world: ChaosWorld, fault: Fault, { victim, jumpToMs }: { victim: Seat; jumpToMs: number }): Promise<Struck> {
  const skipped = fault.obstacle(world);
  const nobody = { victimMs: null, victimFailure: null, othersStalls: 0, othersFailures: [], sessionsLost: 0, isProgressKept: true };
  if (skipped !== null) return { name: fault.name, skipped, ...nobody };
  const others = world.audience.seats.filter(seat => seat !== victim);
  const stallsOf = (): number => others.reduce((sum, { player }) => sum + player.facts.settledStalls, 0);
  const failedBefore = new Set(others.filter(({ player }) => player.facts.failure !== null));
  const stallsBefore = stallsOf();
  await world.saveProgress(jumpToMs);
  await fault.before(world);
  const encodesBefore = new Set(encodesOf(world));
  const seeksBefore = victim.player.facts.seekMs.length;
  const jumpedAtMs = nowMs();
  victim.player.seek(jumpToMs);
  const isThere = (): boolean => victim.player.facts.seekMs.length > seeksBefore;
  const recovered = until(() => isThere() || victim.player.facts.failure !== null, RECOVERY_DEADLINE_MS);
  await fault.during(world, encodesBefore);
  await recovered;
  const victimMs = isThere() ? nowMs() - jumpedAtMs : null;
  await fault.after(world);
  await until(() => false, OTHERS_WATCH_MS);
  const open = new Set(await world.openSessions());
  return {
    name: fault.name,
    skipped: null,
    victimMs,
    victimFailure: victim.player.facts.failure,
    othersStalls: stallsOf() - stallsBefore,
    othersFailures: others.flatMap(seat =>
      seat.player.facts.failure === null || failedBefore.has(seat) ? [] : [seat.player.facts.failure],
    ),
    sessionsLost: [victim, ...others].filter(
      ({ session }) => world.audience.seats.some(seat => seat.session === session) && !open.has(session.sessionId),
    ).length,
    isProgressKept: (await world.savedPositionMs()) === jumpToMs,
  };
}
