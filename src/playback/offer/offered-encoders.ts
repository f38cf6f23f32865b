// The encoders that new sessions are offered: those that the trial proved, less those that rest after a failure, as the settings allow.

import { DeviceHealth } from '#domain/delivery/device-health.ts';
import { encodeWork } from '#domain/delivery/encode-work.ts';
import { type ChosenEncoders, chooseEncoders, type OtherCodec } from '#domain/delivery/encoder-choice.ts';
import { type EncoderTrial, encoderKey, type HardwareKind, isHardware } from '#domain/encoders.ts';
import type { VideoStream } from '#domain/media.ts';
import type { Measurement } from '#domain/protocol.ts';
import type { VideoEncode } from '#domain/rendition.ts';

export type OfferedEncodersOptions = {
  readonly hardware: readonly HardwareKind[];
  readonly codecs: 'auto' | readonly OtherCodec[];
  /** What the cores do: pixels a second of x264. */
  readonly coreSpeed: () => number;
  readonly health?: DeviceHealth;
};

/** So many encodes of the source's own size in another codec must have room at once before one is offered that software makes. */
const IDLE_ENCODES = 6;
/** A device whose test was over in no time is not taken for boundless. */
const LEAST_SHARE = 0.02;

export class OfferedEncoders {
  readonly #options: OfferedEncodersOptions;
  readonly #health: DeviceHealth;
  #trials: readonly EncoderTrial[] = [];

  constructor(options: OfferedEncodersOptions) {
    this.#options = options;
    this.#health = options.health ?? new DeviceHealth();
  }

  tried(trials: readonly EncoderTrial[]): void {
    this.#trials = trials;
  }

  /** What session hosts found out since. */
  told(measurement: Measurement): void {
    if (measurement.name === 'hardware_failed') this.#health.failed(measurement.encoder);
    if (measurement.name === 'hardware_worked') this.#health.worked(measurement.encoder);
  }

  /** @param spareWork what may still be encoded beside all that is (`encodeWork`); null where encodes are counted instead */
  for({ width, height, frameRate }: VideoStream, spareWork: number | null): ChosenEncoders {
    const { hardware, codecs } = this.#options;
    const one = encodeWork({ width, height, frameRate, encoder: 'libx265' }, { width, height });
    const isIdle = spareWork !== null && spareWork >= IDLE_ENCODES * one;
    return chooseEncoders({ trials: this.#trials, hardware, codecs, isUsable: key => this.#health.isUsable(key), isIdle });
  }

  /** Of the machine's work, what a pixel takes that this device encodes. 1 where it was not measured: as if the cores did it. */
  deviceShareOf(rendition: VideoEncode): number {
    if (!isHardware(rendition)) return 1;
    const key = encoderKey(rendition);
    const trial = this.#trials.find(({ name, device }) => (device === null ? name : `${name} ${device}`) === key);
    return trial?.pixelsPerSecond ? Math.min(1, Math.max(LEAST_SHARE, this.#options.coreSpeed() / trial.pixelsPerSecond)) : 1;
  }
}
