// Half an hour of mixed load with chaos: every so often something is killed, hangs, floods or runs full, and everybody else watches on.

import { nowMs } from '../../client/http-client.ts';
import type { Result, Scenario, ScenarioOptions } from '../../scenario.ts';
import { WildViewers } from '../../viewers/wild-viewers.ts';
import { FAULTS, SERVER_KILLED, type Struck, strike } from '../../world/chaos-faults.ts';
import { type ChaosWorld, withChaosWorld } from '../../world/chaos-world.ts';
import { diskAim, growthAims, HoldingLog, holdingTable, settle, viewerAims, viewerTable } from '../../world/mixed-load.ts';
import { struckAims, struckNotes, struckTable } from './chaos.ts';

const MINUTES = 30;
const VIEWERS = 6;
/** Wild viewers, and one victim, whose encodes the faults strike. */
const VICTIM = { delivery: 'transcode', positionMs: 20_000, maxHeight: 240, rung: '240p', bufferTargetS: 20, reportsCmcd: true } as const;
const FAULT_EVERY_MS = 60_000;
/** Faults in a short run come sooner. */
const FAULTS_AT_LEAST = 4;
/** The time after the last viewer in which encodes end and files are written. */
const SETTLE_DEADLINE_MS = 60_000;
const CACHE_BYTES = 40 * 1024 * 1024;
const FILM_MS = 560_000;
const SETTINGS = {
  // As many as the machine was measured to encode: more would stall each other, and the faults are to be seen, not that.
  FERRITE_MAX_TRANSCODES: '0',
  FERRITE_CACHE_MAX_BYTES: String(CACHE_BYTES),
  FERRITE_CACHE_MEMORY_BYTES: String(32 * 1024 * 1024),
};

export const soak: Scenario = {
  about: 'mixed load with chaos (6 viewers for 30 minutes; --viewers, --minutes): nothing lost, nobody disturbed, nothing grows',
  needs: ['ffmpeg'],
  allowsRemote: false,
  run: options => withChaosWorld(options, SETTINGS, world => run(options, world)),
};

async function run(options: ScenarioOptions, world: ChaosWorld): Promise<Result> {
  const viewers = options.viewers ?? VIEWERS;
  const forMs = (options.minutes ?? MINUTES) * 60_000;
  const log = new HoldingLog(() => world.serverPid, world.cacheFolder);
  try {
    const wild = new WildViewers(
      request => world.sit(request),
      seat => world.audience.leave(seat),
    );
    options.say(`soak: ${viewers} viewers for ${forMs / 60_000} minutes`);
    const [struck] = await Promise.all([strikeFor(options, world, forMs), wild.watch(viewers, forMs)]);
    // Samples of the last server only: the memory of a killed one is gone.
    const restartedAtS = struck.restartedAtS;
    const watched = log.holdings.filter(({ atS }) => atS > restartedAtS);
    await world.audience.leaveAll();
    const last = await settle(log, SETTLE_DEADLINE_MS);
    const open = (await world.openSessions()).length;
    const failures = [...wild.failures, ...world.audience.failures()];
    return {
      tables: [
        viewerTable(`${viewers} viewers and a victim, ${forMs / 60_000} minutes, direct, remux and transcode`, wild, world.audience),
        struckTable('What happened meanwhile', struck.all),
        holdingTable(log.holdings),
      ],
      aims: [
        ...viewerAims(wild, world.audience),
        ...struckAims(struck.all),
        ...growthAims(watched),
        diskAim(watched, CACHE_BYTES),
        { what: 'encodes left over', aim: '0', measured: String(last?.encodes ?? 0), isMet: last?.encodes === 0 },
        { what: 'sessions left over', aim: '0', measured: String(open), isMet: open === 0 },
      ],
      notes: [
        `What the viewers did: ${JSON.stringify(wild.facts.actions)}.`,
        'The server is killed once, first of all; growth is of the one that came after it, over the second half of its time.',
        ...struckNotes(struck.all),
        ...[...new Set(failures)].slice(0, 5).map(failure => `failure: ${failure}`),
      ],
      samples: {
        'server bytes': watched.map(({ bytes }) => bytes),
        descriptors: watched.map(({ descriptors }) => descriptors),
        'victim ms': struck.all.flatMap(({ victimMs }) => (victimMs === null ? [] : [victimMs])),
      },
    };
  } finally {
    log.stop();
  }
}

type Strikes = { readonly all: readonly Struck[]; readonly restartedAtS: number };

/** One fault after another, again from the first after the last, until the time is up. */
async function strikeFor({ say }: ScenarioOptions, world: ChaosWorld, forMs: number): Promise<Strikes> {
  const startedMs = nowMs();
  const everyMs = Math.min(FAULT_EVERY_MS, forMs / FAULTS_AT_LEAST);
  const all: Struck[] = [];
  let restartedAtS = 0;
  let victim = await world.sit(VICTIM);
  for (let number = 0; ; number++) {
    const dueMs = startedMs + (number + 0.5) * everyMs;
    if (dueMs > startedMs + forMs) break;
    await new Promise(resolve => setTimeout(resolve, Math.max(0, dueMs - nowMs())));
    const fault = number === 0 ? SERVER_KILLED : FAULTS[(number - 1) % FAULTS.length];
    if (!fault) break;
    say(`soak: ${fault.name}`);
    // Backwards: an encode runs ahead of its viewer, and would have been where the next jump goes.
    const jumpToMs = FILM_MS - ((number * 43_000) % (FILM_MS - 60_000));
    all.push(await strike(world, fault, { victim, jumpToMs }));
    if (number === 0) restartedAtS = (nowMs() - startedMs) / 1000;
    // A victim that gave up is reported; the next fault gets another.
    if (victim.player.facts.failure === null && victim.player.state !== 'ended') continue;
    await world.audience.leave(victim).catch(() => undefined);
    victim = await world.sit({ ...VICTIM, positionMs: jumpToMs });
  }
  return { all, restartedAtS };
}
