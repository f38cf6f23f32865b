// Another title's session start while hostile files are scanned, beside the same start without them.
import { link, mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { HOSTILE_FILES, writeHostileFile } from '../../../test/support/hostile/hostile-files.ts';
import { median, percentile } from '../../machine/statistics.ts';
import type { Remote, Result, Scenario, ScenarioOptions } from '../../scenario.ts';
import { Viewer } from '../../viewers/viewer.ts';
import { tenMinutes480p } from '../../world/films.ts';
import { Scans } from '../../world/scans.ts';
import { Server, ServerFolder } from '../../world/server.ts';
import { NO_CACHE } from '../playback/playback-cases.ts';

/** Each: starts alone, twice as many beside the scan, and alone again. The machine's other work is the same for both. */
const ROUNDS = 6;
const STARTS = 3;
/** Between two starts: while a viewer waits, no file is read. */
const PAUSE_MS = 1_000;
const FIRST_FILE_DEADLINE_MS = 60_000;
const AIM = 1.2;

type Times = { readonly alone: number[]; readonly beside: number[] };

export const hostile: Scenario = {
  about: "another title's session start while hostile files are scanned",
  needs: ['ffmpeg'],
  allowsRemote: false,
  run: async options => {
    const folder = await ServerFolder.create([await tenMinutes480p(options)]);
    const hostileFolder = join(tmpdir(), `ferrite-hostile-${process.pid}`);
    await mkdir(hostileFolder);
    try {
      const paths: string[] = [];
      for (const file of HOSTILE_FILES) paths.push(await writeHostileFile(hostileFolder, file));
      const server = await Server.start(folder, { settings: NO_CACHE });
      try {
        return report(await measure(options, server.remote, paths));
      } finally {
        await server.stop();
      }
    } finally {
      await folder.remove();
      await rm(hostileFolder, { recursive: true, force: true });
    }
  },
};

async function measure(options: ScenarioOptions, remote: Remote, paths: readonly string[]) {
  const viewer = await Viewer.signIn(remote);
  const mediaId = await viewer.firstMediaId();
  const times = { remux: { alone: [], beside: [] } as Times, transcode: { alone: [], beside: [] } as Times };
  const read = { indexed: 0, refused: 0 };
  let started = 0;
  const start = async (into: keyof Times): Promise<void> => {
    // None twice, nor where an encode of another start may have come to.
    const positionMs = 10_000 + Math.round(((started++ * 0.618) % 1) * 560_000);
    for (const delivery of ['remux', 'transcode'] as const) {
      const { times: took, session } = await viewer.play({ mediaId, delivery, positionMs, capabilities: { maxHeight: 480 } });
      times[delivery][into].push(took.ttffMs);
      await viewer.stop(session);
    }
  };
  const block = async (into: keyof Times, count: number): Promise<void> => {
    for (let at = 0; at < count; at++) {
      await start(into);
      await delay(PAUSE_MS);
    }
  };
  await start('alone');
  for (const { alone } of Object.values(times)) alone.length = 0;
  for (let round = 0; round < (options.rounds ?? ROUNDS); round++) {
    options.say(`hostile: round ${round + 1}`);
    await block('alone', STARTS);
    // Each round begins with another file: those that go first are read for certain.
    await besideScan(remote, rotated(paths, round * 3), async scans => {
      await block('beside', 2 * STARTS);
      const { probed, failed } = await scans.facts();
      read.indexed += probed;
      read.refused += failed;
    });
    await block('alone', STARTS);
  }
  viewer.close();
  return { times, read };
}

const rotated = <T>(list: readonly T[], by: number): T[] => list.map((_, at) => list[(at + by) % list.length] as T);

/** While these files, in this order, are a library that is scanned for the first time; it is gone afterwards. */
async function besideScan(remote: Remote, paths: readonly string[], work: (scans: Scans) => Promise<void>): Promise<void> {
  const folder = `${paths[0]}-library`;
  await mkdir(folder);
  for (const [at, path] of paths.entries()) await link(path, join(folder, `${String(at).padStart(2, '0')} ${basename(path)}`));
  const scans = await Scans.ofNew(remote, 'hostile', folder);
  try {
    await readsFiles(scans);
    await work(scans);
  } finally {
    await scans.remove();
    await rm(folder, { recursive: true });
  }
}

/** Its inspectors run, and one of them has read the first file. */
async function readsFiles(scans: Scans): Promise<void> {
  const giveUpAtMs = performance.now() + FIRST_FILE_DEADLINE_MS;
  for (;;) {
    const { probed, failed } = await scans.facts();
    if (probed + failed > 0) return;
    if (performance.now() > giveUpAtMs) throw new Error('the scan did not read a file in time');
    await delay(50);
  }
}

function report({ times, read }: Awaited<ReturnType<typeof measure>>): Result {
  const kinds = Object.entries(times);
  const ratio = ({ alone, beside }: Times): number => median(beside) / median(alone);
  return {
    tables: [
      {
        title: "Another title's start, POST /sessions to its first video and audio segment, ms",
        columns: ['', 'alone, median', 'beside, median', 'ratio', 'alone, p95', 'beside, p95'],
        rows: kinds.map(([kind, one]) => [
          kind,
          median(one.alone),
          median(one.beside),
          ratio(one),
          percentile(one.alone, 0.95),
          percentile(one.beside, 0.95),
        ]),
      },
    ],
    aims: kinds.map(([kind, one]) => ({
      what: `${kind} start while hostile files are scanned`,
      aim: `≤ ${AIM}× of without`,
      measured: `${ratio(one).toFixed(2)}×`,
      isMet: ratio(one) <= AIM,
    })),
    notes: [`Beside the starts ${read.refused} files were refused and ${read.indexed} indexed.`],
    samples: Object.fromEntries(
      kinds.flatMap(([kind, { alone, beside }]) => [
        [`${kind} alone`, alone],
        [`${kind} beside`, beside],
      ]),
    ),
  };
}
