// How far an encode has come, and which segments it is about to bring: the one rule by which a request waits for an encode rather than starts another.

export type EncodePosition = {
  readonly firstIndex: number;
  readonly nextIndex: number;
  readonly lastIndex: number;
  /** What its viewer asked for last. */
  readonly viewerIndex: number;
  /** How far ahead of that it may go. */
  readonly limitIndex: number;
};

/** The segments that are rather waited for than made by another encode. */
export type Reach = { readonly nextIndex: number; readonly reachIndex: number };

/** How many segments past the next one are rather waited for: about what a start costs. */
export const REACH_SEGMENTS = 2;

/** For its own viewer, whose requests move the lead; a request for a segment after its last one is taken up when the encode has ended. */
export const reachFrom = (nextIndex: number): Reach => ({ nextIndex, reachIndex: nextIndex + REACH_SEGMENTS });

/** For other viewers, who move nothing. */
export const reachForOthers = ({ nextIndex, limitIndex, lastIndex }: EncodePosition): Reach => ({
  nextIndex,
  reachIndex: Math.min(reachFrom(nextIndex).reachIndex, limitIndex, lastIndex),
});

export const isAboutToReach = ({ nextIndex, reachIndex }: Reach, index: number): boolean => index >= nextIndex && index <= reachIndex;

/** The init segment comes before anything else. */
export const isAboutToBringInit = ({ firstIndex, nextIndex }: EncodePosition): boolean => nextIndex === firstIndex;

export const isAtLimit = ({ nextIndex, limitIndex }: EncodePosition): boolean => nextIndex > limitIndex;

export const isComplete = ({ nextIndex, lastIndex }: EncodePosition): boolean => nextIndex > lastIndex;
