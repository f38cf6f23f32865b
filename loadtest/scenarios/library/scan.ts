// Scans: small files a second beside bare ffprobe in a loop, what a poster costs, and how soon films of 1080p are listed.

import { readFileSync } from 'node:fs';
import { copyFile, link, mkdir, mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cpuSeconds, descendants, startedBy } from '../../machine/processes.ts';
import { runProgram } from '../../machine/programs.ts';
import type { Result, Scenario } from '../../scenario.ts';
import { SAMPLE_480P, SAMPLE_1080P } from '../../world/films.ts';
import { Scans } from '../../world/scans.ts';
import { Server, ServerFolder } from '../../world/server.ts';

const SMALL_FILES = 2_000;
const FILMS = 24;
const LOOPED = 150;
/** Inspectors go behind everybody else; so does the loop, or a busy machine would be what is measured. */
const NICENESS = '10';
/** Enough to tell what one costs. */
const POSTERS = 40;
const RATE_AIM = 1;
const POSTER_AIM_S = 0.1;
const FILMS_AIM_S = 3;
const SCAN_DEADLINE_MS = 600_000;
const POSTERS_DEADLINE_MS = 600_000;
const TICKS_PER_SECOND = 100;

export const scan: Scenario = {
  about: `${SMALL_FILES} small files (--sessions) listed beside bare ffprobe in a loop, their posters, and ${FILMS} films of 1080p`,
  needs: ['ffmpeg'],
  allowsRemote: false,
  run: async options => {
    const folder = await mkdtemp(join(tmpdir(), 'ferrite-scan-'));
    try {
      const clip = join(folder, 'clip.mp4');
      const cut = ['-ss', '12', '-t', '4', '-i', SAMPLE_480P, '-c', 'copy', clip];
      await runProgram('ffmpeg', ['-hide_banner', '-nostdin', '-v', 'error', '-y', ...cut], 30_000);
      const count = options.sessions ?? SMALL_FILES;
      options.say(`scan: ${count} small files`);
      const small = await measure(clip, count, join(folder, 'small'));
      options.say(`scan: ${FILMS} films of 1080p`);
      const films = await measure(SAMPLE_1080P, FILMS, join(folder, 'films'));
      return report(count, small, films);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

type Measured = {
  readonly listS: number;
  /** Of inspectors and the programs they started. */
  readonly listCpuS: number;
  /** The same minute, before and after: files a second of a loop of ffprobe. */
  readonly loopRate: number;
  readonly posters: number;
  readonly posterS: number;
  readonly posterCpuS: number;
};

async function measure(film: string, count: number, films: string): Promise<Measured> {
  await mkdir(films);
  await copies(film, films, count);
  const folder = await ServerFolder.create([]);
  try {
    const before = await ffprobeLoop(films);
    // Begun empty, so that what is timed is the scan and not the start.
    const server = await Server.start(folder);
    try {
      for (const name of await readdir(films)) await link(join(films, name), join(folder.library, name));
      const scans = await Scans.of(server.remote);
      const [starter, cpuBefore] = [starterOf(server.pid), programsCpuS(server.pid)];
      await scans.start();
      const { startedAtMs, endedAtMs, failed } = await scans.ended(SCAN_DEADLINE_MS);
      const listCpuS = programsCpuS(server.pid) - cpuBefore;
      if (failed > 0) throw new Error(`${failed} files were not listed`);
      const posters = await measurePosters(starter, join(folder.data, 'posters'), count);
      return { listS: (endedAtMs - startedAtMs) / 1000, listCpuS, loopRate: (before + (await ffprobeLoop(films))) / 2, ...posters };
    } finally {
      await server.stop();
    }
  } finally {
    await folder.remove();
    await rm(films, { recursive: true, force: true });
  }
}

/** Each with a time of its own: another film to the server. */
async function copies(film: string, folder: string, count: number): Promise<void> {
  for (let number = 1; number <= count; number++) {
    const path = join(folder, `Film ${number}.mp4`);
    await copyFile(film, path);
    await utimes(path, number, number);
  }
}

async function ffprobeLoop(films: string): Promise<number> {
  const names = (await readdir(films)).slice(0, LOOPED);
  const startedAtMs = performance.now();
  for (const name of names)
    await runProgram(
      'nice',
      ['-n', NICENESS, 'ffprobe', '-v', 'error', '-show_format', '-show_streams', '-show_chapters', '-of', 'json', join(films, name)],
      30_000,
    );
  return (names.length * 1000) / (performance.now() - startedAtMs);
}

/** What is left when the last file is listed is nothing but posters: every process that ends is one of theirs. */
async function measurePosters(
  starter: number,
  folder: string,
  count: number,
): Promise<Pick<Measured, 'posters' | 'posterS' | 'posterCpuS'>> {
  const made = async () => (await readdir(folder).catch(() => [])).filter(name => name.endsWith('.jpg')).length;
  const [madeBefore, cpuBefore, startedAtMs] = [await made(), endedChildrenS(starter), performance.now()];
  const wanted = Math.min(count, madeBefore + POSTERS);
  while ((await made()) < wanted) {
    if (performance.now() - startedAtMs > POSTERS_DEADLINE_MS) throw new Error('the posters were not cut in time');
    await delay(50);
  }
  const posters = wanted - madeBefore;
  return {
    posters,
    posterS: (performance.now() - startedAtMs) / 1000,
    posterCpuS: posters === 0 ? 0 : (endedChildrenS(starter) - cpuBefore) / posters,
  };
}

function starterOf(serverPid: number): number {
  const starter = descendants(serverPid).find(({ argv }) => argv.some(word => word.endsWith('spawner.ts')));
  if (!starter) throw new Error('the server has no process starter');
  return starter.pid;
}

/** Programs that have ended, and the inspectors that have not. */
function programsCpuS(serverPid: number): number {
  const inspectors = startedBy(serverPid).filter(({ argv }) => argv.some(word => word.endsWith('inspector.ts')));
  return inspectors.reduce((sum, { pid }) => sum + cpuSeconds(pid), endedChildrenS(starterOf(serverPid)));
}

/** Processor time of the children that a process has waited for. */
function endedChildrenS(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND;
}

function report(count: number, small: Measured, films: Measured): Result {
  const rate = count / small.listS;
  const row = (what: string, files: number, { listS, listCpuS, loopRate, posters, posterS, posterCpuS }: Measured) => [
    what,
    listS,
    files / listS,
    listCpuS / files,
    loopRate,
    files / listS / loopRate,
    posters,
    posters === 0 ? null : posterS,
    posters === 0 ? null : posterCpuS,
  ];
  const columns = [
    '',
    'listed, s',
    'files/s',
    'CPU s a file',
    'ffprobe loop, files/s',
    'ratio',
    'posters timed',
    'their s',
    'CPU s a poster',
  ];
  return {
    tables: [
      {
        title: 'Scans',
        columns,
        rows: [row(`${count} clips of 480p, 4 s`, count, small), row(`${FILMS} films of 1080p, 30 s`, FILMS, films)],
      },
    ],
    aims: [
      {
        what: 'files a second, beside bare ffprobe in a loop',
        aim: `≥ ${RATE_AIM}×`,
        measured: `${(rate / small.loopRate).toFixed(2)}×`,
        isMet: rate >= RATE_AIM * small.loopRate,
      },
      {
        what: 'processor time of a poster (480p)',
        aim: `≤ ${POSTER_AIM_S} s`,
        measured: `${small.posterCpuS.toFixed(3)} s`,
        isMet: small.posterCpuS <= POSTER_AIM_S,
      },
      {
        what: `${FILMS} films of 1080p listed`,
        aim: `< ${FILMS_AIM_S} s`,
        measured: `${films.listS.toFixed(2)} s`,
        isMet: films.listS < FILMS_AIM_S,
      },
    ],
    notes: [
      'Posters are cut at low priority while files are listed too: what is timed of them is what is left when the last file is listed.',
    ],
    samples: {},
  };
}
