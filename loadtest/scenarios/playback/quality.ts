// What a transcode costs in bits and how it looks: each rung as it is served, beside plain `ffmpeg -preset veryfast` of the same size and ceiling.
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { runProgram } from '../../machine/programs.ts';
import type { Cell, Result, Scenario } from '../../scenario.ts';
import { parseMediaPlaylist, Viewer } from '../../viewers/viewer.ts';
import { SAMPLE_480P } from '../../world/films.ts';
import { withServer } from '../../world/server.ts';

const AIM = 1.05;
/** Bytes grow with this power of what is lost, 1 - SSIM: plain x264 at CRF 22 to 24 on the sample film. */
const BYTES_BY_LOSS = 0.87;
const DEADLINE_MS = 600_000;
const GOP_S = 2;

export const quality: Scenario = {
  about: 'bytes, SSIM and PSNR of each rung of a whole film, beside plain ffmpeg -preset veryfast',
  needs: ['ffmpeg'],
  allowsRemote: false,
  run: async ({ say }) => {
    const folder = await mkdtemp(join(tmpdir(), 'ferrite-quality-'));
    try {
      return report(await withServer({ films: [SAMPLE_480P] }, ({ remote }) => measure(remote, folder, say)));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

type Look = { readonly kbps: number; readonly ssim: number; readonly psnr: number };
type Rung = { readonly name: string; readonly declaredKbps: number; readonly served: Look; readonly plain: Look };

async function measure(remote: Parameters<typeof Viewer.signIn>[0], folder: string, say: (line: string) => void): Promise<Rung[]> {
  const viewer = await Viewer.signIn(remote);
  const mediaId = await viewer.firstMediaId();
  const session = await viewer.start({ mediaId, delivery: 'transcode', positionMs: 0, capabilities: {} });
  const main = (await viewer.http.get(session.streamUrl)).body.toString('utf8');
  const base = session.streamUrl.replace(/[^/]+$/, '');
  const rungs: Rung[] = [];
  // Each rung stands there once for each group of sound.
  const variants = new Map(
    [...main.matchAll(/^#EXT-X-STREAM-INF:(.*)\n(.+)$/gm)].map(([, attributes = '', uri = '']) => [uri, attributes]),
  );
  for (const [uri, attributes] of variants) {
    const [, width = '', height = ''] = attributes.match(/RESOLUTION=(\d+)x(\d+)/) ?? [];
    const bandwidth = Number(attributes.match(/(?:^|,)BANDWIDTH=(\d+)/)?.[1]);
    say(`quality: ${width}x${height}`);
    const list = parseMediaPlaylist(base + uri, (await viewer.http.get(base + uri)).body.toString('utf8'));
    const parts: Buffer[] = [];
    for (const name of [list.initName, ...list.segments.map(segment => segment.name)])
      parts.push((await viewer.http.get(list.folder + name)).body);
    const [served, plain] = ['served.mp4', 'plain.mp4'].map(name => join(folder, `${height}-${name}`));
    if (served === undefined || plain === undefined) throw new Error('two files were named');
    await writeFile(served, Buffer.concat(parts));
    const size = `${width}:${height}`;
    const ceiling = ceilingOf(parts[0]);
    const rate = ['-maxrate', ceiling, '-bufsize', ceiling];
    const keyframes = ['-sc_threshold', '0', '-force_key_frames', `expr:gte(t,n_forced*${GOP_S})`];
    const encode = ['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '23', ...rate, ...keyframes];
    const command = ['-v', 'error', '-y', '-i', SAMPLE_480P, '-an', '-vf', `scale=${size}:flags=bicubic,format=yuv420p`, ...encode, plain];
    await runProgram('ffmpeg', command, DEADLINE_MS);
    const durationS = list.segments.reduce((sum, segment) => sum + segment.durationS, 0);
    rungs.push({
      name: `${width}x${height}`,
      declaredKbps: bandwidth / 1000,
      served: await look(served, size, durationS),
      plain: await look(plain, size, durationS),
    });
  }
  await viewer.stop(session);
  viewer.close();
  return rungs;
}

/** The rate that the encoder was told, from the `btrt` box of its header (ISO/IEC 14496-12, 8.5.2.2). */
function ceilingOf(init: Buffer | undefined): string {
  const at = init?.indexOf('btrt') ?? -1;
  if (!init || at === -1) throw new Error('the encode does not tell its ceiling');
  return String(init.readUInt32BE(at + 8));
}

async function look(path: string, size: string, durationS: number): Promise<Look> {
  // On one clock: frame by frame.
  const same = 'settb=1/1000,setpts=N,format=yuv420p';
  const graph = `[1:v]scale=${size}:flags=bicubic,${same},split[r1][r2];[0:v]${same},split[a][b];[a][r1]ssim[s];[b][r2]psnr[p]`;
  const outputs = ['-map', '[s]', '-f', 'null', '-', '-map', '[p]', '-f', 'null', '-'];
  const { stderr } = await execa('ffmpeg', [
    '-hide_banner',
    '-nostdin',
    '-i',
    path,
    '-i',
    SAMPLE_480P,
    '-filter_complex',
    graph,
    ...outputs,
  ]);
  const { size: bytes } = await stat(path);
  return {
    kbps: (bytes * 8) / durationS / 1000,
    ssim: Number(stderr.match(/SSIM Y:([\d.]+)/)?.[1]),
    psnr: Number(stderr.match(/PSNR y:([\d.]+)/)?.[1]),
  };
}

const atEqualSsim = ({ served, plain }: Rung): number => served.kbps * ((1 - served.ssim) / (1 - plain.ssim)) ** BYTES_BY_LOSS;

function report(rungs: readonly Rung[]): Result {
  const rows = rungs.flatMap((rung): Cell[][] => {
    const { name, declaredKbps, served, plain } = rung;
    return [
      [name, 'served', served.kbps, served.ssim, served.psnr, served.kbps / plain.kbps, atEqualSsim(rung) / plain.kbps, declaredKbps],
      [name, 'plain veryfast', plain.kbps, plain.ssim, plain.psnr, 1, 1, null],
    ];
  });
  const sum = (of: (rung: Rung) => number): number => rungs.reduce((total, rung) => total + of(rung), 0);
  const ratio = sum(atEqualSsim) / sum(({ plain }) => plain.kbps);
  return {
    tables: [
      {
        title: 'Each rung of the sample film',
        columns: ['rung', 'made', 'kb/s', 'SSIM Y', 'PSNR Y', 'bytes', 'bytes at equal SSIM', 'declared kb/s'],
        rows,
      },
    ],
    aims: [
      { what: 'bytes of all rungs at equal SSIM, beside plain veryfast', aim: `≤ ${AIM}`, measured: ratio.toFixed(3), isMet: ratio <= AIM },
    ],
    notes: [
      'Equal SSIM is reckoned: what is served would lose as much as plain ffmpeg does if it had so many bytes.',
      'Both are compared with the source, scaled as they are. Plain ffmpeg has the same CRF, ceiling and keyframes every two seconds.',
    ],
    samples: { 'served kb/s': rungs.map(({ served }) => served.kbps), 'plain kb/s': rungs.map(({ plain }) => plain.kbps) },
  };
}
