// Segment readiness: from the last byte of a segment out of ffmpeg to its first byte at the client who waits for it.
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { p95 } from '../../load/comparison.ts';
import { LOAD_CORE, moveSelf, SERVER_CORE } from '../../machine/processes.ts';
import { quietMoment } from '../../machine/quiet.ts';
import { median } from '../../machine/statistics.ts';
import type { Result, Scenario, ScenarioOptions } from '../../scenario.ts';
import { Viewer } from '../../viewers/viewer.ts';
import { busyPositionMs, tenMinutes } from '../../world/films.ts';
import { withServer } from '../../world/server.ts';
import { NO_CACHE } from './playback-cases.ts';

const SESSIONS = 8;
const SEGMENTS_PER_SESSION = 13;
const AIM_MS = 1;
const PROBE = fileURLToPath(new URL('../../peers/ffmpeg-probe.mjs', import.meta.url));

export const readiness: Scenario = {
  about: 'from the last byte of a segment out of ffmpeg to its first byte at the client who waits for it',
  needs: ['ffmpeg', 'taskset'],
  allowsRemote: false,
  run: async options => {
    const film = await tenMinutes(options);
    const shared = await measure(options, film, { serverCore: null, ffmpegCore: null });
    await moveSelf(SERVER_CORE);
    try {
      const apart = await measure(options, film, { serverCore: SERVER_CORE, ffmpegCore: LOAD_CORE });
      return report(shared, apart);
    } finally {
      await moveSelf(null);
    }
  },
};

type Placement = { readonly serverCore: number | null; readonly ffmpegCore: number | null };

async function measure(options: ScenarioOptions, film: string, { serverCore, ffmpegCore }: Placement): Promise<readonly number[]> {
  const folder = await mkdtemp(join(tmpdir(), 'ferrite-probe-'));
  try {
    const launcher = join(folder, 'ffmpeg');
    await writeFile(launcher, `#!/bin/sh\nexec '${process.execPath}' '${PROBE}' '${folder}' '${ffmpegCore ?? '-'}' "$@"\n`);
    await chmod(launcher, 0o755);
    const settings = { ...NO_CACHE, FERRITE_FFMPEG: launcher };
    return await withServer({ films: [film], settings, core: serverCore }, async server => {
      const viewer = await Viewer.signIn(server.remote);
      const mediaId = await viewer.firstMediaId();
      const delays: number[] = [];
      for (let at = 0; at < (options.rounds ?? SESSIONS); at++) {
        options.say(`readiness: ${ffmpegCore === null ? 'ffmpeg on every core' : 'ffmpeg on a core of its own'}, session ${at + 1}`);
        await quietMoment();
        delays.push(...(await measureSession(viewer, mediaId, busyPositionMs(2 * at, at), folder)));
      }
      viewer.close();
      return delays;
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** One segment after another, each asked for before it is ready. */
async function measureSession(viewer: Viewer, mediaId: string, positionMs: number, folder: string): Promise<number[]> {
  const played = await viewer.play({ mediaId, delivery: 'transcode', positionMs, capabilities: { maxHeight: 480 } });
  const { video } = played;
  if (!video) throw new Error('a transcode has a video playlist');
  const first = video.segments.findLastIndex(({ startS }) => startS * 1000 <= positionMs);
  const fetched = played.fetched.find(({ path }) => path.endsWith(`/${first}.m4s`));
  const arrivals = fetched ? [fetched.answer] : [];
  const wanted = video.segments.slice(first + 1, first + SEGMENTS_PER_SESSION);
  for (const { name } of wanted) arrivals.push(await viewer.http.get(video.folder + name));
  await viewer.stop(played.session);
  const { fps, doneAtMs } = await takeLog(folder);
  let frames = 0;
  return arrivals.flatMap((answer, at) => {
    frames += Math.round((video.segments[first + at]?.durationS ?? 0) * fps);
    const readyAtMs = doneAtMs.get(frames);
    // A segment that was ready before its request says nothing.
    return readyAtMs === undefined || answer.sentAtMs > readyAtMs ? [] : [answer.firstByteAtMs - readyAtMs];
  });
}

/** The log of the session's one video encode, and none left for the next: when which frame's last byte came out. */
async function takeLog(folder: string): Promise<{ fps: number; doneAtMs: ReadonlyMap<number, number> }> {
  const names = (await readdir(folder)).filter(name => name.endsWith('.log'));
  const [name] = names;
  if (name === undefined || names.length > 1) throw new Error(`${names.length} encodes ran for one session`);
  const text = await readFile(join(folder, name), 'utf8');
  await rm(join(folder, name));
  const [args = '', ...lines] = text.trim().split('\n');
  const [, num, den] = args.match(/fps=(\d+)\/(\d+)/) ?? [];
  const doneAtMs = new Map(
    lines.map(line => {
      const [count, ns] = line.split(' ');
      return [Number(count), Number(ns) / 1e6];
    }),
  );
  return { fps: Number(num) / Number(den), doneAtMs };
}

function report(shared: readonly number[], apart: readonly number[]): Result {
  const row = (what: string, samples: readonly number[]) => [
    what,
    samples.length,
    median(samples),
    p95(samples),
    Math.min(...samples),
    Math.max(...samples),
  ];
  const aim = (what: string, samples: readonly number[]) => ({
    what: `readiness at p95, ${what}`,
    aim: `< ${AIM_MS} ms`,
    measured: `${p95(samples).toFixed(2)} ms`,
    isMet: p95(samples) < AIM_MS,
  });
  return {
    tables: [
      {
        title: 'Last byte of a segment out of ffmpeg → first byte of it at the client, ms',
        columns: ['ffmpeg', 'segments', 'p50', 'p95', 'min', 'max'],
        rows: [row('on every core', shared), row('on a core of its own', apart)],
      },
    ],
    aims: [aim('ffmpeg on every core', shared), aim('ffmpeg on a core of its own', apart)],
    notes: [
      'The clock starts when a probe between ffmpeg and the server has read the segment’s last byte, before it passes it on: the probe’s own write counts.',
      'On every core: ffmpeg’s threads, the server’s and the client’s compete. A core of its own: the server and the client share the other one.',
    ],
    samples: { 'ffmpeg on every core ms': shared, 'ffmpeg on a core of its own ms': apart },
  };
}
