// One subtitle as it is served: times on the film's own clock, text in the markup of WebVTT and nothing else.

export type Cue = {
  readonly startMs: number;
  readonly endMs: number;
  /** Escaped, with the tags `i`, `b`, `u` and `c` alone; several lines. */
  readonly text: string;
  /** Cue settings (WebVTT, 3.5), such as `line:0`; empty for the usual place at the bottom. */
  readonly settings: string;
};

/** More cues, or longer ones, than any film has: what a file says beyond them is left out. */
export const MAX_CUES = 50_000;
export const MAX_CUE_CHARACTERS = 4_000;

/** In order of time; those without text or time are left out. */
export function tidied(cues: readonly Cue[]): Cue[] {
  return cues
    .filter(({ startMs, endMs, text }) => Number.isFinite(startMs) && Number.isFinite(endMs) && endMs > startMs && text !== '')
    .slice(0, MAX_CUES)
    .sort((a, b) => a.startMs - b.startMs || a.endMs - b.endMs);
}
