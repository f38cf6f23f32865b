// Everything that can happen to a server, once each, while others watch: the victim goes on, the others notice nothing, nothing is lost.

import type { Aim, Result, Scenario, ScenarioOptions } from '../../scenario.ts';
import { FAULTS, type Fault, SERVER_KILLED, type Struck, strike } from '../../world/chaos-faults.ts';
import { type ChaosWorld, until, withChaosWorld } from '../../world/chaos-world.ts';

const BUFFER_S = 20;
/** From the end backwards: an encode runs ahead of its viewer, and would have been where the next jump goes. */
const LAST_JUMP_MS = 560_000;
const JUMP_APART_MS = 28_000;
/** Buffers are half full before anything happens. */
const FILL_DEADLINE_MS = 30_000;
const MAX_HEIGHT = 240;
const RUNG = '240p';
const SETTINGS = { FERRITE_MAX_TRANSCODES: '16', FERRITE_CACHE_MEMORY_BYTES: String(16 * 1024 * 1024) };

export const chaos: Scenario = {
  about: 'each fault once while others watch: ffmpeg, threads, server, disk and clock (--rounds: only the first faults)',
  needs: ['ffmpeg'],
  allowsRemote: false,
  run: options => withChaosWorld(options, SETTINGS, async world => report(await strikeAll(options, world))),
};

async function strikeAll({ say, rounds }: ScenarioOptions, world: ChaosWorld): Promise<Struck[]> {
  const watching = { bufferTargetS: BUFFER_S, reportsCmcd: true } as const;
  const victim = await world.sit({ delivery: 'transcode', positionMs: 20_000, maxHeight: MAX_HEIGHT, rung: RUNG, ...watching });
  await world.sit({ delivery: 'transcode', positionMs: 0, maxHeight: MAX_HEIGHT, rung: RUNG, ...watching });
  await world.sit({ delivery: 'remux', positionMs: 60_000, maxHeight: 0, rung: 'auto', ...watching });
  await world.sit({ delivery: 'direct', positionMs: 0, maxHeight: 0, rung: 'auto', ...watching });
  const faults: readonly Fault[] = [...FAULTS, SERVER_KILLED].slice(0, rounds ?? FAULTS.length + 1);
  const struck: Struck[] = [];
  await until(() => world.audience.seats.every(({ player }) => player.bufferedAheadS > BUFFER_S / 2), FILL_DEADLINE_MS);
  for (const [number, fault] of faults.entries()) {
    say(`chaos: ${fault.name}`);
    struck.push(await strike(world, fault, { victim, jumpToMs: LAST_JUMP_MS - number * JUMP_APART_MS }));
  }
  return struck;
}

function report(struck: readonly Struck[]): Result {
  return {
    tables: [struckTable('Each fault once; one viewer jumps to a place that nobody has, three others watch', struck)],
    aims: struckAims(struck),
    notes: struckNotes(struck),
    samples: { 'victim ms': struck.flatMap(({ victimMs }) => (victimMs === null ? [] : [victimMs])) },
  };
}

export const struckTable = (title: string, struck: readonly Struck[]): Result['tables'][number] => ({
  title,
  columns: ['what happens', 'victim waits ms', "others' stalls", "others' failures", 'sessions lost', 'progress kept'],
  rows: struck.map(({ name, skipped, victimMs, othersStalls, othersFailures, sessionsLost, isProgressKept }) =>
    skipped === null
      ? [name, victimMs, othersStalls, othersFailures.length, sessionsLost, isProgressKept ? 'yes' : 'NO']
      : [name, 'skipped', null, null, null, null],
  ),
});

export function struckAims(struck: readonly Struck[]): Aim[] {
  const done = struck.filter(({ skipped }) => skipped === null);
  const count = (value: (one: Struck) => number): number => done.reduce((sum, one) => sum + value(one), 0);
  const zero = (what: string, measured: number): Aim => ({ what, aim: '0', measured: String(measured), isMet: measured === 0 });
  return [
    zero(
      'victims who never played again',
      count(({ victimMs }) => (victimMs === null ? 1 : 0)),
    ),
    zero(
      'stalls of others',
      count(({ othersStalls }) => othersStalls),
    ),
    zero(
      'others who gave up',
      count(({ othersFailures }) => othersFailures.length),
    ),
    zero(
      'sessions lost',
      count(({ sessionsLost }) => sessionsLost),
    ),
    zero(
      'acknowledged progress lost',
      count(({ isProgressKept }) => (isProgressKept ? 0 : 1)),
    ),
  ];
}

export function struckNotes(struck: readonly Struck[]): string[] {
  return [
    'The clock is moved inside the server process, through its inspector (Date.now of every thread): the machine keeps its own. Threads are lost the same way.',
    ...struck.flatMap(({ name, skipped }) => (skipped === null ? [] : [`skipped: ${name}: ${skipped}`])),
    ...struck.flatMap(({ name, victimFailure }) => (victimFailure === null ? [] : [`the victim of “${name}” gave up: ${victimFailure}`])),
    ...struck.flatMap(({ name, othersFailures }) => othersFailures.map(failure => `beside “${name}”: ${failure}`)),
  ];
}
