// Another title's session start while hostile files are scanned, beside the same start without them.
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HOSTILE_FILES, writeHostileFile } from '../../../test/support/hostile/hostile-files.ts';
import { median, percentile } from '../../machine/statistics.ts';
import type { Result, Scenario, ScenarioOptions } from '../../scenario.ts';
import { Viewer } from '../../viewers/viewer.ts';
import { fourMinutes } from '../../world/films.ts';
import { Scans } from '../../world/scans.ts';
import { Server, ServerFolder } from '../../world/server.ts';
import { NO_CACHE } from '../playback/playback-cases.ts';

const ROUNDS = 12;
const AIM = 1.2;
const SCAN_DEADLINE_MS = 600_000;

type Times = { readonly alone: number[]; readonly beside: number[] };

export const hostile: Scenario = {
  about: "another title's session start while hostile files are scanned",
  needs: ['ffmpeg'],
  allowsRemote: false,
  run: async options => {
    const folder = await ServerFolder.create([await fourMinutes(options)]);
    const hostileFolder = join(tmpdir(), `ferrite-hostile-${process.pid}`);
    await mkdir(hostileFolder);
    try {
      const paths = [];
      for (const file of HOSTILE_FILES) paths.push(await writeHostileFile(hostileFolder, file));
      const server = await Server.start(folder, { settings: NO_CACHE });
      try {
        return report(await measure(options, server, folder.library, paths));
      } finally {
        await server.stop();
      }
    } finally {
      await folder.remove();
      await rm(hostileFolder, { recursive: true, force: true });
    }
  },
};

async function measure(options: ScenarioOptions, server: Server, library: string, paths: readonly string[]) {
  const viewer = await Viewer.signIn(server.remote);
  const scans = await Scans.of(server.remote);
  const mediaId = await viewer.firstMediaId();
  const times = { remux: { alone: [], beside: [] } as Times, transcode: { alone: [], beside: [] } as Times };
  const rounds = options.rounds ?? ROUNDS;
  const start = async (round: number, into: 'alone' | 'beside'): Promise<void> => {
    for (const delivery of ['remux', 'transcode'] as const) {
      const positionMs = 15_000 + ((round * 2 + Number(into === 'beside')) % 14) * 15_000;
      const { times: took, session } = await viewer.play({ mediaId, delivery, positionMs, capabilities: { maxHeight: 480 } });
      times[delivery][into].push(took.ttffMs);
      await viewer.stop(session);
    }
  };
  await start(0, 'alone');
  times.remux.alone.length = 0;
  times.transcode.alone.length = 0;
  for (let round = 0; round < rounds; round++) await start(round, 'alone');
  for (const path of paths) await copyFile(path, join(library, path.split('/').at(-1) ?? ''));
  await scans.start();
  for (let round = 0; round < rounds; round++) {
    options.say(`hostile: round ${round + 1}`);
    if ((await scans.facts()).state !== 'running') await scans.start();
    await start(round, 'beside');
  }
  const { probed, failed, startedAtMs, endedAtMs } = await scans.ended(SCAN_DEADLINE_MS);
  viewer.close();
  return { times, probed, failed, scanS: (endedAtMs - startedAtMs) / 1000 };
}

function report({ times, probed, failed, scanS }: Awaited<ReturnType<typeof measure>>): Result {
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
    notes: [`The last scan took ${scanS.toFixed(1)} s: ${failed} files refused, ${probed} indexed.`],
    samples: Object.fromEntries(
      kinds.flatMap(([kind, { alone, beside }]) => [
        [`${kind} alone`, alone],
        [`${kind} beside`, beside],
      ]),
    ),
  };
}
