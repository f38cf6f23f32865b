// How true a ladder is: what is declared of each rung beside what it takes, and what per-title bounds save beside those of any film.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Cell, Result, Scenario, ScenarioOptions } from '../../scenario.ts';
import { Viewer } from '../../viewers/viewer.ts';
import { type WeighedVariant, weigh } from '../../viewers/weighing.ts';
import { contrastingFilms } from '../../world/films.ts';
import { withServer } from '../../world/server.ts';

/** Apple's rules 1.26 and 1.27. */
const AIM = 0.1;
/** Bytes grow with this power of what is lost, 1 - SSIM: plain x264 at CRF 22 to 24 on the sample film. */
const BYTES_BY_LOSS = 0.87;

export const ladder: Scenario = {
  about: 'declared rates of every rung of six films beside what they take, and bytes and SSIM beside the same ladder for any film',
  needs: ['ffmpeg'],
  allowsRemote: false,
  run: async options => {
    const folder = await mkdtemp(join(tmpdir(), 'ferrite-ladder-'));
    try {
      const films: Film[] = [];
      for (const [name, path] of Object.entries(await contrastingFilms(options))) films.push(await measure(name, path, folder, options));
      return report(films);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

type Rung = WeighedVariant & { readonly ssim: number };
type Film = { readonly name: string; readonly cpuSeconds: number; readonly titled: readonly Rung[]; readonly usual: readonly Rung[] };

async function measure(name: string, path: string, folder: string, { say }: Pick<ScenarioOptions, 'say'>): Promise<Film> {
  let cpuSeconds = 0;
  const rungsWith = (FERRITE_PREDICT_RATES: 'yes' | 'no'): Promise<Rung[]> =>
    withServer({ films: [path], settings: { FERRITE_PREDICT_RATES } }, async server => {
      if (FERRITE_PREDICT_RATES === 'yes') cpuSeconds = await server.ratesMeasured();
      say(`ladder: ${name}, ${FERRITE_PREDICT_RATES === 'yes' ? `predicted in ${cpuSeconds} s of processor time` : 'as any film'}`);
      const viewer = await Viewer.signIn(server.remote);
      const session = await viewer.start({
        mediaId: await viewer.firstMediaId(),
        delivery: 'transcode',
        positionMs: 0,
        capabilities: {},
      });
      const rungs: Rung[] = [];
      for (const variant of await weigh(viewer, session)) rungs.push({ ...variant, ssim: await ssim(variant, path, folder) });
      await viewer.stop(session);
      viewer.close();
      return rungs;
    });
  return { name, titled: await rungsWith('yes'), usual: await rungsWith('no'), cpuSeconds };
}

/** Of the picture beside the film, scaled alike, frame by frame. */
async function ssim({ size, picture }: WeighedVariant, path: string, folder: string): Promise<number> {
  const served = join(folder, `${size}.mp4`);
  await writeFile(served, picture);
  const same = 'settb=1/1000,setpts=N';
  const graph = `[1:v]scale=${size.replace('x', ':')}:flags=bicubic,format=yuv420p,${same}[r];[0:v]format=yuv420p,${same}[a];[a][r]ssim`;
  const { stderr } = await execa('ffmpeg', [
    ...['-hide_banner', '-nostdin', '-i', served, '-i', path, '-filter_complex', graph, '-f', 'null', '-'],
  ]);
  return Number(stderr.match(/SSIM Y:([\d.]+)/)?.[1]);
}

const kbps = (bps: number): number => bps / 1000;

function report(films: readonly Film[]): Result {
  const rows = films.flatMap(({ name, titled }) =>
    titled.map(({ size, declared, measured }): Cell[] => [
      ...[name, size, kbps(declared.averageBps), kbps(measured.averageBps), measured.averageBps / declared.averageBps],
      ...[kbps(declared.peakBps), kbps(measured.peakBps), measured.peakBps / declared.peakBps],
    ]),
  );
  const savings = films.map(film => ({ film, ...savingOf(film) }));
  const ratios = films.flatMap(({ titled }) =>
    titled.map(({ declared, measured }) => [measured.averageBps / declared.averageBps, measured.peakBps / declared.peakBps] as const),
  );
  const isWithin = (ratio: number): boolean => Math.abs(ratio - 1) <= AIM;
  const within = (which: 0 | 1): number => ratios.filter(pair => isWithin(pair[which])).length;
  const columns = ['film', 'rung', 'average declared, kb/s', 'taken', 'ratio', 'peak declared, kb/s', 'taken', 'ratio'];
  return {
    tables: [
      { title: 'Declared and taken, with the sound', columns, rows },
      {
        title: 'Beside the ladder of any film',
        columns: [
          'film',
          'prediction, CPU s',
          'rungs',
          'rungs of any film',
          'bytes',
          'bytes at equal SSIM',
          'declared of any film / taken',
        ],
        rows: savings.map(({ film, bytes, atEqualSsim, excess }): Cell[] => [
          ...[film.name, film.cpuSeconds, film.titled.length, film.usual.length, bytes, atEqualSsim, excess],
        ]),
      },
    ],
    aims: (['AVERAGE-BANDWIDTH', 'BANDWIDTH'] as const).map((what, which) => ({
      what: `rungs whose ${what} is within 10 % of what they take`,
      aim: `${ratios.length} of ${ratios.length}`,
      measured: `${within(which as 0 | 1)} of ${ratios.length}`,
      isMet: within(which as 0 | 1) === ratios.length,
    })),
    notes: [
      'Bytes are those of the pictures of the rungs that both ladders have, per title over any film. Equal SSIM is reckoned from both.',
    ],
    samples: { 'average, taken / declared': ratios.map(([average]) => average), 'peak, taken / declared': ratios.map(([, peak]) => peak) },
  };
}

/** Of the rungs that both have. */
function savingOf({ titled, usual }: Film): { bytes: number; atEqualSsim: number; excess: number } {
  const pairs = titled.flatMap(rung => usual.filter(({ size }) => size === rung.size).map(other => [rung, other] as const));
  const sum = (of: (pair: readonly [Rung, Rung]) => number): number => pairs.reduce((total, pair) => total + of(pair), 0);
  const usualBytes = sum(([, other]) => other.picture.byteLength);
  const lossRatio = ([rung, other]: readonly [Rung, Rung]): number => (1 - rung.ssim) / (1 - other.ssim);
  return {
    bytes: sum(([rung]) => rung.picture.byteLength) / usualBytes,
    atEqualSsim: sum(pair => pair[0].picture.byteLength * lossRatio(pair) ** BYTES_BY_LOSS) / usualBytes,
    excess: sum(([, other]) => other.declared.peakBps / other.measured.averageBps) / pairs.length,
  };
}
