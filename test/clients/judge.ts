// Whether what was seen and heard is that of the player's clock.
import { FRAME_RATE, FRAME_S, lagS, PERIOD_S, toneOf } from './clock.ts';
import type { Look } from './player.ts';

export type Tally = {
  checked: number;
  wrong: number;
  /** The greatest distance between the clock and what it should be the clock of. */
  worstMs: number;
};

export const emptyTally = (): Tally => ({ checked: 0, wrong: 0, worstMs: 0 });

export type Verdict = { readonly pictures: Tally; readonly sounds: Tally; readonly isSecondSound: boolean; readonly complaint: string };

/** One frame, and what rounding a clock to milliseconds costs. */
const TOLERANCE_S = FRAME_S + 0.002;

/** `slackS` is what lies between the clock and the picture for another reason than the film's. */
export function judge({ pictures, sounds }: Look, slackS = 0): Verdict {
  const complaints: string[] = [];
  const seen = emptyTally();
  for (const { number, clockS } of pictures) {
    // A picture stands for a whole frame: it is right from its time to the next one's.
    const from = number === null ? Number.NaN : number / FRAME_RATE;
    const offS = Math.max(0, from - clockS, clockS - from - FRAME_S);
    count(seen, offS, slackS, () =>
      complaints.push(
        `at ${clockS.toFixed(3)} s ${number === null ? 'no picture of the film' : `picture ${number} (${from.toFixed(3)} s)`}`,
      ),
    );
  }
  const heard = emptyTally();
  let pilots = 0;
  for (const { samples, clockS } of sounds) {
    if (isAtTheEdge(clockS)) continue;
    const tone = toneOf(samples);
    if (tone?.hasPilot) pilots++;
    const offS = tone === null ? Number.NaN : Math.abs(lagS(tone, clockS));
    count(heard, offS, 0, () =>
      complaints.push(`at ${clockS.toFixed(3)} s ${tone === null ? 'silence' : `sound of ${tone.phaseS.toFixed(3)} s`}`),
    );
  }
  return { pictures: seen, sounds: heard, isSecondSound: pilots * 2 > heard.checked, complaint: complaints[0] ?? '' };
}

/** Where the tone begins anew it tells nothing. */
const isAtTheEdge = (clockS: number): boolean => clockS % PERIOD_S < 0.2 || clockS % PERIOD_S > PERIOD_S - 0.2;

function count(tally: Tally, offS: number, slackS: number, complain: () => void): void {
  tally.checked++;
  if (offS <= TOLERANCE_S + slackS) {
    tally.worstMs = Math.max(tally.worstMs, Math.round(offS * 1_000));
    return;
  }
  tally.wrong++;
  if (!Number.isNaN(offS)) tally.worstMs = Math.max(tally.worstMs, Math.round(offS * 1_000));
  complain();
}

export function add(into: Tally, { checked, wrong, worstMs }: Tally): void {
  into.checked += checked;
  into.wrong += wrong;
  into.worstMs = Math.max(into.worstMs, worstMs);
}
