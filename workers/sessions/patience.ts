// How long a segment request lets later ones go before it. The last request is what a viewer looks at, so it goes first; one that has waited
// longer than this goes before it.

export const PATIENCE_MS = 2_500;

export const isPatienceOver = (sinceMs: number, nowMs: number): boolean => nowMs - sinceMs >= PATIENCE_MS;

/** Calls `onOver` once, never before the patience is over: a timer that was set in a late turn of the loop fires early. Returns what stops it. */
export function whenPatienceEnds(sinceMs: number, onOver: () => void): () => void {
  let timer: NodeJS.Timeout;
  const arm = (leftMs: number): void => {
    timer = setTimeout(() => {
      const nowMs = performance.now();
      if (isPatienceOver(sinceMs, nowMs)) onOver();
      else arm(sinceMs + PATIENCE_MS - nowMs);
    }, Math.ceil(leftMs));
  };
  arm(PATIENCE_MS);
  return () => clearTimeout(timer);
}
