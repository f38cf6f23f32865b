// Whether a run may use its hardware at the moment, and what is told of how that went. One for a thread: each finds out by itself.
import { DeviceHealth } from '#domain/delivery/device-health.ts';
import { encoderKey, inSoftware, isHardware } from '#domain/encoders.ts';
import type { Measurement } from '#domain/protocol.ts';
import type { MediaRendition } from '#domain/rendition.ts';

type Told = Extract<Measurement, { name: 'hardware_failed' | 'hardware_worked' }>;

export class HardwareUse {
  readonly #health: DeviceHealth;
  readonly #tell: (told: Told) => void;

  constructor(tell: (told: Told) => void, health = new DeviceHealth()) {
    this.#tell = tell;
    this.#health = health;
  }

  /** What makes the rendition now: its own encoder, or software in its place while that one rests. */
  madeNow<R extends MediaRendition>(rendition: R, { isFallback = false } = {}): R {
    if (rendition.kind !== 'video-encode' || !isHardware(rendition)) return rendition;
    return isFallback || !this.#health.isUsable(encoderKey(rendition)) ? inSoftware(rendition) : rendition;
  }

  /** A segment of the rendition is there. By software, where hardware had just failed: so it was the hardware's fault. */
  made(rendition: MediaRendition, { isFallback = false, isByHardware = false }): void {
    if (rendition.kind !== 'video-encode' || !isHardware(rendition)) return;
    const encoder = encoderKey(rendition);
    if (isFallback && this.#health.failed(encoder)) this.#tell({ name: 'hardware_failed', value: 1, encoder });
    if (isByHardware && this.#health.worked(encoder)) this.#tell({ name: 'hardware_worked', value: 1, encoder });
  }
}
