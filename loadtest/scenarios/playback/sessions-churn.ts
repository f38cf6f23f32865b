// Many sessions started, sought and stopped: nothing of them may be left, and memory may not grow with their number.
import { setTimeout as delay } from 'node:timers/promises';
import { descendants, openDescriptors, residentBytes } from '../../machine/processes.ts';
import { median, slope } from '../../machine/statistics.ts';
import type { Result, Scenario, ScenarioOptions } from '../../scenario.ts';
import { type Delivery, Viewer } from '../../viewers/viewer.ts';
import { SAMPLE_480P } from '../../world/films.ts';
import { type Server, withServer } from '../../world/server.ts';
import { NO_CACHE } from './playback-cases.ts';

const SESSIONS = 500;
const AT_ONCE = 4;
const SAMPLE_EVERY = 20;
const DELIVERIES: readonly Delivery[] = ['direct', 'remux', 'transcode'];
/** After the last session, for connections to be given up. */
const SETTLE_DEADLINE_MS = 30_000;
const SETTLE_STEP_MS = 250;
/** More than this per session, over the second half of the run, is a leak. */
const MOST_BYTES_PER_SESSION = 20_000;

export const sessionsChurn: Scenario = {
  about: 'many sessions started, sought and stopped (500; --sessions): processes, descriptors and memory left over',
  needs: ['ffmpeg'],
  allowsRemote: false,
  run: options => withServer({ films: [SAMPLE_480P], settings: NO_CACHE }, server => run(options, server)),
};

type Sample = { readonly sessions: number; readonly residentBytes: number; readonly descriptors: number; readonly encodes: number };

async function run(options: ScenarioOptions, server: Server): Promise<Result> {
  const total = options.sessions ?? SESSIONS;
  const viewer = await Viewer.signIn(server.remote);
  const mediaId = await viewer.firstMediaId();
  for (const delivery of DELIVERIES) await oneSession(viewer, mediaId, delivery, 0);
  await settled(server, null);
  const before = sampleOf(server, 0);
  const samples: Sample[] = [];
  const failures: string[] = [];
  let next = 0;
  const startedMs = performance.now();
  const play = async (): Promise<void> => {
    for (let number = next++; number < total; number = next++) {
      const delivery = DELIVERIES[number % DELIVERIES.length] ?? 'remux';
      await oneSession(viewer, mediaId, delivery, number).catch(error => failures.push(String(error)));
      if (number % SAMPLE_EVERY === 0) samples.push(sampleOf(server, number));
      if (number % 100 === 0) options.say(`sessions-churn: ${number} of ${total} sessions`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, play));
  const tookS = (performance.now() - startedMs) / 1000;
  const isSettled = await settled(server, before.descriptors);
  const after = sampleOf(server, total);
  const open = (await viewer.metrics()).match(/^playback_sessions (\d+)/m)?.[1] ?? 'unknown';
  viewer.close();
  return report({ total, tookS, before, after, samples, failures, open, isSettled });
}

/** Starts somewhere, seeks twice, the second time without waiting, and stops. */
async function oneSession(parent: Viewer, mediaId: string, delivery: Delivery, number: number): Promise<void> {
  const viewer = parent.another();
  try {
    const positionMs = (number * 1_900) % 28_000;
    const capabilities = delivery === 'transcode' ? { maxHeight: 240 } : {};
    const playing = await viewer.play({ mediaId, delivery, positionMs, capabilities });
    try {
      if (!playing.video) return;
      await viewer.seek(playing, (positionMs + 13_000) % 28_000);
      const given = viewer.seek(playing, (positionMs + 5_000) % 28_000).catch(() => null);
      await viewer.stop(playing.session);
      await given;
    } finally {
      await viewer.stop(playing.session);
    }
  } finally {
    viewer.close();
  }
}

function sampleOf({ pid }: Server, sessions: number): Sample {
  const family = descendants(pid);
  const descriptors = [pid, ...family.map(one => one.pid)].reduce((sum, one) => sum + descriptorsOrNone(one), 0);
  const encodes = family.filter(({ argv }) => /(^|\/)ffmpeg$/.test(argv[0] ?? '')).length;
  return { sessions, residentBytes: residentBytes(pid), descriptors, encodes };
}

/** A process may end while it is looked at. */
function descriptorsOrNone(pid: number): number {
  try {
    return openDescriptors(pid);
  } catch {
    return 0;
  }
}

/** Until no encode runs and no more descriptors are open than `descriptors`, or the deadline. */
async function settled(server: Server, descriptors: number | null): Promise<boolean> {
  const giveUpAtMs = performance.now() + SETTLE_DEADLINE_MS;
  for (;;) {
    const now = sampleOf(server, 0);
    if (now.encodes === 0 && (descriptors === null || now.descriptors <= descriptors)) return true;
    if (performance.now() > giveUpAtMs) return false;
    await delay(SETTLE_STEP_MS);
  }
}

type Soaked = {
  readonly total: number;
  readonly tookS: number;
  readonly before: Sample;
  readonly after: Sample;
  readonly samples: readonly Sample[];
  readonly failures: readonly string[];
  readonly open: string;
  readonly isSettled: boolean;
};

function report({ total, tookS, before, after, samples, failures, open, isSettled }: Soaked): Result {
  const secondHalf = samples.filter(({ sessions }) => sessions >= total / 2);
  const bytesPerSession = slope(secondHalf.map(sample => ({ x: sample.sessions, y: sample.residentBytes })));
  const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
  const row = (what: string, sample: Sample) => [what, mib(sample.residentBytes), sample.descriptors, sample.encodes];
  const middle = samples.find(({ sessions }) => sessions >= total / 2) ?? after;
  return {
    tables: [
      {
        title: `${total} sessions, ${AT_ONCE} at once, ${(total / tookS).toFixed(1)} a second, the same account`,
        columns: ['when', 'server MiB', 'descriptors', 'encodes'],
        rows: [row('after three sessions', before), row('in the middle', middle), row('at the end', after)],
      },
    ],
    aims: [
      { what: 'sessions that failed', aim: '0', measured: String(failures.length), isMet: failures.length === 0 },
      { what: 'sessions still open', aim: '0', measured: open, isMet: open === '0' },
      { what: 'encodes left over', aim: '0', measured: String(after.encodes), isMet: after.encodes === 0 },
      { what: 'descriptors left over', aim: '0', measured: String(after.descriptors - before.descriptors), isMet: isSettled },
      {
        what: 'growth of memory per session, second half',
        aim: `< ${MOST_BYTES_PER_SESSION / 1000} KB`,
        measured: `${(bytesPerSession / 1000).toFixed(1)} KB`,
        isMet: bytesPerSession < MOST_BYTES_PER_SESSION,
      },
    ],
    notes: [
      'Direct, remux and transcode (240p) in turn; each starts, seeks twice, the second time stopped before the answer is there.',
      'Nothing is cached: each transcode runs three encodes or more.',
      'Descriptors are those of the server and its process starter together.',
      ...[...new Set(failures)].slice(0, 5).map(failure => `failure: ${failure}`),
    ],
    samples: {
      'server bytes': samples.map(sample => sample.residentBytes),
      descriptors: samples.map(({ descriptors }) => descriptors),
      'median descriptors': [median(samples.map(({ descriptors }) => descriptors))],
    },
  };
}
