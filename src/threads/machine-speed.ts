// How much this machine can encode: measured once, kept in the data folder, measured again when processor, cores or ffmpeg change.
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { parseMediaId } from '#domain/ids.ts';
import type { MediaHosts } from './media-hosts.ts';

type Log = { info(facts: object, message: string): void; warn(facts: object, message: string): void };

type Measured = { readonly key: string; readonly pixelsPerSecond: number; readonly measuredAtMs: number };

export type KeepMeasuredOptions = {
  /** The first line that ffmpeg prints of its version. */
  readonly ffmpeg: string;
  readonly hosts: Pick<MediaHosts, 'request'>;
  readonly log: Log;
  readonly onMeasured: (pixelsPerSecond: number) => void;
};

const FILE = 'machine-speed.json';
/** Raised when the same machine would be measured to another number. */
const METHOD = 3;
/** A slow core of some years ago: better too few encodes until it is measured than all of them stumbling. */
const ESTIMATE_PER_CORE = 56_000_000;
/** A server that has just started has its first viewers and a scan to serve. */
const MEASURE_DELAY_MS = 2_000;
const MEASURE_DEADLINE_MS = 60_000;

export class MachineSpeed {
  readonly #dataDir: string;
  #measured: Measured | null;

  /** With the measurement of an earlier start, where its file is there and in this format. */
  static async read(dataDir: string): Promise<MachineSpeed> {
    const text = await readFile(join(dataDir, FILE), 'utf8').catch(() => '');
    return new MachineSpeed(dataDir, parseMeasured(text));
  }

  private constructor(dataDir: string, measured: Measured | null) {
    this.#dataDir = dataDir;
    this.#measured = measured;
  }

  /** Measured, or a guess until then. The measurement of an older ffmpeg is still a better guess than none. */
  get pixelsPerSecond(): number {
    return this.#measured?.pixelsPerSecond ?? ESTIMATE_PER_CORE * availableParallelism();
  }

  isMeasuredWith(ffmpeg: string): boolean {
    return this.#measured?.key === keyOf(ffmpeg);
  }

  /** Measures in the background where that has not been done for this machine and ffmpeg. */
  keepMeasured({ ffmpeg, hosts, log, onMeasured }: KeepMeasuredOptions): { close(): void } {
    if (this.isMeasuredWith(ffmpeg)) return { close: () => undefined };
    const over = new AbortController();
    const timer = setTimeout(() => {
      this.measure(ffmpeg, hosts, over.signal).then(
        pixelsPerSecond => {
          log.info({ pixelsPerSecond }, 'the machine was measured');
          onMeasured(pixelsPerSecond);
        },
        err => {
          if (!over.signal.aborted) log.warn({ err }, 'the machine could not be measured; its speed is a guess');
        },
      );
    }, MEASURE_DELAY_MS);
    timer.unref();
    return {
      close: () => {
        clearTimeout(timer);
        over.abort();
      },
    };
  }

  async measure(ffmpeg: string, hosts: Pick<MediaHosts, 'request'>, signal: AbortSignal): Promise<number> {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(MEASURE_DEADLINE_MS)]);
    const { pixelsPerCpuSecond } = await hosts.request('machine.measure', { mediaId: parseMediaId('any-media') }, deadline);
    const measured: Measured = {
      key: keyOf(ffmpeg),
      pixelsPerSecond: Math.round(pixelsPerCpuSecond * availableParallelism()),
      measuredAtMs: Date.now(),
    };
    this.#measured = measured;
    await mkdir(this.#dataDir, { recursive: true, mode: 0o700 });
    const path = join(this.#dataDir, FILE);
    await writeFile(`${path}.tmp`, JSON.stringify(measured), { mode: 0o600 });
    await rename(`${path}.tmp`, path);
    return measured.pixelsPerSecond;
  }
}

function keyOf(ffmpeg: string): string {
  return [METHOD, cpus()[0]?.model ?? 'unknown processor', availableParallelism(), ffmpeg].join(' / ');
}

function parseMeasured(text: string): Measured | null {
  try {
    const found: unknown = JSON.parse(text);
    if (typeof found !== 'object' || found === null) return null;
    if (!('key' in found && 'pixelsPerSecond' in found && 'measuredAtMs' in found)) return null;
    const { key, pixelsPerSecond, measuredAtMs } = found;
    const isGood = typeof key === 'string' && typeof pixelsPerSecond === 'number' && pixelsPerSecond > 0;
    return isGood && typeof measuredAtMs === 'number' ? { key, pixelsPerSecond, measuredAtMs } : null;
  } catch {
    return null;
  }
}
