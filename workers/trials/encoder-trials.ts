// Which encoders and decoders really work here: each is given some pictures, in a process of its own with a deadline, and what comes out is
// decoded and looked at. That ffmpeg was built with one, or that its library loads, proves nothing.
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ENCODER_NAMES, type EncoderName, type EncoderTrial, encoderFacts, HARDWARE_KINDS, type HardwareKind } from '#domain/encoders.ts';
import { FerriteError } from '#domain/errors.ts';
import type { VideoEncode } from '#domain/rendition.ts';
import { FragmentReader } from '#workers/bmff/fragments.ts';
import { COMMON, OUTPUT_START_S, pictureFilters, pictureInput, pictureOutputs } from '#workers/encode/encoder-arguments.ts';
import { completed, isIncomplete } from '#workers/encoders/av1-header.ts';
import { listEncoders } from '#workers/inspect/machine.ts';
import type { RunTool, ToolResult } from '#workers/programs/run-tool.ts';
import { codecStringOf } from '#workers/remux/codecs/codec-strings.ts';

export type TrialOptions = {
  readonly runTool: RunTool;
  /** Whether those in software are tried too. */
  readonly software: boolean;
  readonly hardware: readonly HardwareKind[];
  readonly signal: AbortSignal;
  /** Of each process. */
  readonly deadlineMs?: number;
  /** Where Linux has its render nodes. */
  readonly devicesFolder?: string;
};

const RATE = 24;
const PROOF = { width: 640, height: 360, frames: 36 };
/** As large as a rung, and long enough for a device to get going. */
const MEASURED = { width: 1280, height: 720, frames: 96 };
const FORCED_KEYFRAME = 24;
/** A driver that hangs is ended. Long, for programs in the background stand still where viewers wait. */
const TRIAL_LIMITS = { deadlineMs: 60_000, maxOutputBytes: 32 * 1024 * 1024, limits: { priority: 'background' } } as const;
const LIST_LIMITS = { deadlineMs: 10_000, maxOutputBytes: 64 * 1024 } as const;
/** What is compared: a picture so small that no encoder changes it, and none that went wrong resembles it. */
const SMALL = { width: 32, height: 18 };
/** Of 255, on average over a picture. */
const MOST_DIFFERENCE = 10;
const MAX_REASON = 200;

type Size = { readonly width: number; readonly height: number; readonly frames: number };

const sourceOf = ({ width, height, frames }: Size): string[] => [
  '-f',
  'lavfi',
  '-i',
  `testsrc2=s=${width}x${height}:r=${RATE}:d=${frames / RATE}`,
];

