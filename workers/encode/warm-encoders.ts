// Encoders that are started before they are needed and wait for their film on stdin, so that a run does not pay for the start.
import type { KeyframeMap } from '#domain/media.ts';
import { isEncode } from '#domain/rendition.ts';
import type { Offer } from '#domain/session.ts';
import type { HardwareUse } from '#workers/encoders/hardware-use.ts';
import { ENCODER_LIMITS } from '#workers/programs/limits.ts';
import type { ChildProcess, SpawnerClient } from '#workers/programs/spawner-client.ts';
import { hasQuickOutput } from './encoder-arguments.ts';
import { fedArguments } from './fed-arguments.ts';

type Waiting = {
  readonly key: string;
  readonly process: Promise<ChildProcess>;
  readonly expiry: NodeJS.Timeout;
};

export type WarmEncodersOptions = {
  readonly spawner: SpawnerClient;
  readonly ffmpegPath: string;
  readonly limit: number;
  readonly hardware: Pick<HardwareUse, 'madeNow'>;
  readonly expiryMs?: number;
};

const EXPIRY_MS = 60_000;

export class WarmEncoders {
  readonly #options: Required<WarmEncodersOptions>;
  /** Oldest first. */
  #waiting: Waiting[] = [];
  #isClosed = false;

  constructor(options: WarmEncodersOptions) {
    this.#options = { expiryMs: EXPIRY_MS, ...options };
  }

  /** A waiting encoder with these arguments, else one that is started now. The caller owns it. */
  async take(args: readonly string[]): Promise<ChildProcess> {
    const key = keyOf(args);
    const found = this.#waiting.find(waiting => waiting.key === key);
    if (!found) return this.#start(args);
    this.#remove(found);
    return found.process.catch(() => this.#start(args));
  }

  /** Starts an encoder that waits with these arguments. Without room it replaces the one that has waited longest. */
  prepare(args: readonly string[]): void {
    const key = keyOf(args);
    if (this.#isClosed || this.#options.limit < 1 || this.#waiting.some(waiting => waiting.key === key)) return;
    const [oldest] = this.#waiting;
    if (oldest && this.#waiting.length >= this.#options.limit) this.#end(oldest);
    const process = this.#start(args);
    const waiting: Waiting = { key, process, expiry: setTimeout(() => this.#end(waiting), this.#options.expiryMs).unref() };
    this.#waiting.push(waiting);
    // An encoder that ends by itself is not handed out; why it could not start is told by the run that needs one. It may live on where
    // only its starter was lost, and has to be ended here.
    process.then(
      child => child.exited.then(() => this.#end(waiting)),
      () => this.#remove(waiting),
    );
  }

  /** A session was opened: has the encoder wait that it will most likely start first. */
  expect({ delivery, video, audio }: Offer, { copyMethod }: KeyframeMap): void {
    if (delivery !== 'transcode' || copyMethod === 'ffmpeg') return;
    for (const rendition of [video[0], audio[0]]) {
      const isFed = rendition !== undefined && isEncode(rendition) && !('burned' in rendition && rendition.burned !== undefined);
      if (isFed) this.prepare(fedArguments(this.#options.hardware.madeNow(rendition)));
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const waiting of [...this.#waiting]) this.#end(waiting);
  }

  #start(args: readonly string[]): Promise<ChildProcess> {
    return startEncoder(this.#options.spawner, this.#options.ffmpegPath, args);
  }

  #remove(waiting: Waiting): void {
    if (!this.#waiting.includes(waiting)) return;
    clearTimeout(waiting.expiry);
    this.#waiting = this.#waiting.filter(other => other !== waiting);
  }

  /** Ends a waiting encoder; one that was handed out is its run's. */
  #end(waiting: Waiting): void {
    if (!this.#waiting.includes(waiting)) return;
    this.#remove(waiting);
    waiting.process.then(
      child => {
        child.kill('SIGKILL');
        child.socket.destroy();
        child.second?.destroy();
      },
      () => undefined,
    );
  }
}

export const startEncoder = (spawner: SpawnerClient, ffmpegPath: string, args: readonly string[]): Promise<ChildProcess> =>
  spawner.run(ffmpegPath, args, ENCODER_LIMITS, { hasSecondOutput: hasQuickOutput(args) });

const keyOf = (args: readonly string[]): string => args.join('\0');
