// `ferrite doctor`: whether a machine is ready: the programs, the folders, the port, and the encoding capacity.
import { constants } from 'node:fs';
import { access, mkdir, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Config } from './config.ts';
import { frameWork } from './domain/delivery/encode-work.ts';
import type { EncoderTrial } from './domain/encoders.ts';
import { parseMediaId } from './domain/ids.ts';
import { MachineSpeed } from './threads/machine-speed.ts';
import type { MediaHosts } from './threads/media-hosts.ts';
import { SpawnerProcess } from './threads/spawner-process.ts';
import { trialName, tryOn } from './threads/tried-encoders.ts';
import { WorkerPool } from './threads/worker-pool.ts';

export type Check = { readonly name: string; readonly isGood: boolean; readonly found: string };
export type Diagnosis = Encoding & { readonly isGood: boolean; readonly checks: readonly Check[] };
type Encoding = { readonly pixelsPerSecond: number | null; readonly trials: readonly EncoderTrial[] };

const NEEDED_NODE = { major: 22, minor: 18 };
const NEEDED_ENCODERS = ['libx264', 'aac'];
const GIB = 1024 ** 3;
/** Less than a film's worth of segments. */
const MIN_FREE_BYTES = GIB;
const CLOSE_DEADLINE_MS = 2_000;
const HEALTH_DEADLINE_MS = 2_000;
const FRAME_RATE = 24;
const SOURCE = { width: 1920, height: 1080 };
const RUNGS = { '1080p': SOURCE, '720p': { width: 1280, height: 720 }, '480p': { width: 854, height: 480 } };

export async function diagnose(config: Config): Promise<Diagnosis> {
  const checks = [
    nodeVersion(),
    machine(),
    await folder('data folder', config.dataDir),
    await folder('cache folder', config.cacheDir),
    await port(config),
  ];
  const { encoding, pixelsPerSecond, trials } = await examineEncoding(config);
  const all = [...checks, ...encoding];
  return { isGood: all.every(({ isGood }) => isGood), checks: all, pixelsPerSecond, trials };
}

export const inWords = ({ checks, trials, isGood }: Diagnosis): string =>
  [
    ...checks.map(check => `${check.isGood ? 'ok  ' : 'FAIL'}  ${check.name}: ${check.found}`),
    ...trials.map(trial => `${trial.isProven ? 'ok  ' : '-   '}  ${trialName(trial)}: ${trialInWords(trial)}`),
    isGood ? 'This machine is fit to serve.' : 'This machine is not fit to serve yet.',
  ].join('\n');

/** No machine has all of them: one that does not work is no fault, unless it is x264. */
function trialInWords({ isProven, kind, pixelsPerSecond, reason }: EncoderTrial): string {
  if (!isProven) return `does not work here: ${reason}`;
  // A trial of software is a few pictures with the start of the program in it, which says nothing of its speed: `encoding` does.
  if (kind === 'software') return 'works';
  const frames =
    pixelsPerSecond === null
      ? ''
      : `, about ${Math.round(pixelsPerSecond / (RUNGS['720p'].width * RUNGS['720p'].height))} frames of 720p a second`;
  return `works${frames}`;
}

function nodeVersion(): Check {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isGood = major > NEEDED_NODE.major || (major === NEEDED_NODE.major && minor >= NEEDED_NODE.minor);
  return { name: 'node', isGood, found: `${process.versions.node} (${NEEDED_NODE.major}.${NEEDED_NODE.minor} or newer is needed)` };
}

function machine(): Check {
  const memory = `${inGib(totalmem())} of memory, ${inGib(freemem())} of it free`;
  return { name: 'machine', isGood: true, found: `${availableParallelism()} cores, ${cpus()[0]?.model ?? 'unknown'}; ${memory}` };
}

async function folder(name: string, path: string): Promise<Check> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
    const { bavail, bsize } = await statfs(path);
    const freeBytes = bavail * bsize;
    return { name, isGood: freeBytes >= MIN_FREE_BYTES, found: `${path}, writable, ${inGib(freeBytes)} free` };
  } catch (error) {
    return { name, isGood: false, found: `${path} can not be written: ${codeOf(error)}` };
  }
}

/** Taken by a Ferrite that answers is as good as free. */
async function port({ host, port: wanted }: Config): Promise<Check> {
  const name = 'port';
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<string | null>();
  server.once('error', error => resolve(codeOf(error))).listen(wanted, host, () => resolve(null));
  const failure = await promise;
  if (failure === null) {
    await new Promise(closed => server.close(closed));
    return { name, isGood: true, found: `${host}:${wanted} is free` };
  }
  const answers = await fetch(`http://${host}:${wanted}/healthz`, { signal: AbortSignal.timeout(HEALTH_DEADLINE_MS) }).then(
    ({ ok }) => ok,
    () => false,
  );
  return {
    name,
    isGood: answers,
    found: `${host}:${wanted} ${answers ? 'is where a server answers already' : `can not be used: ${failure}`}`,
  };
}