/** Never rejects but when `signal` aborts: what can not be tried does not work, and says why. One after the other. */
export async function tryEncoders(options: TrialOptions): Promise<EncoderTrial[]> {
  const folder = await mkdtemp(join(tmpdir(), 'ferrite-trials-'));
  try {
    return await new Trials(options, folder).run();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

class Trials {
  readonly #options: TrialOptions;
  readonly #folder: string;
  #expected: Buffer | null = null;

  constructor(options: TrialOptions, folder: string) {
    this.#options = options;
    this.#folder = folder;
  }

  async run(): Promise<EncoderTrial[]> {
    const { runTool, signal, hardware } = this.#options;
    const listed = new Set(await listEncoders(runTool, signal));
    const devices = await renderNodes(this.#options.devicesFolder ?? '/dev/dri');
    const trials: EncoderTrial[] = [];
    for (const name of ENCODER_NAMES.filter(each => listed.has(each) && this.#isWanted(each))) {
      for (const device of encoderFacts(name).kind === 'vaapi' ? devices : [null]) trials.push(await this.#encode(name, device));
      if (encoderFacts(name).kind === 'vaapi' && devices.length === 0)
        trials.push({ ...NO_DEVICE, ...encoderFacts(name), does: 'encode', name });
    }
    if (hardware.length > 0) trials.push(...(await this.#decoders(devices)));
    return trials;
  }

  #isWanted(name: EncoderName): boolean {
    const { kind } = encoderFacts(name);
    if (kind === 'software') return this.#options.software;
    return this.#options.hardware.includes(kind);
  }

  async #encode(name: EncoderName, device: string | null): Promise<EncoderTrial> {
    const { codec, kind } = encoderFacts(name);
    const trial = { name, does: 'encode', codec, kind, device } as const;
    try {
      const rendition = renditionFor(name, device, PROOF);
      const { stdout, ms } = await this.#timed(encodeArguments(rendition, PROOF));
      requireStream(stdout, codec);
      const file = join(this.#folder, 'encoded.mp4');
      await writeFile(file, stdout);
      await this.#requirePictures(['-i', `file:${file}`]);
      // On a busy machine it may not come to its end in time: what works need not be measured.
      const pixelsPerSecond = kind === 'software' ? pixelsOf(PROOF) / (ms / 1000) : await this.#measure(name, device, ms).catch(() => null);
      return { ...trial, isProven: true, pixelsPerSecond: pixelsPerSecond && Math.round(pixelsPerSecond), reason: '' };
    } catch (error) {
      return { ...trial, isProven: false, pixelsPerSecond: null, reason: this.#reasonOf(error) };
    }
  }

  /** By what a longer encode takes beyond the short one: to open a device takes its time, whatever is encoded. */
  async #measure(name: EncoderName, device: string | null, shortMs: number): Promise<number> {
    const { ms } = await this.#timed(encodeArguments(renditionFor(name, device, MEASURED), MEASURED));
    return (pixelsOf(MEASURED) - pixelsOf(PROOF)) / (Math.max(ms - shortMs, 1) / 1000);
  }

  async #decoders(devices: readonly string[]): Promise<EncoderTrial[]> {
    const { runTool, signal, hardware } = this.#options;
    const { stdout } = await runTool('ffmpeg', ['-hide_banner', '-hwaccels'], { ...LIST_LIMITS, signal }).catch(() => ({ stdout: '' }));
    const listed = new Set(
      stdout
        .toString()
        .split('\n')
        .map(line => line.trim()),
    );
    const wanted = HARDWARE_KINDS.filter(kind => hardware.includes(kind)).flatMap(kind => {
      const accel = ACCELERATIONS[kind];
      return accel !== undefined && listed.has(accel) ? [{ kind, accel }] : [];
    });
    if (wanted.length === 0) return [];
    const film = join(this.#folder, 'film.mp4');
    const made = await this.#run([...COMMON, ...sourceOf(PROOF), '-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-bf', '0', '-y', film]).catch(
      () => null,
    );
    if (made === null) return [];
    const trials: EncoderTrial[] = [];
    for (const { kind, accel } of wanted) {
      if (kind === 'vaapi' && devices.length === 0) trials.push({ ...NO_DEVICE, does: 'decode', name: accel, codec: 'h264', kind });
      for (const device of kind === 'vaapi' ? devices : [null]) trials.push(await this.#decode(film, { kind, accel, device }));
    }
    return trials;
  }

  async #decode(
    film: string,
    { kind, accel, device }: { kind: HardwareKind; accel: string; device: string | null },
  ): Promise<EncoderTrial> {
    const trial = { name: accel, does: 'decode', codec: 'h264', kind, device, pixelsPerSecond: null } as const;
    try {
      // Where ffmpeg falls back to software by itself, there is nothing to download, and it fails.
      const how = ['-hwaccel', accel, '-hwaccel_output_format', OUTPUT_FORMATS[accel] ?? accel];
      await this.#requirePictures(
        [...how, ...(device === null ? [] : ['-hwaccel_device', device]), '-i', `file:${film}`],
        'hwdownload,format=nv12,',
      );
      return { ...trial, isProven: true, reason: '' };
    } catch (error) {
      return { ...trial, isProven: false, reason: this.#reasonOf(error) };
    }
  }

  /** @throws ENCODE_FAILED unless each picture of the input is the one of the test film. */
  async #requirePictures(input: readonly string[], before = ''): Promise<void> {
    this.#expected ??= await this.#pictures(sourceOf(PROOF));
    const pictures = await this.#pictures(input, before);
    if (pictures.byteLength !== this.#expected.byteLength)
      throw new FerriteError('ENCODE_FAILED', 'some of its pictures can not be decoded');
    const size = SMALL.width * SMALL.height;
    for (let at = 0; at < pictures.byteLength; at += size) {
      if (differenceOf(pictures.subarray(at, at + size), this.#expected.subarray(at, at + size)) > MOST_DIFFERENCE)
        throw new FerriteError('ENCODE_FAILED', 'its pictures are not those that went in');
    }
  }

  async #pictures(input: readonly string[], before = ''): Promise<Buffer> {
    const filters = `${before}scale=${SMALL.width}:${SMALL.height}:flags=area,format=gray`;
    const { stdout } = await this.#run([
      '-hide_banner',
      '-nostdin',
      '-nostats',
      '-loglevel',
      'error',
      ...input,
      '-vf',
      filters,
      '-f',
      'rawvideo',
      'pipe:1',
    ]);
    return stdout;
  }

  async #timed(args: readonly string[]): Promise<{ stdout: Buffer; ms: number }> {
    const startedMs = performance.now();
    const { stdout } = await this.#run(args);
    return { stdout, ms: performance.now() - startedMs };
  }

  async #run(args: readonly string[]): Promise<ToolResult> {
    const { runTool, signal, deadlineMs = TRIAL_LIMITS.deadlineMs } = this.#options;
    const ended = await runTool('ffmpeg', args, { ...TRIAL_LIMITS, deadlineMs, signal });
    if (ended.exitCode !== 0) throw new FerriteError('ENCODE_FAILED', lastLine(ended.stderrTail) || 'ffmpeg ended with an error');
    return ended;
  }

  /** @throws what the trial was aborted with */
  #reasonOf(error: unknown): string {
    this.#options.signal.throwIfAborted();
    const text = error instanceof Error ? error.message : 'it could not be tried';
    return text.replaceAll(this.#folder, '').slice(0, MAX_REASON);
  }
}

/** ffmpeg's names of what decodes; the others have decoders of their own, which nothing here uses. */
const ACCELERATIONS: Partial<Record<HardwareKind, string>> = {
  vaapi: 'vaapi',
  qsv: 'qsv',
  nvenc: 'cuda',
  videotoolbox: 'videotoolbox',
  rkmpp: 'rkmpp',
};
const OUTPUT_FORMATS: Readonly<Record<string, string>> = { videotoolbox: 'videotoolbox_vld', rkmpp: 'drm_prime' };

async function renderNodes(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names
    .filter(name => /^renderD\d+$/.test(name))
    .sort()
    .map(name => join(folder, name));
}

const NO_DEVICE = { device: null, isProven: false, pixelsPerSecond: null, reason: 'there is no render node' } as const;

function renditionFor(encoder: EncoderName, device: string | null, { width, height }: Size): VideoEncode {
  const codecs = { h264: 'avc1.64001f', hevc: 'hvc1.1.6.L93.90', av1: 'av01.0.05M.08' }[encoderFacts(encoder).codec];
  const rate = { maxBitrateBps: 2_000_000, bandwidthBps: 4_000_000, frameRate: { num: RATE, den: 1 } };
  const how = { kind: 'video-encode', rungId: 'trial', streamIndex: 0, preset: 'veryfast' } as const;
  return { ...how, ...rate, width, height, encoder, ...(device === null ? {} : { device }), codecs };
}

/** As a run has them that reads a file by itself. */
const encodeArguments = (rendition: VideoEncode, size: Size): string[] => [
  ...COMMON,
  ...pictureInput(rendition),
  ...sourceOf(size),
  ...pictureOutputs(rendition, {
    input: '0:0',
    filters: pictureFilters(rendition, 0),
    keyframes: ((FORCED_KEYFRAME - 0.25) / RATE).toFixed(6),
    quickFrames: 0,
    frames: size.frames,
    rest: [],
  }),
];

/** @throws ENCODE_FAILED unless the cutter could use it: a header, each frame on its tick, keyframes where they were forced and nowhere else. */
function requireStream(output: Buffer, codec: 'h264' | 'hevc' | 'av1'): void {
  const shown: number[] = [];
  const keyframes: number[] = [];
  let entry: Buffer | undefined;
  let timescale = 1;
  const reader = new FragmentReader({
    onHeader: header => {
      timescale = header.timescale;
      entry = header.sampleEntry;
    },
    onSample: ({ decodeTime, compositionOffset, isSync, bytes }) => {
      if (entry && isIncomplete(entry)) entry = completed(entry, bytes);
      const frame = ((decodeTime + compositionOffset) / timescale - OUTPUT_START_S) * RATE;
      shown.push(frame);
      if (isSync) keyframes.push(Math.round(frame));
    },
  });
  reader.push(output);
  reader.end();
  const prefix = { h264: 'avc1', hevc: 'hvc1', av1: 'av01' }[codec];
  const named = (entry && codecStringOf(entry)) ?? 'nothing';
  const fail = (message: string): never => {
    throw new FerriteError('ENCODE_FAILED', message);
  };
  if (!named.startsWith(prefix)) fail(`its header says ${named}`);
  const isOnGrid = shown.toSorted((a, b) => a - b).every((frame, at) => Math.abs(frame - at) < 0.01);
  if (shown.length !== PROOF.frames || !isOnGrid) fail(`${shown.length} of ${PROOF.frames} pictures came, or not on their ticks`);
  if (keyframes.join() !== `0,${FORCED_KEYFRAME}`)
    fail(`keyframes at pictures ${keyframes.slice(0, 8).join(', ')} instead of 0 and ${FORCED_KEYFRAME}`);
}

const pixelsOf = ({ width, height, frames }: Size): number => width * height * frames;

function differenceOf(a: Buffer, b: Buffer): number {
  let sum = 0;
  for (let at = 0; at < a.byteLength; at++) sum += Math.abs((a[at] ?? 0) - (b[at] ?? 0));
  return sum / a.byteLength;
}

/** What ffmpeg says last is often that nothing was made; the line that blames something is before it. */
function lastLine(stderr: string): string {
  const lines = stderr
    .split('\n')
    .map(line => line.replace(/^\[[^\]]*\] /, '').trim())
    .filter(line => line !== '' && !/^(Conversion failed|Error initializing output stream)/.test(line));
  return lines.at(-1) ?? '';
}
