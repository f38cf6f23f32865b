// How far encodes may run ahead of their viewers: half a minute, and less while another viewer may soon have to wait.
import type { Lead } from '#actors/run.ts';
import type { SessionId } from '#domain/ids.ts';
import type { Encodes } from './encodes.ts';

const LEAD_MS = 30_000;
/** While another viewer may soon have to wait for a segment. */
const CROWDED_LEAD_MS = 8_000;
/** Sound is encoded in a fraction of its duration, so that one segment is lead enough; more would take time from a picture. */
const CROWDED_SOUND_SEGMENTS = 1;
/** A viewer who has less than this ready, beyond the segment last asked for, may soon have to wait. */
const URGENT_MS = 4_000;

type Options = {
  readonly encodes: Encodes;
  readonly onResize: (sessionId: SessionId) => void;
  /** Encodes that are held bring nothing to other sessions: their requests have to be looked at again. */
  readonly onCrowded: () => void;
};

export class Pace {
  readonly #options: Options;
  #isCrowded = false;

  constructor(options: Options) {
    this.#options = options;
  }

  get isCrowded(): boolean {
    return this.#isCrowded;
  }

  /** To be called when an encode started, ended or came further, or its viewer did. */
  follow(): void {
    const { encodes, onResize, onCrowded } = this.#options;
    const isCrowded = encodes.isAnyPictureBehind(URGENT_MS);
    if (isCrowded === this.#isCrowded) return;
    this.#isCrowded = isCrowded;
    for (const sessionId of encodes.sessions()) onResize(sessionId);
    if (isCrowded) onCrowded();
  }

  lead(targetMs: number): Lead {
    const segments = (ms: number): number => Math.max(2, Math.ceil(ms / targetMs));
    if (this.#isCrowded) return { picture: segments(CROWDED_LEAD_MS), sound: CROWDED_SOUND_SEGMENTS };
    return { picture: segments(LEAD_MS), sound: segments(LEAD_MS) };
  }
}