/** As the server does it: by the process starter and in a thread. */
async function examineEncoding(config: Config): Promise<Encoding & { encoding: Check[] }> {
  const spawner = await SpawnerProcess.start(() => undefined);
  const { ffmpegPath, ffprobePath } = config;
  const pool = new WorkerPool({
    threads: 1,
    host: {
      ffmpegPath,
      ffprobePath,
      spawnerSocketPath: spawner.socketPath,
      maxWarmEncoders: 0,
      extracted: { dir: join(config.cacheDir, 'extracted'), maxBytes: 0 },
    },
  });
  try {
    await pool.start();
    return await examine(config, pool);
  } finally {
    await pool.close(CLOSE_DEADLINE_MS);
    await spawner.close();
  }
}

async function examine(config: Config, hosts: MediaHosts): Promise<Encoding & { encoding: Check[] }> {
  const mediaId = parseMediaId('any-media');
  const { ffmpeg, ffprobe, canBurn, readable } = await hosts.request('tools.check', { mediaId });
  const { encoders } = await hosts.request('machine.encoders', { mediaId });
  const missing = NEEDED_ENCODERS.filter(encoder => !encoders.includes(encoder));
  const encoding: Check[] = [
    { name: 'ffmpeg', isGood: ffmpeg !== null, found: ffmpeg ?? `${config.ffmpegPath} can not be started` },
    { name: 'ffprobe', isGood: ffprobe !== null, found: ffprobe ?? `${config.ffprobePath} can not be started` },
    {
      name: 'encoders',
      isGood: missing.length === 0,
      found: missing.length === 0 ? NEEDED_ENCODERS.join(', ') : `missing: ${missing.join(', ')}`,
    },
  ];
  if (ffmpeg !== null) {
    const { canConvert } = await hosts.request('machine.colours', { mediaId });
    const found = canConvert
      ? 'zscale and tonemap bring HDR and wide gamut down to plain screens: a known grey came out right'
      : 'not there: this ffmpeg needs zscale (libzimg) and tonemap; HDR films reach HDR screens alone';
    encoding.push({ name: 'tone mapping', isGood: true, found });
  }
  if (ffmpeg !== null && !(canBurn.text && canBurn.pictures)) {
    const lacks = [...(canBurn.text ? [] : ['libass']), ...(canBurn.pictures ? [] : ['the overlay filter'])].join(' and ');
    // All else works.
    encoding.push({ name: 'subtitles', isGood: true, found: `can not be burned in: ffmpeg was built without ${lacks}` });
  } else if (ffmpeg !== null) encoding.push({ name: 'subtitles', isGood: true, found: 'can be burned in' });
  if (ffmpeg !== null && !readable.teletext)
    encoding.push({ name: 'teletext', isGood: true, found: 'can not be read: ffmpeg was built without libzvbi' });
  if (ffmpeg === null || missing.length > 0) return { encoding, pixelsPerSecond: null, trials: [] };
  const trials = await tried(config, hosts);
  const failed = trials.find(({ name, isProven }) => name === 'libx264' && !isProven);
  if (failed) encoding.push({ name: 'x264', isGood: false, found: failed.reason });
  try {
    const speed = await MachineSpeed.read(config.dataDir);
    const pixelsPerSecond = await speed.measure(ffmpeg, hosts, new AbortController().signal);
    encoding.push({ name: 'encoding', isGood: true, found: speedInWords(pixelsPerSecond, config.maxTranscodes) });
    return { encoding, pixelsPerSecond, trials };
  } catch (error) {
    encoding.push({ name: 'encoding', isGood: false, found: `the machine could not be measured: ${codeOf(error)}` });
    return { encoding, pixelsPerSecond: null, trials };
  }
}

/** Codecs in software whatever the settings say; hardware as they allow, for there are drivers that bring a machine down. */
async function tried({ hardware }: Config, hosts: MediaHosts): Promise<readonly EncoderTrial[]> {
  return tryOn(hosts, { software: true, hardware }, new AbortController().signal).catch(() => []);
}

function speedInWords(pixelsPerSecond: number, maxTranscodes: number): string {
  const times = Object.entries(RUNGS).map(
    ([rung, made]) => `${(pixelsPerSecond / (frameWork(made, SOURCE) * FRAME_RATE)).toFixed(1)}× ${rung}`,
  );
  const limit = maxTranscodes > 0 ? `; FERRITE_MAX_TRANSCODES allows ${maxTranscodes} at once, whatever their size` : '';
  return `${Math.round(pixelsPerSecond / 1e6)} million pixels a second: about ${times.join(', ')} of a 1080p film in real time at ${FRAME_RATE} frames${limit}`;
}

const inGib = (bytes: number): string => `${(bytes / GIB).toFixed(1)} GiB`;

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : error instanceof Error ? error.name : 'unknown failure';
